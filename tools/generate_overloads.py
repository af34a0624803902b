"""Write the `_generated_*.py` files: overloads, one for each way to call a function.

A workflow, a handler or an activity is named by its function or by a text, and is given no, one or
any number of arguments; a type checker needs an overload for each. All of them follow from a table
of ways (`RUN`, `HANDLER`, …) and a list of calls (`FILES`). The code of a call stands beside its
like, in the file that `File.source` names: it is given what names the thing, the arguments as one
sequence, and the keywords. Its docstring is copied from there.

``python tools/generate_overloads.py`` writes the files, ``--check`` says which are not fresh.
To add a file, append a `File` to `FILES`.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Way:
    """One way to name what is called, and to give its arguments."""

    named_by: str
    """The type of the first parameter."""
    arg: str | None = None
    """The type of the one argument; `ANY` for any arguments, `EITHER` for one or any, or none."""
    owner: str = "Any"
    """The type for ``{owner}`` in `Call.returns`: the workflow class."""
    result: str = "Any"
    """The type for ``{result}`` in `Call.returns`."""
    result_type: str | None = None
    """The keyword ``result_type`` with its type, where there is one."""


ANY, EITHER = "any arguments", "one argument or any"

NAME = Way("str", EITHER, result_type="result_type: type | None = ...")
NAME_WITHOUT_RESULT = Way("str", EITHER)
NAMES = (
    Way("str", EITHER, result="R", result_type="result_type: type[R]"),
    Way("str", EITHER, result_type="result_type: None = None"),
)


def _of_workflow(no: str, one: str, several: str) -> tuple[Way, ...]:
    return (
        Way(no, None, "SelfT", "R"),
        Way(one, "ParamT", "SelfT", "R"),
        Way(several, ANY, "SelfT", "R"),
    )


RUN = _of_workflow(
    "RunNoParam[SelfT, R]", "RunOneParam[SelfT, ParamT, R]", "RunAnyParams[SelfT, R]"
)
QUERY = _of_workflow(
    "HandlerNoParam[SelfT, R]", "HandlerOneParam[SelfT, ParamT, R]", "HandlerAnyParams[SelfT, R]"
)
SIGNAL = _of_workflow(
    "HandlerNoParam[SelfT, Any]",
    "HandlerOneParam[SelfT, ParamT, Any]",
    "HandlerAnyParams[SelfT, Any]",
)
UPDATE = _of_workflow(
    "UpdateMethod[SelfT, [], Any, R]",
    "UpdateMethod[SelfT, [ParamT], Any, R]",
    "UpdateMethod[SelfT, ..., Any, R]",
)
ACTIVITY = (
    Way("Callable[[], Awaitable[R]]", None, result="R"),
    Way("Callable[[], R]", None, result="R"),
    Way("Callable[[ParamT], Awaitable[R]]", "ParamT", result="R"),
    Way("Callable[[ParamT], R]", "ParamT", result="R"),
    Way("Callable[..., Awaitable[R]]", ANY, result="R"),
    Way("Callable[..., R]", ANY, result="R"),
)
ACTIVITY_METHOD = (
    Way("Callable[[SelfT], Awaitable[R]]", None, result="R"),
    Way("Callable[[SelfT], R]", None, result="R"),
    Way("Callable[[SelfT, ParamT], Awaitable[R]]", "ParamT", result="R"),
    Way("Callable[[SelfT, ParamT], R]", "ParamT", result="R"),
    Way("Callable[..., Awaitable[R]]", ANY, result="R"),
    Way("Callable[..., R]", ANY, result="R"),
)
ACTIVITY_CLASS = (
    Way("type[AsyncClass0[R]]", None, result="R"),
    Way("type[SyncClass0[R]]", None, result="R"),
    Way("type[AsyncClass1[ParamT, R]]", "ParamT", result="R"),
    Way("type[SyncClass1[ParamT, R]]", "ParamT", result="R"),
    Way("type[AsyncClass[R]]", ANY, result="R"),
    Way("type[SyncClass[R]]", ANY, result="R"),
)


@dataclass(frozen=True)
class Call:
    """One function or method with overloads."""

    name: str
    first: str
    """The name of the first parameter."""
    ways: Sequence[Way]
    returns: str
    """The type of the answer, with ``{owner}`` and ``{result}`` of the way."""
    keywords: Sequence[str] = ()
    """Keywords that every way has, ``name: type`` or ``name: type = default``, with ``{owner}``."""
    options: str = ""
    """The TypedDict of all other keywords."""
    is_async: bool = True
    code: str = ""
    """The function with the code, where that has another name."""
    doc: str = ""
    """The docstring, where it is not that of the code."""

    def overloads(self) -> Iterator[str]:
        """One overload for each way."""
        for way in self.ways:
            answer = self.returns.format(owner=way.owner, result=way.result)
            parameters = [f"{self.first}: {way.named_by}", *_given(way)]
            keywords = [*self._keywords(way), *self._rest(f"Unpack[{self.options}]")]
            yield f"@overload\n{self._define(parameters, keywords, answer)} ..."

    def implementation(self, target: str, doc: str) -> str:
        """The function itself, which passes everything on to `target`."""
        named = [way.result_type for way in self.ways if way.result_type]
        own = [
            *(one.format(owner="Any") for one in self.keywords),
            *(["result_type: Any = None"] if named else []),
        ]
        keywords = ["args: Sequence[Any] = ()", *own, *self._rest("Any")]
        head = self._define([f"{self.first}: Any", "arg: Any = UNSET"], keywords, "Any")
        passed = [self.first, "arguments(arg, args)"]
        passed += [f"{name}={name}" for name in (one.split(":")[0] for one in own)]
        passed += ["**options"] if self.options else []
        call = f"{target}({', '.join(passed)})"
        body = f'"""{doc}"""\nreturn {"await " if self.is_async else ""}{call}'
        return f"{head}\n{textwrap.indent(body, '    ')}"

    def _keywords(self, way: Way) -> Iterator[str]:
        if way.arg == ANY:
            yield "args: Sequence[Any]"
        elif way.arg == EITHER:
            yield "args: Sequence[Any] = ..."
        for keyword in self.keywords:
            kind = keyword.split(" = ")[0].format(owner=way.owner)
            yield f"{kind} = ..." if " = " in keyword else kind
        if way.result_type:
            yield way.result_type

    def _rest(self, kind: str) -> list[str]:
        return [f"**options: {kind}"] if self.options else []

    def _define(self, parameters: Sequence[str], keywords: Sequence[str], answer: str) -> str:
        named = [one for one in keywords if not one.startswith("**")]
        everything = [*parameters, *(["*"] if named else []), *keywords]
        prefix = "async def" if self.is_async else "def"
        return f"{prefix} {self.name}({', '.join(everything)}) -> {answer}:"


def _given(way: Way) -> list[str]:
    if way.arg == EITHER:
        return ["arg: Any = ..."]
    return [] if way.arg in (None, ANY) else [f"arg: {way.arg}"]


@dataclass(frozen=True)
class File:
    """One generated file."""

    path: str
    source: str
    """The file with the code of the calls: functions or methods with the names of `target`."""
    head: str
    """The docstring and the imports."""
    calls: Sequence[Call]
    owner: str = ""
    """The line and docstring of the class that the calls are methods of; none for functions."""
    target: str = "{name}"
    """What an implementation calls: ``own._{name}`` for methods."""

    def text(self) -> str:
        """The whole file, as ruff formats it."""
        docs = dict(_docs(ROOT / self.source))
        parts: list[str] = []
        for call in self.calls:
            target = self.target.format(name=call.code or call.name)
            doc = call.doc or docs[target.rpartition(".")[2]]
            parts += [*call.overloads(), call.implementation(target, doc)]
        body = "\n".join(parts)
        if self.owner:
            body = "\n".join(_as_method(part) for part in parts)
            body = f"{self.owner}\n{textwrap.indent(body, '    ')}"
        origin = f"# Written by tools/generate_overloads.py from {Path(self.source).name}.\n"
        return _formatted(f"{origin}{self.head}\n{body}\n", self.path)


def _as_method(part: str) -> str:
    """The function as a method; `own` is the object with the code of its calls."""
    part = part.replace("(", "(self, ", 1)
    return part.replace("\n    return ", "\n    own: Any = self\n    return ")


def _docs(path: Path) -> Iterator[tuple[str, str]]:
    """The docstring of each function of a file, by name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node)
            if doc is not None:
                yield node.name, doc if "\n" not in doc else f"{doc}\n"


