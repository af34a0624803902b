"""Type hints of functions and classes, resolved."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from typing import Any, Union

import typing_extensions


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
    evaluated = tuple(_evaluated(argument, namespace) for argument in arguments)
    if evaluated == arguments:
        return hint
    if isinstance(hint, types.GenericAlias):
        return types.GenericAlias(origin, evaluated)
    if isinstance(hint, types.UnionType):
        return Union[evaluated]  # noqa: UP007 - of a tuple
    return hint.copy_with(evaluated)
