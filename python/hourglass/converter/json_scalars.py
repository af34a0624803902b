"""JSON's own values, and texts that stand for something: decoders without parts.

Keys of JSON objects are texts, so each scalar has a second decoder that reads it from a key.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import typing_extensions

from hourglass.converter.json_mismatch import Mismatch, name_of, refuse

Decoder: TypeAlias = Callable[[Any], Any]


def anything(value: Any) -> Any:
    """Leave a value as JSON has it."""
    return value


def nothing(value: Any) -> Any:
    """Refuse every value: of types without any (`Never`)."""
    raise refuse(value, "no value")


def _none(value: Any) -> None:
    if value is not None:
        raise refuse(value, "null")


def _str(value: Any) -> str:
    if type(value) is str:
        return value
    raise refuse(value, "str")


def _int(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise refuse(value, "int")


def _float(value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError as error:
            raise Mismatch(f"expected float: {error}") from error
    raise refuse(value, "float")


def _bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise refuse(value, "bool")


def _bytes(value: Any) -> bytes:
    try:
        if isinstance(value, list):
            return bytes(typing.cast("list[int]", value))
    except (TypeError, ValueError) as error:
        raise Mismatch(f"expected a list of bytes: {error}") from error
    raise refuse(value, "a list of bytes")


_FRACTION = re.compile(r"(:\d\d\.)(\d+)")


def _datetime(value: Any) -> datetime:
    # Other languages write "Z", and fractions of any length: Python 3.10 reads neither.
    text = _FRACTION.sub(lambda found: found[1] + found[2][:6].ljust(6, "0"), _str(value))
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Mismatch(f"expected a datetime, found {value!r}") from error


def _uuid(value: Any) -> UUID:
    text = _str(value)
    try:
        return UUID(text)
    except ValueError as error:
        raise Mismatch(f"expected a UUID, found {text!r}") from error


SCALARS: dict[Any, Decoder] = {
    Any: anything,
    typing_extensions.Any: anything,
    object: anything,
    inspect.Parameter.empty: anything,
    typing_extensions.Never: nothing,
    typing.NoReturn: nothing,
    None: _none,
    type(None): _none,
    str: _str,
    typing_extensions.LiteralString: _str,
    int: _int,
    float: _float,
    bool: _bool,
    bytes: _bytes,
    bytearray: lambda value: bytearray(_bytes(value)),
    memoryview: lambda value: memoryview(_bytes(value)),
    datetime: _datetime,
    UUID: _uuid,
}


def of_subclass(cls: Any) -> Decoder | None:
    """Make the decoder of a class that adds to a scalar; None for any other class."""
    bases: dict[type, Decoder] = {str: _str, int: _int, float: _float, bytes: _bytes, UUID: _str}
    for base, decode in bases.items():
        if issubclass(cls, base):
            return lambda value: made(cls, decode(value))
    if issubclass(cls, datetime):
        return lambda value: cls.fromisoformat(_datetime(value).isoformat())
    return None


def made(cls: Any, value: Any) -> Any:
    """Call a class of the user's with what was decoded for it."""
    try:
        return cls(value)
    except Exception as error:
        raise Mismatch(f"{name_of(cls)} refused it: {error}") from error


_KEYS: dict[Any, Decoder] = {
    int: int,
    float: float,
    bool: lambda key: {"true": True, "false": False}[key],
    type(None): lambda key: {"null": None}[key],
    None: lambda key: {"null": None}[key],
}


def key_reader(hint: Any) -> Decoder | None:
    """Make the decoder that reads a number, a boolean or null from a key; None for others."""
    read = _KEYS.get(hint)
    if read is None:
        return None

    def decode(key: str) -> Any:
        try:
            return read(key)
        except (ValueError, KeyError):
            raise Mismatch(f"the key {key!r} is no {name_of(hint)}") from None

    return decode
