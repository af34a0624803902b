"""Overloads of calls as tables: ways to name what is called, calls, and files of them.

Used by `generate_overloads`, which has the files.
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
