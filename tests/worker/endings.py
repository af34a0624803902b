"""Every way for an activity to end badly: importable in the processes of a pool by name."""

import argparse
import asyncio
import builtins
import concurrent.futures
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from hourglass import activity, exceptions


class NeedsTwoError(Exception):
    """Can be pickled and not unpickled: its arguments are not its parameters."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


class HasNoTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class TextEndsTheProcessError(Exception):
    def __str__(self) -> str:
        raise SystemExit("from a text")


class OfItsOwnError(BaseException):
    pass


def chained(length: int) -> BaseException:
    """An exception with so many causes."""
    error: BaseException = ValueError("the first")
    for number in range(length):
        outer = ValueError(f"number {number}")
        outer.__cause__ = error
        error = outer
    return error


def cycle() -> BaseException:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    return one


def noted() -> BaseException:
    error = ValueError("noted")
    error.__notes__ = ["\ud800", 7]  # type: ignore[attr-defined]
    return error


def _parsed() -> BaseException:
    """As a program does that became an activity."""
    try:
        argparse.ArgumentParser(prog="job").parse_args(["--unknown"])
    except SystemExit as left:
        return left
    raise AssertionError


_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "UnicodeDecodeError": ("utf-8", b"\xff", 0, 1, "bad"),
    "UnicodeEncodeError": ("utf-8", "\ud800", 0, 1, "bad"),
    "UnicodeTranslateError": ("\ud800", 0, 1, "bad"),
    "BaseExceptionGroup": ("group", [KeyboardInterrupt("inside")]),
    "ExceptionGroup": ("group", [ValueError("inside")]),
    "CalledProcessError": (2, ["false"]),
    "TimeoutExpired": (["sleep"], 2.0),
}


def _made(kind: type[BaseException]) -> Callable[[], BaseException]:
    return lambda: kind(*_ARGUMENTS.get(kind.__name__, ("text",)))


def _of_python() -> dict[str, Callable[[], BaseException]]:
    found = [kind for kind in vars(builtins).values() if isinstance(kind, type)]
    kinds = [kind for kind in found if issubclass(kind, BaseException)]
    kinds += [asyncio.CancelledError, asyncio.InvalidStateError, asyncio.QueueFull]
    kinds += [concurrent.futures.CancelledError, concurrent.futures.InvalidStateError]
    kinds += [subprocess.CalledProcessError, subprocess.TimeoutExpired]
    return {f"{kind.__module__}.{kind.__name__}": _made(kind) for kind in kinds}


EXCEPTIONS: dict[str, Callable[[], BaseException]] = {
    **_of_python(),
    "StopIteration without a value": StopIteration,
    "wrong arguments": _parsed,
    "exit status": lambda: SystemExit(3),
    "needs two": lambda: NeedsTwoError("one", "two"),
    "no text": HasNoTextError,
    "text ends the process": TextEndsTheProcessError,
    "of its own": OfItsOwnError,
    "100 causes": lambda: chained(100),
    "3000 causes": lambda: chained(3000),
    "cycle of causes": cycle,
    "surrogate": lambda: ValueError("\ud800"),
    "surrogate in the type": lambda: exceptions.ApplicationError("typed", type="\udcff"),
    "surrogate in a group": lambda: _group("\ud800"),
    "notes": noted,
    "NUL": lambda: ValueError("a\0b"),
    "long": lambda: ValueError("x" * 1_000_000),
    "details": lambda: exceptions.ApplicationError("details", object()),
    "details with a surrogate": lambda: exceptions.ApplicationError("details", "\ud800"),
    "type is no text": lambda: exceptions.ApplicationError("typed", type=7),  # type: ignore[arg-type]
    "cancelled with details": lambda: exceptions.CancelledError("cancelled", object()),
    "activity error": lambda: exceptions.TerminatedError("terminated"),
}


def _group(text: str) -> BaseException:
    kind = getattr(builtins, "ExceptionGroup", None)
    return ValueError(text) if kind is None else kind("group", [ValueError(text)])


def _deep() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


def _cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


class BreaksPickle:
    def __reduce__(self) -> Any:
        sys.exit("from pickling")


class BreaksRepr:
    def __repr__(self) -> str:
        sys.exit("from a repr")


VALUES: dict[str, Callable[[], Any]] = {
    "object": object,
    "function": lambda: lambda: 1,
    "generator": lambda: (number for number in range(3)),
    "coroutine function": lambda: asyncio.sleep,
    "class": lambda: int,
    "complex": lambda: 1j,
    "set of objects": lambda: {object()},
    "deep": _deep,
    "cyclic": _cyclic,
    "surrogate": lambda: "\ud800",
    "surrogate as a key": lambda: {"\ud800": 1},
    "key is no text": lambda: {(1, 2): 3},
    "module": lambda: sys,
    "breaks pickle": BreaksPickle,
    "breaks repr": BreaksRepr,
}


def end(kind: str, name: str) -> Any:
    """End as the tables say."""
    if kind == "raise":
        raise EXCEPTIONS[name]()
    return VALUES[name]()


@activity.defn
async def ends_on_the_loop(kind: str, name: str) -> Any:
    return end(kind, name)


@activity.defn
def ends_in_the_executor(kind: str, name: str) -> Any:
    return end(kind, name)


@activity.defn
async def leaves_to_be_completed_elsewhere() -> None:
    activity.raise_complete_async()
