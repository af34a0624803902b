"""Arguments of calls: one, or all of them in ``args``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

UNSET: Any = object()
"""An argument that was not given; None is an argument."""


def arguments_of(arg: Any, args: Sequence[Any]) -> Sequence[Any]:
    """Join the two ways to give arguments; TypeError when both are used."""
    if arg is UNSET:
        if isinstance(args, (str, bytes)):
            raise TypeError(f"args: a sequence of arguments, not {args!r}")
        return args
    if args:
        raise TypeError("give one argument, or all in args; not both")
    return (arg,)
