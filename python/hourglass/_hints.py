"""Type hints of functions and classes, resolved."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, cast

import typing_extensions

SELF: Any = cast(Any, typing_extensions).Self


def is_class(hint: Any) -> bool:
    """Tell classes; for Python 3.10 `list[int]` is one."""
    return isinstance(hint, type) and not isinstance(hint, types.GenericAlias)


def resolved_hints(thing: Any) -> dict[str, Any]:
    """The annotations of a function or class as types; NameError names what can't be found."""
    hints = typing_extensions.get_type_hints(thing, include_extras=True)
    if sys.version_info >= (3, 11):
        return hints
    # Python 3.10 leaves the string in `list["Node"]` as it is.
    namespace = getattr(thing, "__globals__", None) or vars(sys.modules[thing.__module__])
    return {name: _evaluated(hint, namespace) for name, hint in hints.items()}


def _evaluated(hint: Any, namespace: Mapping[str, Any]) -> Any:
    if isinstance(hint, str):
        return _evaluated(eval(hint, dict(namespace)), namespace)
    origin = typing_extensions.get_origin(hint)
    if origin is typing_extensions.Literal or origin is typing_extensions.Annotated:
        return hint  # strings in these are values
    arguments = typing_extensions.get_args(hint)
    return _rebuilt(hint, tuple(_evaluated(argument, namespace) for argument in arguments))


def _rebuilt(hint: Any, arguments: tuple[Any, ...]) -> Any:
    """Make the same generic with other arguments."""
    if arguments == typing_extensions.get_args(hint):
        return hint
    if isinstance(hint, types.GenericAlias):
        return types.GenericAlias(typing_extensions.get_origin(hint), arguments)
    if isinstance(hint, types.UnionType):
        return Union[arguments]  # noqa: UP007 - of a tuple
    return hint.copy_with(arguments)


def substituted(hint: Any, bound: Mapping[Any, Any]) -> Any:
    """Replace type variables, also inside of generics, by what they are bound to."""
    if isinstance(hint, TypeVar) or hint is SELF:
        return bound.get(hint, hint)
    origin = typing_extensions.get_origin(hint)
    arguments = typing_extensions.get_args(hint)
    if origin is typing_extensions.Literal or not arguments:
        return hint
    if origin is typing_extensions.Annotated:
        annotated = (substituted(arguments[0], bound), *arguments[1:])
        return cast(Any, typing_extensions.Annotated)[annotated]
    if any(isinstance(argument, list) for argument in arguments):
        return hint  # a Callable: no value of JSON
    return _rebuilt(hint, tuple(substituted(argument, bound) for argument in arguments))


def member_hints(cls: Any, arguments: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The annotations of a class and its bases, with the arguments of generics in their places."""
    bindings: dict[Any, dict[Any, Any]] = {}
    _bind(cls, arguments, bindings)
    everything = {name: found for one in reversed(bindings.values()) for name, found in one.items()}
    members: dict[str, Any] = {}
    for name, hint in resolved_hints(cls).items():
        # Each base's variables are its own, even where two have the same one.
        owners = (one for one in cls.__mro__ if name in inspect.get_annotations(one))
        bound = bindings.get(next(owners, cls), {}) or everything
        members[name] = substituted(hint, {**bound, SELF: cls})
    return members


def base_arguments(cls: Any, arguments: tuple[Any, ...], kind: type) -> tuple[Any, ...]:
    """The arguments with which a class derives from a generic that Python knows as a `kind`."""
    bound = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin = typing_extensions.get_origin(base) or base
        if not inspect.isclass(origin) or not issubclass(origin, kind):
            continue
        given = tuple(substituted(one, bound) for one in typing_extensions.get_args(base))
        is_users = "__orig_bases__" in origin.__dict__
        return base_arguments(origin, given, kind) if is_users or not given else given
    return ()


def _bind(cls: Any, arguments: tuple[Any, ...], bindings: dict[Any, dict[Any, Any]]) -> None:
    own = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    bindings.setdefault(cls, own)
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin = typing_extensions.get_origin(base) or base
        if inspect.isclass(origin) and origin not in (object, typing_extensions.Generic):
            given = typing_extensions.get_args(base)
            _bind(origin, tuple(substituted(one, own) for one in given), bindings)
