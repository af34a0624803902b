"""Checks, made before a value is sent, that it will be read back from JSON as the value it is.

JSON knows fewer types than Python, so what a value is read as depends on its declared type. A check
is compiled once per type, like a decoder, and raises `Mismatch` for a value that its type would
read as another one. Plain values of JSON may stand for what their type makes of them (a text for a
UUID, a dict for a dataclass), except in a union, where a member's own values come first. Nothing is
checked below `Any`, which reads JSON as it is.
"""

from __future__ import annotations

import collections
import enum
import functools
import inspect
import json
import types
from collections.abc import Callable, Hashable, Iterator, Mapping, MappingView, Sequence, Set
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

import typing_extensions

from hourglass._hints import is_class
from hourglass.converter import json_classes as classes
from hourglass.converter import json_decoding as decoding
from hourglass.converter.json_by_hint import Compiler
from hourglass.converter.json_encoding import AdvancedJSONEncoder, field_names
from hourglass.converter.json_mismatch import Mismatch, name_of, refuse
from hourglass.converter.json_scalars import SCALARS, anything
from hourglass.exceptions import EncodingError

Check: TypeAlias = Callable[[Any], None]


class CheckedJSONEncoder(AdvancedJSONEncoder):
    """Checks the fields of dataclasses by their annotations."""

    def default(self, o: Any) -> Any:
        plain = super().default(o)
        if field_names(o) is not None and not isinstance(o, enum.Enum):
            cls = cast(Any, type(o))
            checks = _field_checks(cls)
            try:
                for name, check in checks:
                    if name in plain:
                        check(plain[name])
            except (TypeError, ValueError, RecursionError):
                _name_culprit(checks, plain)
            if _constructs_itself(cls):
                self._check_construction(cls, plain)
        return plain

    def _check_construction(self, cls: Any, plain: dict[str, Any]) -> None:
        written = self.encode(plain)
        read = decoding.decoder_for(cls)(json.loads(written))
        if classes.json_text(read) != json.dumps(json.loads(written), sort_keys=True):
            raise Mismatch(
                f"its {cls.__name__} is another when it is made again:"
                f" {'__post_init__' if hasattr(cls, '__post_init__') else '__init__'} changes it"
            )


def check_value(value: Any, hint: Any, *, lenient: bool) -> None:
    """Check a value by its declared type; `EncodingError` names the path to what would change.

    `lenient` lets a value of another type pass if nothing of it is lost, or if it can't be read at
    all: its reader may have no type, and says so if it has.
    """
    if type(value) is hint and hint in (str, int, float, bool):
        return
    try:
        check = check_for(hint)
        if check is not None:
            _unless_unwritable(check, value)
    except Mismatch as error:
        if lenient and not error.ambiguous and not _loses(value, hint):
            return
        where = f" at {error.path}" if error.path else ""
        raise EncodingError(f"declared {name_of(hint)}{where}: {error.reason}") from error


def _loses(value: Any, hint: Any) -> bool:
    try:
        plain = _plain(value)
        read = decoding.decoder_for(hint)(plain)
        return classes.json_text(read) != json.dumps(plain, sort_keys=True)
    except (TypeError, ValueError):
        return False


def _unless_unwritable(check: Check, value: Any) -> None:
    """Leave what can't be written at all to its encoding, which has the path to it."""
    try:
        check(value)
    except Mismatch:
        raise
    except (TypeError, ValueError, RecursionError):
        pass


def check_for(hint: Any, *, strict: bool = False) -> Check | None:
    """Find the check of a type hint; None if every value that can be encoded passes."""
    return _compilers[strict].of(hint)


def _compiler(strict: bool) -> Compiler[Check | None]:
    def later(hint: Any) -> Check:
        def check(value: Any) -> None:
            compiled = check_for(hint, strict=strict)
            if compiled is not None:
                compiled(value)

        return check

    return Compiler(lambda hint: _compile(hint, strict), later)


_compilers = {strict: _compiler(strict) for strict in (False, True)}


def _compile(hint: Any, strict: bool) -> Check | None:
    inner = decoding.looked_through(hint)
    if inner is not hint:
        # A variable may be bound to something narrower where it is used.
        return None if isinstance(hint, TypeVar) else check_for(inner, strict=strict)
    origin = typing_extensions.get_origin(hint)
    arguments = typing_extensions.get_args(hint)
    if origin is None:
        if hint in SCALARS:
            return _of_scalar(hint, strict)
        return _of_class(hint, (), strict) if is_class(hint) else None
    if decoding.is_union(origin):
        return _of_union(hint, arguments, strict)
    if decoding.is_literal(origin):
        return _by_reading(hint)
    return _of_class(origin, arguments, strict)


