"""JSON values to typed Python values, by decoders that are compiled once per type.

`decoder_for(hint)` looks at a type hint once and returns a function for it; decoding then is a
walk through closures, without looking at a hint again. A value that does not fit raises
`Mismatch`, which collects the path on its way out. A text, number or object that several members
of a union can read becomes the one that writes it so: the most specific first, `str` last.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import enum
import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal, TypeVar, Union

import typing_extensions

from hourglass._hints import base_arguments, is_class, substituted
from hourglass.converter import json_classes as classes
from hourglass.converter import json_containers as containers
from hourglass.converter import json_scalars as scalars
from hourglass.converter.json_by_hint import MISSING, Compiler
from hourglass.converter.json_mismatch import Mismatch, name_of
from hourglass.converter.json_scalars import Decoder
from hourglass.converter.json_type_converter import JSONTypeConverter


class Decoders:
    """Keeps the decoders that were compiled, each asking the custom converters first."""

    def __init__(self, custom: Sequence[JSONTypeConverter] = ()) -> None:
        self._custom = tuple(custom)
        self._compiler = Compiler(self._compile, self._later)

    def of(self, hint: Any) -> Decoder:
        """Find the decoder of a type hint; compiled at its first use."""
        found: Decoder = self._compiler.known(hint)
        if found is not MISSING:
            return found
        token = _active.set(self)
        try:
            return self._compiler.of(hint)
        finally:
            _active.reset(token)

    def _later(self, hint: Any) -> Decoder:
        def decode(value: Any) -> Any:
            return self.of(hint)(value)

        return decode

    def _compile(self, hint: Any) -> Decoder:
        """Compile one; those of its parts are looked up here, too."""
        if not self._custom:
            return _compile(hint)
        compiled, custom = _compile(hint), self._custom

        def decode(value: Any) -> Any:
            for converter in custom:
                converted = converter.to_typed_value(hint, value)
                if converted is not JSONTypeConverter.Unhandled:
                    return converted
            return compiled(value)

        return decode


_shared = Decoders()
_active: ContextVar[Decoders] = ContextVar("hourglass_decoders", default=_shared)
"""The decoders that are being compiled."""


def decoder_for(hint: Any) -> Decoder:
    """Find the decoder of a type hint, or of a part of the one that is being compiled."""
    return _active.get().of(hint)


def value_to_type(
    hint: Any, value: Any, custom_converters: Sequence[JSONTypeConverter] = ()
) -> Any:
    """Make what `json.loads` gave into a type; TypeError says where it does not fit."""
    decoders = Decoders(custom_converters) if custom_converters else _shared
    try:
        return decoders.of(hint)(value)
    except Mismatch as error:
        where = f"at {error.path}: " if error.path else ""
        raise TypeError(f"{where}{error.reason}") from None


def _compile(hint: Any) -> Decoder:
    inner = looked_through(hint)
    if inner is not hint:
        return decoder_for(inner)
    if isinstance(hint, (str, typing.ForwardRef)):
        raise Mismatch(f"the type {hint!r} is a name that was not resolved")
    origin = typing_extensions.get_origin(hint)
    arguments = typing_extensions.get_args(hint)
    if origin is None:
        if hint in scalars.SCALARS:
            return scalars.SCALARS[hint]
        return _of_class(hint, ()) if is_class(hint) else scalars.anything
    if is_union(origin):
        return _of_union(hint, arguments)
    if is_literal(origin):
        return classes.of_literal(arguments)
    return _of_class(origin, arguments)


_TRANSPARENT = (
    typing.Annotated,
    typing.Final,
    typing.ClassVar,
    typing_extensions.Annotated,
    typing_extensions.Required,
    typing_extensions.NotRequired,
    typing_extensions.ReadOnly,
)


def looked_through(hint: Any) -> Any:
    """Find the type that an alias, a `NewType`, an annotation or a type variable stands for."""
    if isinstance(hint, typing_extensions.TypeAliasType):
        return hint.__value__
    if isinstance(hint, typing.NewType):
        return hint.__supertype__
    if isinstance(hint, TypeVar):
        return _of_variable(hint)
    origin = typing_extensions.get_origin(hint)
    arguments = typing_extensions.get_args(hint)
    if isinstance(origin, typing_extensions.TypeAliasType):
        bound = dict(zip(origin.__type_params__, arguments, strict=False))
        return substituted(origin.__value__, bound)
    return arguments[0] if origin in _TRANSPARENT else hint


def _of_variable(variable: Any) -> Any:
    """Find the type of a variable that is not bound."""
    default = getattr(variable, "__default__", None)
    if default not in (None, typing_extensions.NoDefault):
        return default
    if variable.__constraints__:
        return Union[variable.__constraints__]  # noqa: UP007 - of a tuple
    return Any if variable.__bound__ is None else variable.__bound__


def is_union(origin: Any) -> bool:
    """Tell both spellings of a union."""
    return origin is Union or origin is types.UnionType


def is_literal(origin: Any) -> bool:
    """Tell a literal."""
    return origin is Literal or origin is typing_extensions.Literal


# --- unions ----------------------------------------------------------------------------------

EXACT = (str, int, float, bool, type(None))


def _of_union(hint: Any, members: tuple[Any, ...]) -> Decoder:
    if len(members) == 2 and type(None) in members:
        return _of_optional(members[members[0] is type(None)])
    choose, exact = chooser(hint, members), exact_members(members)

    def decode(value: Any) -> Any:
        return value if type(value) in exact else choose(value)[1]

    return decode


def chooser(hint: Any, members: tuple[Any, ...]) -> Callable[[Any], tuple[Any, Any]]:
    """Find the member of a union that a value is read as, and what it is then.

    The first member, from the most specific, that writes what was read; else the first that fits.
    """
    decoders = [(member, decoder_for(member)) for member in sorted(members, key=_width)]

    def choose(value: Any) -> tuple[Any, Any]:
        reasons: list[str] = []
        fitting: tuple[Any, Any] | None = None
        for member, decoder in decoders:
            try:
                read = decoder(value)
            except Mismatch as mismatch:
                reasons.append(f"{mismatch.path}: {mismatch.reason}".lstrip(": "))
                continue
            if _writes(read, value):
                return member, read
            fitting = fitting or (member, read)
        if fitting is None:
            raise Mismatch(f"no member of {name_of(hint)} fits ({'; '.join(reasons)})")
        return fitting

    return choose


def exact_members(members: Iterable[Any]) -> set[Any]:
    """Find the scalars of JSON that stay what they are in a union: no member rivals them."""
    exact = {member for member in members if member in EXACT}
    has_rivals = any(m not in EXACT and _kind(m) not in ("array", "object") for m in members)
    return exact & {type(None)} if has_rivals else exact


def _of_optional(hint: Any) -> Decoder:
    decoder = decoder_for(hint)

    def decode(value: Any) -> Any:
        return None if value is None else decoder(value)

    return decode


_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
"""Times as programs in other languages write them."""


def _writes(read: Any, value: Any) -> bool:
    if read is value or (isinstance(read, datetime) and _UTC.fullmatch(value)):
        return True
    try:
        return classes.json_text(read) == json.dumps(value, sort_keys=True)
    except (TypeError, ValueError):
        return False


def _kind(hint: Any) -> str:
    """Name the kind of JSON's values that a type is written as, where that is known."""
    inner = looked_through(hint)
    if inner is not hint:
        return _kind(inner)
    cls = typing_extensions.get_origin(hint) or hint
    if not is_class(cls) or issubclass(cls, (str, enum.Enum)):
        return ""
    if typing_extensions.is_typeddict(cls) or dataclasses.is_dataclass(cls):
        return "object"
    if issubclass(cls, Mapping):
        return "object"
    # Not the ABCs of sequences: a text is one, too.
    return "array" if issubclass(cls, (list, tuple, Set, bytes, collections.deque)) else ""


