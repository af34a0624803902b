"""Entries for type hints, compiled once, and told apart where typing does not."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, Union

import typing_extensions

V = TypeVar("V")

MISSING: Final[Any] = object()
"""Stands for a hint without an entry."""


class ByHint(Generic[V]):
    """Keeps an entry for each type hint.

    Two unions are equal for typing when their members are, in whichever order. What a value is read
    as may depend on the order, so such hints are told apart by how they are written.
    """

    def __init__(self) -> None:
        self._entries: dict[Any, Any] = {}

    def get(self, hint: Any) -> Any:
        """Find the entry, or `MISSING`. An unhashable hint has none."""
        try:
            found = self._entries.get(hint, MISSING)
        except TypeError:
            return MISSING
        return found.get(repr(hint), MISSING) if type(found) is _Orders else found

    def set(self, hint: Any, entry: V) -> None:
        """Keep an entry; of an unhashable hint (`Annotated[int, []]`) it is not kept."""
        try:
            if _has_order(hint):
                self._entries.setdefault(hint, _Orders())[repr(hint)] = entry
            else:
                self._entries[hint] = entry
        except TypeError:
            pass


class Compiler(Generic[V]):
    """Compiles something for each type hint at its first use, in any thread.

    A type that contains itself gets `later`'s stand-in for itself, which asks for the hint again
    when it is used. Nothing is visible to another thread before all it refers to is.
    """

    def __init__(self, compile_: Callable[[Any], V], later: Callable[[Any], V]) -> None:
        self._compile = compile_
        self._later = later
        self._done: ByHint[V] = ByHint()
        self._pending: ByHint[V] = ByHint()
        self._lock = threading.RLock()

    def known(self, hint: Any) -> Any:
        """Find what was compiled for a hint, or `MISSING`."""
        return self._done.get(hint)

    def of(self, hint: Any) -> V:
        """Find what was compiled for a hint, or compile it."""
        found: V = self._done.get(hint)
        if found is not MISSING:
            return found
        with self._lock:
            for known in (self._done, self._pending):
                found = known.get(hint)
                if found is not MISSING:
                    return found
            self._pending.set(hint, self._later(hint))
            try:
                compiled = self._compile(hint)
            finally:
                self._pending.set(hint, MISSING)
            self._done.set(hint, compiled)
            return compiled


class _Orders(dict[str, Any]):
    """Entries of hints that are equal and differ in the order of a union."""


def _has_order(hint: Any) -> bool:
    arguments = typing_extensions.get_args(hint)
    if typing_extensions.get_origin(hint) in (Union, types.UnionType):
        members = [member for member in arguments if member is not type(None)]
        if len(members) > 1:
            return True
    return any(_has_order(argument) for argument in arguments)
