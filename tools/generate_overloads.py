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

import sys
from collections.abc import Iterator, Sequence

from overloads import (
    ACTIVITY,
    ACTIVITY_CLASS,
    ACTIVITY_METHOD,
    NAME,
    NAME_WITHOUT_RESULT,
    NAMES,
    QUERY,
    ROOT,
    RUN,
    SIGNAL,
    UPDATE,
    Call,
    File,
)


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