def _formatted(text: str, path: str) -> str:
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", path, "-"],
            input=text,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{path}: ruff refuses it\n{done.stdout}{done.stderr}")
        text = done.stdout
    return text


def _activity_calls(verb: str, returns: str) -> list[Call]:
    """The calls for an activity that is a function or a name, a method, and a class."""
    code, options = f"{verb}_activity", "StartActivityOptions"
    rest = ", and wait for its result." if verb == "execute" else "{}."
    return [
        Call(code, "activity", (*ACTIVITY, *NAMES), returns, options=options),
        Call(
            f"{code}_method",
            "activity",
            ACTIVITY_METHOD,
            returns,
            options=options,
            code=code,
            doc="Start an activity that is a method"
            + rest.format(", given by its class: ``Activities.charge``"),
        ),
        Call(
            f"{code}_class",
            "activity",
            ACTIVITY_CLASS,
            returns,
            options=options,
            code=code,
            doc="Start an activity that is a class with ``__call__``" + rest.format(""),
        ),
    ]


CLIENT = File(
    path="python/hourglass/client/_generated_client.py",
    source="python/hourglass/client/_client.py",
    head='''"""The calls of `Client` that start something, typed for every way to call them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass.client._requests._parts import UNSET, arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass._activity_typing import (
        AsyncClass,
        AsyncClass0,
        AsyncClass1,
        SyncClass,
        SyncClass0,
        SyncClass1,
    )
    from hourglass._typing import RunAnyParams, RunNoParam, RunOneParam
    from hourglass._updates import UpdateMethod
    from hourglass.client._activity_handle import ActivityHandle
    from hourglass.client._requests.start_activity_execution import StartActivityOptions
    from hourglass.client._requests.start_workflow_execution import StartOptions
    from hourglass.client._update import UpdateOptions, WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.client._with_start import WithStartWorkflowOperation
    from hourglass.client._workflow_handle import WorkflowHandle

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")

''',
    owner='class ClientCalls:\n    """The typed calls of `Client`, which has their code."""',
    target="own._{name}",
    calls=[
        Call(
            "start_workflow",
            "workflow",
            (*RUN, NAME),
            "WorkflowHandle[{owner}, {result}]",
            options="StartOptions",
        ),
        Call("execute_workflow", "workflow", (*RUN, NAME), "{result}", options="StartOptions"),
        *_activity_calls("start", "ActivityHandle[{result}]"),
        *_activity_calls("execute", "{result}"),
        Call(
            "execute_update_with_start_workflow",
            "update",
            (*UPDATE, NAME),
            "{result}",
            ["start_workflow_operation: WithStartWorkflowOperation[{owner}, Any]"],
            options="UpdateOptions",
        ),
        Call(
            "start_update_with_start_workflow",
            "update",
            (*UPDATE, NAME),
            "WorkflowUpdateHandle[{result}]",
            [
                "start_workflow_operation: WithStartWorkflowOperation[{owner}, Any]",
                "wait_for_stage: WorkflowUpdateStage",
            ],
            options="UpdateOptions",
        ),
    ],
)
_OF_A_CALL = [
    "rpc_metadata: Mapping[str, str] | None = None",
    "rpc_timeout: timedelta | None = None",
]
WORKFLOW_HANDLE = File(
    path="python/hourglass/client/_generated_workflow_handle.py",
    source="python/hourglass/client/_workflow_handle.py",
    head='''"""The calls of `WorkflowHandle` to handlers, typed for every way to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from hourglass.client._requests._parts import UNSET, arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass._typing import HandlerAnyParams, HandlerNoParam, HandlerOneParam
    from hourglass._updates import UpdateMethod
    from hourglass.client._update import UpdateOptions, WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.common import QueryRejectCondition

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")

''',
    owner=(
        "class WorkflowHandleCalls(Generic[SelfT]):\n"
        '    """The typed calls of `WorkflowHandle`, which has their code."""'
    ),
    target="own._{name}",
    calls=[
        Call("signal", "signal", (*SIGNAL, NAME_WITHOUT_RESULT), "None", _OF_A_CALL),
        Call(
            "query",
            "query",
            (*QUERY, NAME),
            "{result}",
            ["reject_condition: QueryRejectCondition | None = None", *_OF_A_CALL],
        ),
        Call("execute_update", "update", (*UPDATE, NAME), "{result}", options="UpdateOptions"),
        Call(
            "start_update",
            "update",
            (*UPDATE, NAME),
            "WorkflowUpdateHandle[{result}]",
            ["wait_for_stage: WorkflowUpdateStage"],
            options="UpdateOptions",
        ),
    ],
)


