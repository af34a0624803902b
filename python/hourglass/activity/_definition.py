"""Definitions of activities, as `defn` records them; a call needs no reflection."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast, overload

from hourglass._hints import resolved_hints
from hourglass.exceptions import DefinitionError

CallableT = TypeVar("CallableT", bound=Callable[..., Any])
ATTRIBUTE = "__hourglass_activity_definition__"
"""Where the definition is kept: on the function, or on the class of a callable object."""
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class ActivityDefinition:
    """An activity as it was declared: a function, a method, or a class with ``__call__``."""

    name: str | None
    """None: the dynamic activity, for every name that has none of its own."""
    fn: Callable[..., Any]
    """The function with the signature: unbound for a method, ``__call__`` for a class."""
    is_async: bool
    no_thread_cancel_exception: bool
    of_class: bool

    @staticmethod
    def of(activity: Any) -> ActivityDefinition:
        """The definition of what is passed to a worker or to `execute_activity`.

        `DefinitionError` names what was not decorated.
        """
        found = getattr(activity, ATTRIBUTE, None)
        if isinstance(found, ActivityDefinition):
            return found
        name = getattr(activity, "__qualname__", None) or repr(activity)
        raise DefinitionError(f"{name} is not an activity: decorate it with @activity.defn")

    @cached_property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters of a call, without ``self``."""
        parameters = list(inspect.signature(self.fn).parameters.values())
        takes_self = self.of_class or (bool(parameters) and parameters[0].name == "self")
        return parameters[1:] if takes_self else parameters

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return resolved_hints(self.fn)
        except NameError as error:
            raise DefinitionError(
                f"activity {self.name!r}: a type hint can't be resolved ({error}); it has to be "
                "importable at run time, not only under TYPE_CHECKING"
            ) from error

    @cached_property
    def arg_types(self) -> list[Any] | None:
        """The type of each argument, `Any` without a hint; None when there may be any number."""
        if any(parameter.kind not in _POSITIONAL for parameter in self.parameters):
            return None
        return [self._hints.get(parameter.name, Any) for parameter in self.parameters]

    @cached_property
    def ret_type(self) -> Any:
        """The declared result; None when there is no hint."""
        return self._hints.get("return")


def _define(
    subject: Callable[..., Any],
    name: str | None,
    no_thread_cancel_exception: bool,
    dynamic: bool,
) -> Callable[..., Any]:
    of_class = inspect.isclass(subject)
    if of_class and "__call__" not in vars(subject):
        raise DefinitionError(
            f"class {subject.__qualname__} can't be an activity: it has no __call__ method"
        )
    if not of_class and not inspect.isroutine(subject):
        raise DefinitionError(f"{subject!r} can't be an activity: it is no function and no class")
    fn = cast("Callable[..., Any]", vars(subject)["__call__"]) if of_class else subject
    if any(p.kind is p.KEYWORD_ONLY for p in inspect.signature(fn).parameters.values()):
        raise DefinitionError(
            f"activity {subject.__qualname__}: arguments are sent by position, so none of them can "
            "be keyword-only"
        )
    chosen = subject.__name__ if name is None else name
    if not chosen:
        raise DefinitionError(f"activity {subject.__qualname__}: its name is empty")
    if dynamic and name is not None:
        raise DefinitionError(
            f"activity {subject.__qualname__}: it has a name or is dynamic, not both"
        )
    definition = ActivityDefinition(
        name=None if dynamic else chosen,
        fn=fn,
        is_async=inspect.iscoroutinefunction(fn),
        no_thread_cancel_exception=no_thread_cancel_exception,
        of_class=of_class,
    )
    if dynamic and len(definition.parameters) != 1:
        raise DefinitionError(
            f"activity {subject.__qualname__}: a dynamic activity takes (args: Sequence[RawValue])"
        )
    setattr(subject, ATTRIBUTE, definition)
    return subject


@overload
def defn(fn: CallableT) -> CallableT: ...
@overload
def defn(
    *,
    name: str | None = None,
    no_thread_cancel_exception: bool = False,
    dynamic: bool = False,
) -> Callable[[CallableT], CallableT]: ...
def defn(
    fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    no_thread_cancel_exception: bool = False,
    dynamic: bool = False,
) -> Any:
    """Make a function, a method or a class with ``__call__`` an activity.

    Args:
        fn: What to decorate.
        name: The name it is known by; its own by default.
        no_thread_cancel_exception: Don't raise `CancelledError` in the thread of a synchronous
            activity when it is cancelled; it has to ask `is_cancelled` then, as it always has to
            in a process.
        dynamic: Take every activity that the worker has no other for: ``(args:
            Sequence[RawValue])``; `info` says which it is.

    Raises `DefinitionError` for what can't be called by position.
    """
    if fn is not None:
        return _define(fn, name, no_thread_cancel_exception, dynamic)

    def decorate(subject: CallableT) -> CallableT:
        _define(subject, name, no_thread_cancel_exception, dynamic)
        return subject

    return decorate