def _width(hint: Any) -> int:
    """Rank a type by how much it takes: a program's classes least, `Any` most."""
    inner = looked_through(hint)
    if inner is not hint:
        return _width(inner)
    origin = typing_extensions.get_origin(hint)
    if is_literal(origin):
        return 0
    arguments = [one for one in typing_extensions.get_args(hint) if one is not Ellipsis]
    cls = hint if origin is None else origin
    if is_union(cls) or (arguments and cls in (tuple, *SEQUENCES, *MAPPINGS)):
        return max(map(_width, arguments))
    if cls in (tuple, *SEQUENCES, *MAPPINGS):
        return 2
    if cls in EXACT:
        return 1
    return 0 if is_class(cls) and scalars.SCALARS.get(cls) is not scalars.anything else 3


# --- classes ---------------------------------------------------------------------------------

SEQUENCES: dict[Any, Callable[[list[Any]], Any] | None] = {
    list: None,
    collections.abc.Container: None,
    collections.abc.Iterable: None,
    collections.abc.Collection: None,
    collections.abc.Reversible: None,
    collections.abc.Sequence: None,
    collections.abc.MutableSequence: None,
    set: set,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
    collections.deque: collections.deque,
}
TEXTS = (
    collections.abc.Container,
    collections.abc.Iterable,
    collections.abc.Collection,
    collections.abc.Reversible,
    collections.abc.Sequence,
)
"""Types of which a text is one, whose items are texts."""
MAPPINGS: dict[Any, Callable[[dict[Any, Any]], Any] | None] = {
    dict: None,
    collections.abc.Mapping: None,
    collections.abc.MutableMapping: None,
}


