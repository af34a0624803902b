"""JSON values to typed Python values, by decoders that are compiled once per type.

`decoder_for(hint)` looks at a type hint once and returns a function for it; decoding then is a
walk through closures, without looking at a hint again. A value that does not fit raises
`Mismatch`, which collects the path on its way out.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import enum
import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeAlias, Union
from uuid import UUID

import typing_extensions

from hourglass._hints import resolved_hints

Decoder: TypeAlias = Callable[[Any], Any]


class JSONTypeConverter(ABC):
    """Makes values of JSON into types that nothing else here knows."""

    Unhandled: ClassVar[object] = object()
    """What `to_typed_value` answers for a type that is not its own."""

    @abstractmethod
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        """The value as the type that `hint` says, or `Unhandled`.

        Asked at every level of a type. A TypeError or ValueError is a value that does not fit.
        """


class Mismatch(TypeError):  # noqa: N818 - internal; it becomes a DecodingError
    """A value that does not fit its type; `path` grows from the inside out."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, step: str) -> Mismatch:
        """The same, one level further out."""
        return Mismatch(self.reason, step + self.path)


class Decoders:
    """The decoders that were compiled, each asking the custom converters first."""

    def __init__(self, custom: Sequence[JSONTypeConverter] = ()) -> None:
        self.compiled: dict[Any, Decoder] = {}
        self.custom = tuple(custom)

    def of(self, hint: Any) -> Decoder:
        """The decoder of a type hint; compiled at its first use."""
        found = self._found(hint)
        if found is not None:
            return found
        token = _active.set(self)
        try:
            return decoder_for(hint)
        finally:
            _active.reset(token)

    def _found(self, hint: Any) -> Decoder | None:
        try:
            return self.compiled.get(hint)
        except TypeError:  # an unhashable hint, such as Annotated[int, []]
            return None

    def compile(self, hint: Any) -> Decoder:
        """Compile one; those of its parts are looked up here, too."""
        if not self.custom:
            return _compile(hint)
        compiled, custom = _compile(hint), self.custom

        def decode(value: Any) -> Any:
            for converter in custom:
                converted = converter.to_typed_value(hint, value)
                if converted is not JSONTypeConverter.Unhandled:
                    return converted
            return compiled(value)

        return decode


_shared = Decoders()
_active: ContextVar[Decoders] = ContextVar("hourglass_decoders", default=_shared)
"""Whose decoders are being compiled."""


def decoder_for(hint: Any) -> Decoder:
    """The decoder of a type hint, or of a part of the one that is being compiled."""
    decoders = _active.get()
    compiled = decoders.compiled
    try:
        found = compiled.get(hint)
    except TypeError:  # an unhashable hint
        return decoders.compile(hint)
    if found is not None:
        return found

    def later(value: Any) -> Any:  # stands in while a type that contains itself is compiled
        return compiled[hint](value)

    compiled[hint] = later
    try:
        compiled[hint] = decoder = decoders.compile(hint)
    except BaseException:
        del compiled[hint]
        raise
    return decoder


def value_to_type(
    hint: Any, value: Any, custom_converters: Sequence[JSONTypeConverter] = ()
) -> Any:
    """What `json.loads` gave, as a type; TypeError says where it does not fit."""
    decoders = Decoders(custom_converters) if custom_converters else _shared
    try:
        return decoders.of(hint)(value)
    except Mismatch as error:
        where = f"at {error.path}: " if error.path else ""
        raise TypeError(f"{where}{error.reason}") from None


def _compile(hint: Any) -> Decoder:
    if isinstance(hint, typing_extensions.TypeAliasType):
        return decoder_for(hint.__value__)
    if isinstance(hint, typing.NewType):
        return decoder_for(hint.__supertype__)
    origin = typing_extensions.get_origin(hint)
    arguments = typing_extensions.get_args(hint)
    if origin is None:
        if hint in _SCALARS:
            return _SCALARS[hint]
        return _of_class(hint, ()) if inspect.isclass(hint) else _anything
    if origin in _TRANSPARENT:
        return decoder_for(arguments[0])
    if origin is Union or origin is types.UnionType:
        return _of_union(hint, arguments)
    if origin is Literal or origin is typing_extensions.Literal:
        return _of_literal(arguments)
    return _of_class(origin, arguments)


def _anything(value: Any) -> Any:
    return value


def _refuse(value: Any, wanted: str) -> Mismatch:
    return Mismatch(f"expected {wanted}, found {type(value).__name__}")


# --- scalars ---------------------------------------------------------------------------------


def _none(value: Any) -> None:
    if value is not None:
        raise _refuse(value, "null")


def _str(value: Any) -> str:
    if type(value) is str:
        return value
    raise _refuse(value, "str")