class _at:  # noqa: N801 - a context manager that reads as a word
    """Adds a step to the path of a `Mismatch`."""

    def __init__(self, step: str) -> None:
        self._step = step

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: Any, error: Any, _traceback: Any) -> None:
        if isinstance(error, Mismatch):
            raise error.inside(self._step) from None


_encoder = CheckedJSONEncoder()


def _plain(value: Any) -> Any:
    """Write and read JSON's own values; TypeError, and no `Mismatch`, for what can't be written."""
    try:
        return json.loads(_encoder.encode(value))
    except Mismatch as error:
        raise TypeError(error.reason) from error


# --- scalars ---------------------------------------------------------------------------------

_TEXTUAL = {datetime: datetime, UUID: UUID}
_BINARY = (bytes, bytearray, memoryview)


def _of_scalar(hint: Any, strict: bool) -> Check | None:
    decode = SCALARS[hint]
    if decode is anything:
        return None
    if hint in (bytes, bytearray, memoryview):
        return functools.partial(_check_bytes, decode)
    if hint in _TEXTUAL:
        return functools.partial(_check_text, hint, decode, strict)

    def check(value: Any) -> None:
        if type(value) is not hint and not (hint in (str, int) and isinstance(value, hint)):
            read = decode(value)
            if read != value:
                raise Mismatch(f"{value!r} would be read as {read!r}")

    return check


def _check_bytes(decode: Callable[[Any], Any], value: Any) -> None:
    if not isinstance(value, (bytes, bytearray)):
        read = decode(
            list(cast("memoryview[int]", value)) if isinstance(value, memoryview) else value
        )
        if isinstance(value, memoryview) and read != value:
            raise Mismatch("a memoryview is read as one of bytes")


def _check_text(cls: Any, decode: Callable[[Any], Any], strict: bool, value: Any) -> None:
    if type(value) is cls:
        return
    if isinstance(value, cls):
        written = value.isoformat() if cls is datetime else str(value)
        if decode(written) != value:
            raise Mismatch(f"a {name_of(type(value))} would be read as another {cls.__name__}")
    elif strict:
        raise refuse(value, name_of(cls))
    else:
        decode(value)


# --- choices ---------------------------------------------------------------------------------


def _by_reading(hint: Any) -> Check:
    """Make a check that writes, reads and compares."""
    decode = decoding.decoder_for(hint)

    def check(value: Any) -> None:
        if decode(_plain(value)) != value:
            raise refuse(value, name_of(hint))

    return check


def _of_union(hint: Any, members: tuple[Any, ...], strict: bool) -> Check | None:
    exact = decoding.exact_members(members)
    others = [member for member in members if member not in exact]
    if len(others) == 1:
        only = check_for(others[0], strict=strict)
        return None if only is None else _unless(exact, only)
    choose = decoding.chooser(hint, members)
    checks = [(member, check_for(member, strict=True)) for member in members]

    def check(value: Any) -> None:
        if type(value) in exact:
            return
        chosen, _ = choose(_plain(value))
        accepts = next(accepts for member, accepts in checks if member == chosen)
        try:
            if accepts is not None:
                accepts(value)
        except Mismatch as mismatch:
            raise Mismatch(
                f"a {type(value).__name__} of {name_of(hint)} would be read as"
                f" {name_of(chosen)} ({mismatch.reason})",
                mismatch.path,
                ambiguous=True,
            ) from None

    return check


def _unless(exact: set[Any], check: Check) -> Check:
    def check_others(value: Any) -> None:
        if type(value) not in exact:
            check(value)

    return check_others


def _of_enum(cls: Any, strict: bool) -> Check:
    decode = decoding.decoder_for(cls)

    def check(value: Any) -> None:
        read = decode(_plain(value))
        if read != value and (strict or isinstance(value, enum.Enum) or not _is_plain(value)):
            raise refuse(value, cls.__name__)

    return check


def _is_plain(value: Any) -> bool:
    return type(value) in (str, int, float, bool, type(None), list, dict)


# --- containers ------------------------------------------------------------------------------


def _of_class(cls: Any, arguments: tuple[Any, ...], strict: bool) -> Check | None:
    if cls is tuple and arguments and arguments[-1] is not Ellipsis:
        hints = () if arguments == ((),) else arguments
        checks = [check_for(hint, strict=strict) for hint in hints]
        return functools.partial(_check_places, cls, strict, checks, len(checks))
    if cls in decoding.MAPPINGS:
        return _of_mapping(cls, arguments, strict)
    if cls in decoding.SEQUENCES or cls is tuple:
        return _of_sequence(cls, arguments[0] if arguments else Any, strict)
    return _of_named_class(cls, arguments, strict)