def _workflow_head(doc: str, names: str, code: str, config: str, handle: str) -> str:
    """The head of a file of functions for workflow code."""
    return f'''"""{doc}"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass.workflow._api import {code}
from hourglass.workflow._runtime.arguments import UNSET
from hourglass.workflow._runtime.arguments import arguments_of as arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    {names}
    from {config}
    from {handle}

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")

'''


_ACTIVITY_NAMES = (
    "from hourglass._activity_typing import ("
    "AsyncClass, AsyncClass0, AsyncClass1, SyncClass, SyncClass0, SyncClass1)"
)


def _workflow_activity_calls(kind: str, options: str, handle: str) -> Iterator[Call]:
    """The calls of workflow code for an activity; ``execute`` awaits the handle of ``start``."""
    code = f"start_{kind}"
    what = "a local activity" if kind == "local_activity" else "an activity"
    for verb, returns, end in (
        ("start", handle, ""),
        ("execute", "{result}", ", and wait for its result"),
    ):
        waits = verb == "execute"
        named = f"Schedule {what}, given by its function or its name{end}."
        method = (
            f"Schedule {what} that is a method{end or ', by its class: ``Activities.charge``'}."
        )
        called = f"Schedule {what} that is a class with ``__call__``{end}."
        for suffix, ways, doc in (
            ("", (*ACTIVITY, *NAMES), named if waits else ""),
            ("_method", ACTIVITY_METHOD, method),
            ("_class", ACTIVITY_CLASS, called),
        ):
            name = f"{verb}_{kind}{suffix}"
            yield Call(
                name, "activity", ways, returns, options=options, is_async=waits, code=code, doc=doc
            )