def _int(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise _refuse(value, "int")


def _float(value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, int):
        return float(value)
    raise _refuse(value, "float")


def _bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _refuse(value, "bool")


def _bytes(value: Any) -> bytes:
    try:
        if isinstance(value, list):
            return bytes(typing.cast("list[int]", value))
    except (TypeError, ValueError) as error:
        raise Mismatch(f"expected a list of bytes: {error}") from error
    raise _refuse(value, "a list of bytes")


def _bytearray(value: Any) -> bytearray:
    return bytearray(_bytes(value))


def _datetime(value: Any) -> datetime:
    text = _str(value)
    if text.endswith(("Z", "z")):  # Python 3.10 does not read it
        text = text[:-1] + "+00:00"
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Mismatch(f"expected a datetime, found {text!r}") from error


def _uuid(value: Any) -> UUID:
    text = _str(value)
    try:
        return UUID(text)
    except ValueError as error:
        raise Mismatch(f"expected a UUID, found {text!r}") from error


_SCALARS: dict[Any, Decoder] = {
    Any: _anything,
    typing_extensions.Any: _anything,
    object: _anything,
    inspect.Parameter.empty: _anything,
    None: _none,
    type(None): _none,
    str: _str,
    int: _int,
    float: _float,
    bool: _bool,
    bytes: _bytes,
    bytearray: _bytearray,
    datetime: _datetime,
    UUID: _uuid,
}
_TRANSPARENT = (
    typing.Annotated,
    typing.Final,
    typing.ClassVar,
    typing_extensions.Annotated,
    typing_extensions.Required,
    typing_extensions.NotRequired,
    typing_extensions.ReadOnly,
)


# --- choices ---------------------------------------------------------------------------------


def _of_literal(choices: tuple[Any, ...]) -> Decoder:
    by_value: dict[tuple[Any, Any], Any] = {(type(c), c): c for c in choices}
    by_value |= {(type(c.value), c.value): c for c in choices if isinstance(c, enum.Enum)}

    def decode(value: Any) -> Any:
        try:
            return by_value[type(value), value]
        except (KeyError, TypeError):
            raise Mismatch(f"expected one of {choices}, found {value!r}") from None

    return decode


def _of_union(hint: Any, members: tuple[Any, ...]) -> Decoder:
    """A JSON scalar that is a member as it stands stays; else the first member that fits."""
    exact = {m for m in members if m in (str, int, float, bool, type(None))}
    decoders = [decoder_for(member) for member in members]

    def decode(value: Any) -> Any:
        if type(value) in exact:
            return value
        reasons: list[str] = []
        for decoder in decoders:
            try:
                return decoder(value)
            except Mismatch as mismatch:
                reasons.append(f"{mismatch.path}: {mismatch.reason}".lstrip(": "))
        raise Mismatch(f"no member of {_name(hint)} fits ({'; '.join(reasons)})")

    return decode


def _of_enum(cls: type[enum.Enum]) -> Decoder:
    def decode(value: Any) -> Any:
        try:
            return cls(value)
        except ValueError:
            raise Mismatch(f"{value!r} is no value of {cls.__name__}") from None

    return decode


# --- containers ------------------------------------------------------------------------------


def _of_sequence(make: Callable[[list[Any]], Any] | None, item_hint: Any) -> Decoder:
    """A JSON array, each item by one decoder, then `make` of the list."""
    item = decoder_for(item_hint)

    def decode(value: Any) -> Any:
        items: list[Any] = value
        if type(items) is not list:
            raise _refuse(value, "a list")
        if item is not _anything:
            try:
                items = [item(one) for one in items]
            except Mismatch:
                raise _at_index(item, items) from None
        return items if make is None else make(items)

    return decode


def _at_index(item: Decoder, items: list[Any]) -> Mismatch:
    """Which item it was: looked for only when one failed."""
    for index, one in enumerate(items):
        try:
            item(one)
        except Mismatch as mismatch:
            return mismatch.inside(f"[{index}]")
    return Mismatch("an item decoded differently the second time")


def _of_fixed(make: Callable[[list[Any]], Any], hints: tuple[Any, ...]) -> Decoder:
    """A JSON array with a type for each place."""
    decoders = [decoder_for(hint) for hint in hints]

    def decode(value: Any) -> Any:
        items: list[Any] = value
        if type(items) is not list:
            raise _refuse(value, "a list")
        if len(items) != len(decoders):
            raise Mismatch(f"expected {len(decoders)} items, found {len(items)}")
        decoded: list[Any] = []
        for decoder, one in zip(decoders, items, strict=True):
            try:
                decoded.append(decoder(one))
            except Mismatch as mismatch:
                raise mismatch.inside(f"[{len(decoded)}]") from None
        return make(decoded)

    return decode


def _key_decoder(hint: Any) -> Decoder:
    """JSON's keys are text: read numbers, booleans and null back from it."""
    readers: dict[Any, Decoder] = {
        int: int,
        float: float,
        bool: lambda key: {"true": True, "false": False}[key],
        type(None): lambda key: {"null": None}[key],
    }
    if inspect.isclass(hint) and issubclass(hint, enum.IntEnum):
        reader: Decoder = lambda key: hint(int(key))  # noqa: E731
    elif hint in readers:
        reader = readers[hint]
    else:
        return decoder_for(hint)

    def decode(key: str) -> Any:
        try:
            return reader(key)
        except (ValueError, KeyError):
            raise Mismatch(f"the key {key!r} is no {_name(hint)}") from None

    return decode


def _of_mapping(make: Callable[[dict[Any, Any]], Any] | None, hints: tuple[Any, ...]) -> Decoder:
    key_decoder = _key_decoder(hints[0]) if len(hints) == 2 else _anything
    item = decoder_for(hints[1]) if len(hints) == 2 else _anything

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise _refuse(value, "an object")
        decoded: dict[Any, Any] = {}
        for key, one in typing.cast("dict[str, Any]", value).items():
            try:
                decoded[key_decoder(key)] = item(one)
            except Mismatch as mismatch:
                raise mismatch.inside(f"[{key!r}]") from None
        return decoded if make is None else make(decoded)

    return decode


# --- classes ---------------------------------------------------------------------------------

_SEQUENCES: dict[Any, Callable[[list[Any]], Any] | None] = {
    list: None,
    collections.abc.Iterable: None,
    collections.abc.Collection: None,
    collections.abc.Sequence: None,
    collections.abc.MutableSequence: None,
    set: set,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
}
_MAPPINGS: dict[Any, Callable[[dict[Any, Any]], Any] | None] = {
    dict: None,
    collections.abc.Mapping: None,
    collections.abc.MutableMapping: None,
    collections.OrderedDict: collections.OrderedDict,
    collections.Counter: collections.Counter,
}


def _of_class(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    """A class, or the origin of a generic alias with its arguments."""
    if cls in _SEQUENCES:
        return _of_sequence(_SEQUENCES[cls], arguments[0] if arguments else Any)
    if cls is tuple:
        if not arguments or arguments[-1] is Ellipsis:
            return _of_sequence(tuple, arguments[0] if arguments else Any)
        return _of_fixed(tuple, () if arguments == ((),) else arguments)
    if cls is collections.Counter:
        arguments = (arguments[0], int) if arguments else ()
    if cls in _MAPPINGS:
        return _of_mapping(_MAPPINGS[cls], arguments)
    return _of_named_class(cls, arguments)


def _is_typed_dict(cls: Any) -> bool:
    return typing_extensions.is_typeddict(cls)


def _is_named_tuple(cls: Any) -> bool:
    return hasattr(cls, "_fields") and issubclass(cls, tuple)


def _of_named_class(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    """A class that somebody wrote."""
    if _is_typed_dict(cls):
        return _of_typed_dict(cls)
    if issubclass(cls, enum.Enum):
        return _of_enum(cls)
    if dataclasses.is_dataclass(cls):
        return _of_dataclass(cls, arguments)
    if _is_named_tuple(cls):
        hints = _hints(cls)
        return _of_fixed(lambda v: cls(*v), tuple(hints.get(name, Any) for name in cls._fields))
    return _of_instance(cls)


def _of_instance(cls: type) -> Decoder:
    def decode(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        raise _refuse(value, _name(cls))

    return decode


def _hints(cls: Any) -> dict[str, Any]:
    """The resolved annotations of a class."""
    try:
        return resolved_hints(cls)
    except NameError as error:
        raise Mismatch(f"the annotations of {_name(cls)} can't be resolved: {error}") from error


def _of_dataclass(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    """Fields by name; unknown ones are left out, as newer writers may have more."""
    hints = _hints(cls)
    parameters = getattr(cls, "__parameters__", ())
    bound = dict(zip(parameters, arguments, strict=False))
    plan = [
        (field.name, decoder_for(bound.get(hints[field.name], hints[field.name])))
        for field in dataclasses.fields(cls)
        if field.init
    ]

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise _refuse(value, f"an object for {cls.__name__}")
        members: dict[str, Any] = typing.cast("dict[str, Any]", value)
        keywords: dict[str, Any] = {}
        for name, decoder in plan:
            if name in members:
                try:
                    keywords[name] = decoder(members[name])
                except Mismatch as mismatch:
                    raise mismatch.inside(f".{name}") from None
        try:
            return cls(**keywords)
        except (TypeError, ValueError) as error:
            raise Mismatch(f"{cls.__name__} refused it: {error}") from error

    return decode


def _of_typed_dict(cls: Any) -> Decoder:
    plan = {name: decoder_for(hint) for name, hint in _hints(cls).items()}
    required: frozenset[str] = cls.__required_keys__

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise _refuse(value, f"an object for {cls.__name__}")
        members: dict[str, Any] = typing.cast("dict[str, Any]", value)
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


def _name(hint: Any) -> str:
    return hint.__qualname__ if inspect.isclass(hint) else str(hint).replace("typing.", "")