def _of_class(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    """A class, or the origin of a generic alias with its arguments."""
    if cls is tuple and arguments and arguments[-1] is not Ellipsis:
        hints = () if arguments == ((),) else arguments
        return containers.of_fixed(tuple, [decoder_for(one) for one in hints], len(hints))
    if cls in MAPPINGS:
        return _of_mapping(MAPPINGS[cls], arguments)
    if cls in SEQUENCES or cls is tuple:
        hint = arguments[0] if arguments else Any
        make = tuple if cls is tuple else SEQUENCES[cls]
        takes_text = cls in TEXTS and hint in (str, Any, object)
        return containers.of_sequence(_making(make), decoder_for(hint), takes_text=takes_text)
    return _of_named_class(cls, arguments)


def _of_named_class(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    """A class that is none of Python's usual containers."""
    if typing_extensions.is_typeddict(cls):
        return classes.of_typed_dict(cls, classes.hints_of(cls, arguments), decoder_for)
    if issubclass(cls, enum.Enum):
        return classes.of_enum(cls)
    if is_dataclass(cls):
        return classes.of_dataclass(cls, classes.field_hints(cls, arguments), decoder_for)
    if is_named_tuple(cls):
        return _of_named_tuple(cls, arguments)
    return (
        _of_own_container(cls, arguments) or scalars.of_subclass(cls) or _of_items(cls, arguments)
    )


def is_dataclass(cls: Any) -> bool:
    """Tell dataclasses."""
    return dataclasses.is_dataclass(cls)


def is_named_tuple(cls: Any) -> bool:
    """Tell named tuples of both spellings."""
    return hasattr(cls, "_fields") and issubclass(cls, tuple)


def _of_own_container(cls: Any, arguments: tuple[Any, ...]) -> Decoder | None:
    if issubclass(cls, collections.defaultdict):
        return _of_default_dict(cls, arguments)
    return _of_mapping(cls, mapping_hints(cls, arguments)) if is_mapping(cls) else None


def _of_items(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    if not is_a(cls, Sequence, Set):
        return classes.of_instance(cls)
    (hint, *_) = arguments_of(cls, arguments, collections.abc.Collection) or (Any,)
    return containers.of_sequence(_making(cls), decoder_for(hint))


def is_a(cls: Any, *kinds: Any) -> bool:
    """Tell a subclass, as `issubclass` does without narrowing what a type checker knows."""
    return issubclass(cls, kinds)


def is_mapping(cls: Any) -> bool:
    """Tell mappings."""
    return is_a(cls, Mapping)


def mapping_hints(cls: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Find the types of a mapping's keys and values; none where they are not declared."""
    if is_a(cls, collections.Counter):
        keys = base_arguments(cls, arguments, collections.Counter) or arguments
        return (*keys[:1], int) if keys else ()
    return arguments_of(cls, arguments, Mapping)


def arguments_of(cls: Any, arguments: tuple[Any, ...], kind: Any) -> tuple[Any, ...]:
    return base_arguments(cls, arguments, kind) or arguments


def _making(make: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    return None if make is None else lambda value: scalars.made(make, value)


def _of_named_tuple(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    hints = classes.hints_of(cls, arguments)
    decoders = [decoder_for(hints.get(name, Any)) for name in cls._fields]
    least = len(decoders) - len(cls._field_defaults)
    return containers.of_fixed(lambda items: scalars.made(cls._make, items), decoders, least)


def _of_default_dict(cls: Any, arguments: tuple[Any, ...]) -> Decoder:
    hints = arguments_of(cls, arguments, collections.defaultdict)
    factory = default_factory(hints)
    return _of_mapping(lambda value: cls(factory, value), hints)


def default_factory(hints: tuple[Any, ...]) -> Callable[[], Any] | None:
    """Find the factory of a `DefaultDict`: the class of its values, if that makes one."""
    if len(hints) != 2:
        return None
    factory = typing_extensions.get_origin(hints[1]) or hints[1]
    return factory if factory in _FACTORIES else None


_FACTORIES = (int, float, str, bool, list, dict, set, tuple, frozenset, collections.deque)


def _of_mapping(make: Callable[[Any], Any] | None, hints: tuple[Any, ...]) -> Decoder:
    key, item = hints if len(hints) == 2 else (Any, Any)
    return containers.of_mapping(_making(make), key_decoder(key), decoder_for(item))


# --- keys ------------------------------------------------------------------------------------


def key_decoder(hint: Any) -> Decoder:
    """Make the decoder that reads a type from a key of an object, which is a text."""
    reader = scalars.key_reader(hint)
    if reader is not None:
        return reader
    inner = looked_through(hint)
    if inner is not hint:
        return key_decoder(inner)
    origin = typing_extensions.get_origin(hint)
    if is_union(origin):
        return _of_key_union(hint, typing_extensions.get_args(hint))
    if is_literal(origin):
        return classes.of_literal_key(typing_extensions.get_args(hint))
    if is_class(hint) and issubclass(hint, enum.Enum):
        return classes.of_enum_key(hint)
    if is_class(hint) and issubclass(hint, (int, float)):
        base = key_decoder(int if issubclass(hint, int) else float)
        return lambda key: scalars.made(hint, base(key))
    return decoder_for(hint)


def _of_key_union(hint: Any, members: tuple[Any, ...]) -> Decoder:
    """Decode by the first member that writes this key; text, which reads all, is asked last."""
    decoders = [key_decoder(member) for member in sorted(members, key=lambda m: m is str)]

    def decode(key: str) -> Any:
        for decoder in decoders:
            try:
                read = decoder(key)
                if read == key or classes.key_text(read) == key:
                    return read
            except (Mismatch, TypeError):
                continue
        raise Mismatch(f"the key {key!r} is no {name_of(hint)}")

    return decode
