"""Values to JSON: stable, compact bytes, or an error that says which part of the value it was.

Stable: keys are sorted and there is no white space, so equal values have equal bytes whichever
process encodes them. What plain JSON lacks is encoded as the convention does: dataclasses by field,
UUIDs and datetimes as text, enums by value, any other iterable as a list. Nothing else is accepted.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID

from hourglass.exceptions import EncodingError

_SCALARS = (str, int, float, bool, type(None))


_fields: dict[Any, tuple[str, ...] | None] = {}


def _field_names(value: object) -> tuple[str, ...] | None:
    """The fields if it is an instance of a dataclass; looked up once per class."""
    cls: Any = type(value)
    try:
        return _fields[cls]
    except KeyError:
        found = tuple(field.name for field in dataclasses.fields(cls)) if _is_data(cls) else None
        return _fields.setdefault(cls, found)


def _is_data(cls: Any) -> bool:
    return dataclasses.is_dataclass(cls)


def to_plain(value: Any) -> Any:
    """One step from `value` towards JSON's types; TypeError if there is none."""
    names = _field_names(value)
    if names is not None:
        return {name: getattr(value, name) for name in names}
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    items: Iterable[Any] = value
    if isinstance(items, Iterable):
        return list(items)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class AdvancedJSONEncoder(json.JSONEncoder):
    """`json.JSONEncoder` that also takes what `to_plain` does. Subclass it to take more."""

    def default(self, o: Any) -> Any:
        return to_plain(o)


def encode_json(value: Any, encoder: json.JSONEncoder) -> bytes:
    """Encode; `EncodingError` names the part that can't be, by path and type."""
    try:
        return encoder.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodingError(_explain(value, encoder, error)) from error


def _explain(value: Any, encoder: json.JSONEncoder, error: Exception) -> str:
    """Walk the value again, slowly, to the part that failed."""
    if isinstance(error, RecursionError) or "Circular" in str(error):
        return f"a {type(value).__name__} that contains itself can't be encoded as JSON"
    path, culprit, reason = _culprit(value, "", encoder) or ("", value, str(error))
    where = f" at {path}" if path else ""
    return (
        f"a value of type {type(culprit).__qualname__}{where} can't be encoded: {reason}. "
        "Pass JSON's types, bytes, None or a dataclass, or give the client a payload converter "
        "that takes it"
    )


_Found = tuple[str, Any, str]


def _culprit(value: Any, path: str, encoder: json.JSONEncoder) -> _Found | None:
    """The path, the value and the reason of the first part that can't be encoded."""
    if isinstance(value, _SCALARS):
        return None
    mapping: dict[Any, Any] = value
    if isinstance(mapping, dict):
        if found := _bad_key(mapping, path):
            return found
        parts: Iterable[tuple[str, Any]] = ((f"[{key!r}]", mapping[key]) for key in mapping)
    elif isinstance(value, (list, tuple)):
        parts = ((f"[{index}]", item) for index, item in enumerate(cast("list[Any]", value)))
    elif (names := _field_names(value)) is not None:
        parts = ((f".{name}", getattr(value, name)) for name in names)
    else:
        try:
            parts = [("", encoder.default(value))]
        except TypeError as error:
            return path, value, str(error)
    steps = (_culprit(part, path + step, encoder) for step, part in parts)
    return next(filter(None, steps), None)


def _bad_key(mapping: dict[Any, Any], path: str) -> _Found | None:
    for key in mapping:
        if not isinstance(key, _SCALARS):
            return path, key, f"keys must be str, int, float, bool or None, not {key!r}"
    try:
        sorted(mapping)
    except TypeError as error:
        return path, mapping, f"its keys can't be sorted ({error})"
    return None