def _of_named_class(cls: Any, arguments: tuple[Any, ...], strict: bool) -> Check | None:
    if typing_extensions.is_typeddict(cls):
        return _of_typed_dict(cls, classes.hints_of(cls, arguments), strict)
    if issubclass(cls, enum.Enum):
        return _of_enum(cls, strict)
    if decoding.is_dataclass(cls):
        return _of_dataclass(cls, arguments, strict)
    if decoding.is_named_tuple(cls):
        return _of_named_tuple(cls, arguments, strict)
    if decoding.is_mapping(cls):
        return _of_mapping_class(cls, arguments, strict)
    return _of_own_class(cls)


def _of_sequence(cls: Any, item: Any, strict: bool) -> Check:
    takes_text = cls in decoding.TEXTS and item in (str, Any, object)
    is_abstract = inspect.isabstract(cls)
    check_item = check_for(item, strict=strict)
    made = tuple if cls is tuple else decoding.SEQUENCES[cls] or list
    wanted: Any = made if strict else (Sequence, Set, MappingView)

    def check(value: Any) -> None:
        if type(value) is not made:
            if isinstance(value, Iterator) or (takes_text and isinstance(value, str)):
                return  # an iterator can be looked at only once
            is_text = isinstance(value, (str, *_BINARY))
            is_bytes = is_abstract and isinstance(value, _BINARY)
            if not isinstance(value, wanted) or (is_text and not is_bytes):
                raise refuse(value, name_of(cls))
        if check_item is not None:
            try:
                for one in cast("Sequence[Any]", value):
                    check_item(one)
            except Mismatch:
                for index, one in enumerate(cast("Sequence[Any]", value)):
                    with _at(f"[{index}]"):
                        check_item(one)

    return check


def _check_places(
    cls: Any, strict: bool, checks: Sequence[Check | None], least: int, value: Any
) -> None:
    """Check a tuple with a type for each place."""
    wanted = (cls,) if strict else (list, tuple)
    if not isinstance(value, wanted):
        raise refuse(value, name_of(cls))
    items = cast("Sequence[Any]", value)
    if not least <= len(items) <= len(checks):
        raise Mismatch(f"expected {len(checks)} items, found {len(items)}")
    for index, (check, one) in enumerate(zip(checks, items, strict=False)):
        if check is not None:
            with _at(f"[{index}]"):
                check(one)


def _of_named_tuple(cls: Any, arguments: tuple[Any, ...], strict: bool) -> Check:
    hints = classes.hints_of(cls, arguments)
    checks = [check_for(hints.get(name, Any), strict=strict) for name in cls._fields]
    least = len(checks) - len(cls._field_defaults)

    def check(value: Any) -> None:
        _refuse_subclass(cls, value)
        _check_places(cls, strict, checks, least, value)

    return check


def _of_mapping(cls: Any, arguments: tuple[Any, ...], strict: bool) -> Check:
    key, item = arguments if len(arguments) == 2 else (Any, Any)
    check_key, check_item = _check_key(key), check_for(item, strict=strict)
    wanted: Any = cls if strict else Mapping

    def check(value: Any) -> None:
        if not isinstance(value, wanted):
            raise refuse(value, name_of(cls))
        entries = cast("Mapping[Any, Any]", value).items()
        for one, member in entries:
            try:
                if check_key is not None:
                    check_key(one)
                if check_item is not None:
                    check_item(member)
            except Mismatch as mismatch:
                raise mismatch.inside(f"[{one!r}]") from None

    return check


def _check_key(hint: Any) -> Check | None:
    if SCALARS.get(hint) is anything:
        return None
    decode = decoding.key_decoder(hint)

    def check(key: Any) -> None:
        if type(key) is str and hint is str:
            return
        try:
            text = classes.key_text(key)
        except TypeError as error:
            raise Mismatch(str(error)) from None
        read = decode(text)
        if read != key:
            raise Mismatch(f"the key {key!r} would be read as {read!r}")

    return check


_KNOWN = (collections.Counter, collections.ChainMap, collections.UserDict, types.MappingProxyType)


