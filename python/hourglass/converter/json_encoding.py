"""Values to JSON: stable, compact bytes, or an error that says which part of the value it was.

Stable: keys are sorted and there is no white space, so equal values have equal bytes whichever
process encodes them. What plain JSON lacks is encoded as the convention does: dataclasses by field,
UUIDs and datetimes as text, enums by value, mappings as objects, sequences, sets and iterators as
lists. Nothing else is accepted: an iterable that is none of these (a model, a table) is more than
its items.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, MappingView, Sequence, Set
from datetime import datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID

from hourglass.converter.json_mismatch import Mismatch
from hourglass.exceptions import EncodingError

_SCALARS = (str, int, float, bool, type(None))


_fields: dict[Any, tuple[str, ...] | None] = {}
_LISTS = (Sequence, Set, Iterator, MappingView)


def field_names(value: object) -> tuple[str, ...] | None:
    """The fields if it is an instance of a dataclass; looked up once per class."""
    cls: Any = type(value)
    try:
        return _fields[cls]
    except KeyError:
        found = tuple(field.name for field in dataclasses.fields(cls)) if _is_data(cls) else None
        return _fields.setdefault(cls, found)


def _is_data(cls: Any) -> bool:
    return dataclasses.is_dataclass(cls)


def members_of(value: object, names: Iterable[str]) -> dict[str, Any]:
    """The fields of a dataclass's instance; those that were never set are left out."""
    try:
        return {name: getattr(value, name) for name in names}
    except AttributeError:
        return {name: getattr(value, name) for name in names if hasattr(value, name)}


def to_plain(value: Any) -> Any:
    """Take one step from `value` towards JSON's types; TypeError if there is none."""
    if isinstance(value, Enum):
        return value.value
    names = field_names(value)
    if names is not None:
        return members_of(value, names)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    mapping: Mapping[Any, Any] = value
    if isinstance(mapping, Mapping):
        return dict(mapping)
    if isinstance(value, _LISTS):
        items = cast("Iterable[Any]", value)
        return _in_order(items) if isinstance(value, Set) else list(items)
    raise TypeError(_refusal(value))


def _in_order(items: Iterable[Any]) -> list[Any]:
    """Sort a set's items, so that every process writes them alike, where they can be."""
    try:
        return sorted(items)
    except TypeError:
        return list(items)


def _refusal(value: Any) -> str:
    cls = cast(Any, type(value))
    if hasattr(cls, "__get_pydantic_core_schema__"):
        return (
            "a Pydantic model has JSON of its own: pass model.model_dump(mode='json'), or give the"
            " client a payload converter that calls model_dump_json and model_validate_json"
        )
    if isinstance(value, Iterable):
        return "it can be iterated over, but may be more than its items: pass list(value) if not"
    return f"Object of type {type(value).__name__} is not JSON serializable"


class AdvancedJSONEncoder(json.JSONEncoder):
    """`json.JSONEncoder` that also takes what `to_plain` does. Subclass it to take more."""

    def default(self, o: Any) -> Any:
        return to_plain(o)


def encode_json(value: Any, encoder: json.JSONEncoder) -> bytes:
    """Encode; `EncodingError` names the part that can't be, by path and type."""
    try:
        return encoder.encode(value).encode()
    except RecursionError as error:
        raise EncodingError(f"a {type(value).__name__} is nested too deeply for JSON") from error
    except (TypeError, ValueError) as error:
        if not is_pythons(error):
            raise
        raise EncodingError(_explain(value, encoder, error)) from error


def is_pythons(error: Exception) -> bool:
    """Tell errors about a value from exceptions of a user's own, which mean something."""
    return isinstance(error, Mismatch) or type(error).__module__ in ("builtins", "json.decoder")


def _explain(value: Any, encoder: json.JSONEncoder, error: Exception) -> str:
    """Walk the value again, slowly, to the part that failed."""
    if "Circular" in str(error):
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
    """Find the path, the value and the reason of the first part that can't be encoded."""
    if isinstance(value, _SCALARS):
        return _bad_scalar(value, path)
    mapping: dict[Any, Any] = value
    if isinstance(mapping, dict):
        if found := _bad_key(mapping, path):
            return found
        parts: Iterable[tuple[str, Any]] = ((f"[{key!r}]", mapping[key]) for key in mapping)
    elif isinstance(value, (list, tuple)):
        parts = ((f"[{index}]", item) for index, item in enumerate(cast("list[Any]", value)))
    else:
        try:
            plain = encoder.default(value)
        except (TypeError, ValueError) as error:
            inside = error.path if isinstance(error, Mismatch) else ""
            return path + inside, value, str(error)
        is_data = field_names(value) is not None and isinstance(plain, dict)
        fields: dict[str, Any] = {"": plain}
        if is_data:
            fields = cast("dict[str, Any]", plain)
        parts = ((f".{name}" if name else "", part) for name, part in fields.items())
    steps = (_culprit(part, path + step, encoder) for step, part in parts)
    return next(filter(None, steps), None)


def _bad_scalar(value: Any, path: str) -> _Found | None:
    """Find a number with too many digits for Python to write."""
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        return path, value, str(error)
    return None


def _bad_key(mapping: dict[Any, Any], path: str) -> _Found | None:
    for key in mapping:
        if not isinstance(key, _SCALARS):
            return path, key, f"keys must be str, int, float, bool or None, not {key!r}"
    try:
        sorted(mapping)
    except TypeError as error:
        return path, mapping, f"its keys can't be sorted ({error})"
    return None