_API = "python/hourglass/workflow/_api"
ACTIVITIES = File(
    path=f"{_API}/_generated_activities.py",
    source=f"{_API}/activities.py",
    head=_workflow_head(
        "Calls of activities, typed for every way to call them.",
        _ACTIVITY_NAMES,
        "activities",
        "hourglass.workflow._api.activities import ActivityConfig",
        "hourglass.workflow._runtime.activities import ActivityHandle",
    ),
    target="activities.{name}",
    calls=[*_workflow_activity_calls("activity", "ActivityConfig", "ActivityHandle[{result}]")],
)
LOCAL_ACTIVITIES = File(
    path=f"{_API}/_generated_local_activities.py",
    source=f"{_API}/local_activities.py",
    head=_workflow_head(
        "Calls of local activities, typed for every way to call them.",
        _ACTIVITY_NAMES,
        "local_activities",
        "hourglass.workflow._runtime.local_activities import LocalActivityConfig",
        "hourglass.workflow._runtime.local_activities import LocalActivityHandle",
    ),
    target="local_activities.{name}",
    calls=[
        *_workflow_activity_calls(
            "local_activity", "LocalActivityConfig", "LocalActivityHandle[{result}]"
        )
    ],
)
CHILDREN = File(
    path=f"{_API}/_generated_children.py",
    source=f"{_API}/children.py",
    head=_workflow_head(
        "Calls of child workflows, typed for every way to call them.",
        "from hourglass._typing import RunAnyParams, RunNoParam, RunOneParam",
        "children",
        "hourglass.workflow._runtime.children import ChildWorkflowConfig",
        "hourglass.workflow._runtime.children import ChildWorkflowHandle",
    ).replace("Awaitable, Callable, ", ""),
    target="children.{name}",
    calls=[
        Call(
            "start_child_workflow",
            "workflow",
            (*RUN, *NAMES),
            "ChildWorkflowHandle[{owner}, {result}]",
            options="ChildWorkflowConfig",
        ),
        Call(
            "execute_child_workflow",
            "workflow",
            (*RUN, *NAMES),
            "{result}",
            options="ChildWorkflowConfig",
        ),
    ],
)
FILES = [CLIENT, WORKFLOW_HANDLE, ACTIVITIES, LOCAL_ACTIVITIES, CHILDREN]


def main(arguments: Sequence[str]) -> int:
    """Write or check all files; 0 when they are fresh."""
    stale: list[str] = []
    for file in FILES:
        path, text = ROOT / file.path, file.text()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(file.path)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    if "--check" not in arguments:
        sys.stdout.writelines(f"written: {path}\n" for path in stale)
        return 0
    advice = "run python tools/generate_overloads.py"
    sys.stdout.writelines(f"{path} is not fresh: {advice}\n" for path in stale)
    sys.stdout.write(f"overloads: {len(FILES)} files, {len(stale)} not fresh\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
