"""Parameters and results of functions, by signature and type hints.

Type hints are looked at when they are first asked for: a class may mention types that are defined
further down in its module.
"""

from __future__ import annotations

import inspect
import typing
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hourglass.exceptions import DefinitionError

AnyCallable = Callable[..., Any]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Signature:
    """The parameters of a handler, without ``self``."""

    fn: AnyCallable
    skip: int = 1
    """Leading parameters that the runtime fills in: ``self``; also the name, if dynamic."""

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.fn).parameters.values())[self.skip :]

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self.fn)
        except NameError as error:
            raise DefinitionError(
                f"{qualified(self.fn)}: a type hint can't be resolved ({error}); it has to be"
                " importable at run time, not only under TYPE_CHECKING"
            ) from error

    @cached_property
    def arg_types(self) -> list[Any] | None:
        """The type of each positional argument (`Any` without a hint); None when there are any
        number of them."""
        if any(parameter.kind not in _POSITIONAL for parameter in self._parameters):
            return None
        return [self._hints.get(parameter.name, Any) for parameter in self._parameters]

    @cached_property
    def ret_type(self) -> Any:
        """The declared result, None when there is no hint."""
        return self._hints.get("return")

    @cached_property
    def arity(self) -> tuple[int, int | None]:
        """The least and the largest number of arguments it takes (None: no limit)."""
        least = sum(
            1
            for parameter in self._parameters
            if parameter.kind in _POSITIONAL and parameter.default is inspect.Parameter.empty
        )
        types = self.arg_types
        return least, None if types is None else len(types)

    def check_arity(self, count: int) -> None:
        """Raise TypeError if it can't be called with `count` arguments."""
        least, most = self.arity
        if count < least or (most is not None and count > most):
            wanted = (
                str(least) if least == most else f"{least} to {'any' if most is None else most}"
            )
            raise TypeError(f"{qualified(self.fn)} takes {wanted} arguments, {count} were given")


def handler_signature(name: str | None, fn: AnyCallable, skip: int) -> Signature:
    """The parameters of a handler; `skip` counts the bound leading ones (0 for a closure)."""
    refuse_keywords(fn)
    if name is not None:
        return Signature(fn, skip)
    parameters = list(inspect.signature(fn).parameters.values())
    if len(parameters) != skip + 2 or parameters[skip].kind not in _POSITIONAL:
        raise DefinitionError(
            f"{qualified(fn)}: a dynamic handler takes (name: str, args: Sequence[RawValue])"
        )
    if parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL:
        warnings.warn(
            f"{qualified(fn)}: a dynamic handler with *args is deprecated; take args:"
            " Sequence[RawValue]",
            DeprecationWarning,
            stacklevel=4,
        )
    return Signature(fn, skip + 1)


def refuse_keywords(fn: AnyCallable) -> None:
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            raise DefinitionError(
                f"{qualified(fn)}: arguments are sent by position, {parameter.name} can't be"
                " keyword-only"
            )


def qualified(target: Any) -> str:
    """The full name of a function or class, for messages."""
    name = getattr(target, "__qualname__", None)
    return f"{target.__module__}.{name}" if name else repr(target)