def _of_mapping_class(cls: Any, arguments: tuple[Any, ...], strict: bool) -> Check:
    """Make the check of a mapping that is more than a dict: what makes it so has to come back."""
    hints = decoding.mapping_hints(cls, arguments)
    check_items = _of_mapping(cls, hints, strict)
    decode = decoding.decoder_for(cls)
    factory = decoding.default_factory(hints)

    def check(value: Any) -> None:
        check_items(value)
        if isinstance(value, collections.defaultdict):
            own: Any = value.default_factory
            if own is not None and own is not factory and issubclass(cls, collections.defaultdict):
                raise Mismatch(f"its default_factory is not sent, and would be {factory}")
        elif issubclass(cls, collections.OrderedDict) and list(value) != sorted(value):
            raise Mismatch("keys are sent in sorted order: send a list of pairs to keep another")
        elif type(value) is cls and cls not in _KNOWN and decode(_plain(value)) != value:
            raise Mismatch(f"a {cls.__name__} would be read as another one")

    return check


# --- classes ---------------------------------------------------------------------------------


def _refuse_subclass(cls: Any, value: Any) -> None:
    if isinstance(value, cls) and type(value) is not cls:
        raise Mismatch(f"a {name_of(type(value))} would be read as a {name_of(cls)}")


def _of_typed_dict(cls: Any, hints: Mapping[str, Any], strict: bool) -> Check:
    required = classes.required_keys(cls, hints)
    members_checks = ((name, check_for(hint, strict=strict)) for name, hint in hints.items())
    checks = {name: check for name, check in members_checks if check is not None}

    def check(value: Any) -> None:
        if not isinstance(value, Mapping):
            raise refuse(value, f"an object for {cls.__name__}")
        members = cast("Mapping[str, Any]", value)
        if missing := sorted(required - members.keys()):
            raise Mismatch(f"{cls.__name__} needs {', '.join(missing)}")
        for name, check_member in checks.items():
            if name in members:
                with _at(f".{name}"):
                    check_member(members[name])

    return check


def _of_dataclass(cls: Any, arguments: tuple[Any, ...], strict: bool) -> Check:
    """Make the check of a dataclass; the encoder checks fields that no argument changes."""
    if issubclass(cls, (dict, list, tuple, str, int, float)):
        raise Mismatch(f"{name_of(cls)} is written as what it derives from, without its fields")
    decode = decoding.decoder_for(cls[arguments] if arguments else cls)
    hints = classes.field_hints(cls, arguments)
    bound = [
        (name, found)
        for name, hint in (hints.items() if arguments else ())
        if (found := check_for(hint, strict=strict)) is not None
    ]

    def check(value: Any) -> None:
        if type(value) is cls:
            for name, check_field in bound:
                if hasattr(value, name):
                    with _at(f".{name}"):
                        check_field(getattr(value, name))
            return
        _refuse_subclass(cls, value)
        is_reloaded = type(value).__qualname__ == cls.__qualname__
        if not is_reloaded and (strict or type(value) is not dict):
            raise refuse(value, name_of(cls))
        plain = _plain(value)
        if unknown := sorted(plain.keys() - hints.keys()):
            raise Mismatch(f"{name_of(cls)} has no {', '.join(unknown)}")
        decode(plain)

    return check


def _name_culprit(checks: Sequence[tuple[str, Check]], plain: dict[str, Any]) -> None:
    """Check fields again, slowly, for the path to the one that failed."""
    for name, check in checks:
        if name in plain:
            with _at(f".{name}"):
                _unless_unwritable(check, plain[name])


@functools.cache
def _field_checks(cls: Hashable) -> Sequence[tuple[str, Check]]:
    try:
        hints = classes.field_hints(cls)
    except Mismatch:
        return ()  # annotations that can't be resolved: only a declared type needs them
    checks = ((name, check_for(hint)) for name, hint in hints.items())
    return [(name, check) for name, check in checks if check is not None]


@functools.cache
def _constructs_itself(cls: Hashable) -> bool:
    """Tell a dataclass whose construction runs code of the user's."""
    parameters: Any = getattr(cls, "__dataclass_params__", None)
    has_new = getattr(cls, "__new__", None) is not object.__new__
    return hasattr(cls, "__post_init__") or not parameters.init or has_new


def _of_own_class(cls: Any) -> Check:
    """Make the check of a class that only its reader knows."""
    decode = decoding.decoder_for(cls)

    def check(value: Any) -> None:
        read = decode(_plain(value))
        is_same = read == value and type(read) is type(value)
        if isinstance(value, cls) and not is_same:
            raise Mismatch(f"a {name_of(type(value))} would be read as {read!r}")
        if not isinstance(value, cls) and not _is_plain(value):
            raise refuse(value, name_of(cls))

    return check
