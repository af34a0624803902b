"""Classes of a program's own, read from JSON: enums, dataclasses, typed dicts, anything else."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Optional, TypeAlias, cast

import typing_extensions

from hourglass._hints import member_hints
from hourglass.converter.json_encoding import to_plain
from hourglass.converter.json_mismatch import Mismatch, name_of, refuse
from hourglass.converter.json_scalars import Decoder

DecoderFor: TypeAlias = Callable[[Any], Decoder]


def hints_of(cls: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Resolve the annotations of a class."""
    try:
        return member_hints(cls, arguments)
    except (NameError, TypeError) as error:  # Python 3.10 refuses the text of an InitVar
        raise Mismatch(f"the annotations of {name_of(cls)} can't be resolved: {error}") from error


def field_hints(cls: Any, arguments: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Resolve the types of a dataclass's fields. A default of None makes a type optional."""
    hints = hints_of(cls, arguments)
    return {
        field.name: Optional[hints[field.name]] if field.default is None else hints[field.name]  # noqa: UP045
        for field in dataclasses.fields(cls)
    }


def of_dataclass(
    cls: Any, hints: Mapping[str, Any], decoder_for: Callable[[Any], Decoder]
) -> Decoder:
    """Decode fields by name; unknown ones are left out, as newer writers may have more.

    A field that `__init__` does not take is set after it.
    """
    fields = dataclasses.fields(cls)
    plan = [(field.name, field.init, decoder_for(hints[field.name])) for field in fields]

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise refuse(value, f"an object for {cls.__name__}")
        members = cast("dict[str, Any]", value)
        keywords: dict[str, Any] = {}
        later: list[tuple[str, Any]] = []
        for name, init, decoder in plan:
            if name in members:
                try:
                    decoded = decoder(members[name])
                except Mismatch as mismatch:
                    raise mismatch.inside(f".{name}") from None
                if init:
                    keywords[name] = decoded
                else:
                    later.append((name, decoded))
        try:
            made = cls(**keywords)
        except Exception as error:
            raise Mismatch(f"{cls.__name__} refused it: {error}") from error
        for name, decoded in later:
            object.__setattr__(made, name, decoded)
        return made

    return decode


def of_typed_dict(
    cls: Any, hints: Mapping[str, Any], decoder_for: Callable[[Any], Decoder]
) -> Decoder:
    """Decode members by name; others stay."""
    plan = {name: decoder_for(hint) for name, hint in hints.items()}
    required = required_keys(cls, hints)

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise refuse(value, f"an object for {cls.__name__}")
        members = cast("dict[str, Any]", value)
        if missing := sorted(required - members.keys()):
            raise Mismatch(f"{cls.__name__} needs {', '.join(missing)}")
        decoded = dict(members)
        for name in plan.keys() & members.keys():
            try:
                decoded[name] = plan[name](members[name])
            except Mismatch as mismatch:
                raise mismatch.inside(f".{name}") from None
        return decoded

    return decode


def required_keys(cls: Any, hints: Mapping[str, Any]) -> frozenset[str]:
    """Find the keys that a typed dict has to have."""
    # Annotations that were texts are not looked into by the class itself.
    origins = {name: typing_extensions.get_origin(hint) for name, hint in hints.items()}
    optional = {name for name, one in origins.items() if one is typing_extensions.NotRequired}
    required = {name for name, one in origins.items() if one is typing_extensions.Required}
    return frozenset(cls.__required_keys__ - optional | required)


def of_enum(cls: type[enum.Enum]) -> Decoder:
    """Decode a member by what is written for it, else by its value."""
    by_text = _members_by_text(cls, json_text)
    plain = [(json.loads(text), member) for text, member in by_text.items()]
    by_scalar: dict[Any, enum.Enum] = {
        (type(v), v): m for v, m in plain if not isinstance(v, (list, dict))
    }

    def decode(value: Any) -> Any:
        if isinstance(value, (list, dict)):
            found = by_text.get(json_text(value))
        else:
            found = by_scalar.get((type(value), value))
        if found is not None:
            return found
        try:
            return cls(value)
        except (ValueError, TypeError):
            raise Mismatch(f"{value!r} is no value of {cls.__name__}") from None

    return decode


def of_enum_key(cls: type[enum.Enum]) -> Decoder:
    """Decode a member by the key that is written for it, else by its value."""
    members = _members_by_text(cls, key_text)

    def decode(key: str) -> Any:
        found = members.get(key)
        if found is not None:
            return found
        for value in _key_values(cls, key):
            try:
                return cls(value)
            except (ValueError, TypeError):
                continue
        raise Mismatch(f"the key {key!r} is no value of {cls.__name__}")

    return decode


def _key_values(cls: type[enum.Enum], key: str) -> Iterable[Any]:
    """Read a key as values of an enum; a number may be several flags together."""
    yield key
    if issubclass(cls, int) and key.isascii() and key.isdigit():
        yield int(key)


def _members_by_text(cls: type[enum.Enum], text_of: Callable[[Any], str]) -> dict[str, enum.Enum]:
    members: dict[str, enum.Enum] = {}
    for member in cls:
        try:
            members.setdefault(text_of(member), member)
        except (TypeError, ValueError):
            continue  # a value without JSON: never written either
    return members


def json_text(value: Any) -> str:
    """Write a value as the default encoder does."""
    return json.dumps(value, default=to_plain, sort_keys=True)


def key_text(value: Any) -> str:
    """Write a key of an object as JSON does."""
    keys: dict[str, int] = json.loads(json.dumps({value: 0}))
    return next(iter(keys))


def of_literal(choices: tuple[Any, ...]) -> Decoder:
    """Decode a literal by type and value; members of enums by their value."""
    by_value: dict[tuple[Any, Any], Any] = {(type(c), c): c for c in choices}
    by_value |= {(type(c.value), c.value): c for c in choices if isinstance(c, enum.Enum)}

    def decode(value: Any) -> Any:
        try:
            return by_value[type(value), value]
        except (KeyError, TypeError):
            raise Mismatch(f"expected one of {choices}, found {value!r}") from None

    return decode


def of_literal_key(choices: tuple[Any, ...]) -> Decoder:
    """Decode a literal by the key that is written for it."""
    by_text = {key_text(choice): choice for choice in choices}

    def decode(key: str) -> Any:
        try:
            return by_text[key]
        except KeyError:
            raise Mismatch(f"the key {key!r} is none of {choices}") from None

    return decode


def of_instance(cls: type) -> Decoder:
    """Take values of JSON that are instances of a class: an ABC, a protocol."""

    def decode(value: Any) -> Any:
        try:
            if isinstance(value, cls):
                return value
        except TypeError as error:  # a protocol that is not for run time
            raise Mismatch(f"{name_of(cls)} can't be read from JSON: {error}") from error
        raise Mismatch(f"{name_of(cls)} can't be read from JSON's {type(value).__name__}: {REMEDY}")

    return decode


REMEDY = "use a dataclass, or give the client a payload converter for it"
