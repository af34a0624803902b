"""Search attributes: named values by which the service finds workflows. No codec sees them."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, overload

from hourglass.exceptions import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire

T = TypeVar("T")
DefaultT = TypeVar("DefaultT")


class SearchAttributeIndexedValueType(IntEnum):
    """Ways of the service to index a value; values are the protocol's."""

    TEXT = 1
    KEYWORD = 2
    INT = 3
    DOUBLE = 4
    BOOL = 5
    DATETIME = 6
    KEYWORD_LIST = 7


_METADATA = {
    SearchAttributeIndexedValueType.TEXT: b"Text",
    SearchAttributeIndexedValueType.KEYWORD: b"Keyword",
    SearchAttributeIndexedValueType.INT: b"Int",
    SearchAttributeIndexedValueType.DOUBLE: b"Double",
    SearchAttributeIndexedValueType.BOOL: b"Bool",
    SearchAttributeIndexedValueType.DATETIME: b"Datetime",
    SearchAttributeIndexedValueType.KEYWORD_LIST: b"KeywordList",
}


@dataclass(frozen=True)
class SearchAttributeKey(Generic[T]):
    """The name of a search attribute and the type of its value. Made by the ``for_…`` methods."""

    name: str
    indexed_value_type: SearchAttributeIndexedValueType

    @staticmethod
    def for_text(name: str) -> SearchAttributeKey[str]:
        """Text, searched by its words."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.TEXT)

    @staticmethod
    def for_keyword(name: str) -> SearchAttributeKey[str]:
        """Text, searched as a whole."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.KEYWORD)

    @staticmethod
    def for_int(name: str) -> SearchAttributeKey[int]:
        """A whole number."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.INT)

    @staticmethod
    def for_float(name: str) -> SearchAttributeKey[float]:
        """A number."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.DOUBLE)

    @staticmethod
    def for_bool(name: str) -> SearchAttributeKey[bool]:
        """True or False."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.BOOL)

    @staticmethod
    def for_datetime(name: str) -> SearchAttributeKey[datetime]:
        """A time, with its time zone."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.DATETIME)

    @staticmethod
    def for_keyword_list(name: str) -> SearchAttributeKey[Sequence[str]]:
        """Several keywords."""
        return SearchAttributeKey(name, SearchAttributeIndexedValueType.KEYWORD_LIST)

    def value_set(self, value: T) -> SearchAttributeUpdate[T]:
        """For `workflow.upsert_search_attributes`: set it."""
        return SearchAttributeUpdate(self, value)

    def value_unset(self) -> SearchAttributeUpdate[T]:
        """For `workflow.upsert_search_attributes`: take it away."""
        return SearchAttributeUpdate(self, None)


@dataclass(frozen=True)
class SearchAttributeUpdate(Generic[T]):
    """A change of one attribute; made by `SearchAttributeKey`."""

    key: SearchAttributeKey[T]
    value: T | None
    """None: it is taken away."""

    def to_payload(self) -> Payload:
        """As the service reads it. `InvalidArgumentError` for a value of another type."""
        from hourglass._bridge import Payload

        kind = _METADATA[self.key.indexed_value_type]
        if self.value is None:
            return Payload(metadata={"encoding": b"binary/null", "type": kind})
        data = json.dumps(_checked(self.key, self.value), separators=(",", ":")).encode()
        return Payload(metadata={"encoding": b"json/plain", "type": kind}, data=data)


@dataclass(frozen=True)
class SearchAttributePair(Generic[T]):
    """A key and its value."""

    key: SearchAttributeKey[T]
    value: T


def _checked(key: SearchAttributeKey[Any], value: Any) -> Any:
    """The value as JSON has it."""
    kind = key.indexed_value_type
    if not _FITS[kind](value):
        raise InvalidArgumentError(
            f"search attribute {key.name!r} is a {kind.name}, it can't be {value!r}"
        )
    if kind is SearchAttributeIndexedValueType.DATETIME:
        return value.isoformat()
    return list(value) if kind is SearchAttributeIndexedValueType.KEYWORD_LIST else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_datetime(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _is_list(value: Any) -> bool:
    several = isinstance(value, Sequence) and not isinstance(value, str)
    return several and all(map(_is_text, cast("Sequence[Any]", value)))


_FITS: dict[SearchAttributeIndexedValueType, Callable[[Any], bool]] = {
    SearchAttributeIndexedValueType.TEXT: _is_text,
    SearchAttributeIndexedValueType.KEYWORD: _is_text,
    SearchAttributeIndexedValueType.INT: _is_int,
    SearchAttributeIndexedValueType.DOUBLE: _is_number,
    SearchAttributeIndexedValueType.BOOL: _is_bool,
    SearchAttributeIndexedValueType.DATETIME: _is_datetime,
    SearchAttributeIndexedValueType.KEYWORD_LIST: _is_list,
}


@dataclass(frozen=True)
class TypedSearchAttributes:
    """Search attributes, each by its key. Immutable.

    A collection of `SearchAttributePair`, in which ``key in attributes`` asks for a key: that is
    why it does not inherit from one, type checkers would object.
    """

    empty: ClassVar[TypedSearchAttributes]

    search_attributes: Sequence[SearchAttributePair[Any]]

    def __post_init__(self) -> None:
        ordered = sorted(self.search_attributes, key=lambda pair: pair.key.name)
        object.__setattr__(self, "search_attributes", tuple(ordered))
        for first, second in pairwise(ordered):
            if first.key.name == second.key.name:
                raise InvalidArgumentError(f"search attribute {first.key.name!r} is given twice")

    def __len__(self) -> int:
        return len(self.search_attributes)

    def __iter__(self) -> Iterator[SearchAttributePair[Any]]:
        return iter(self.search_attributes)

    def __contains__(self, key: object) -> bool:
        return any(pair.key == key for pair in self.search_attributes)

    def __getitem__(self, key: SearchAttributeKey[T]) -> T:
        found = self.get(key)
        if found is None:
            raise KeyError(key.name)
        return found

    @overload
    def get(self, key: SearchAttributeKey[T]) -> T | None: ...
    @overload
    def get(self, key: SearchAttributeKey[T], default: DefaultT) -> T | DefaultT: ...
    def get(self, key: SearchAttributeKey[Any], default: Any = None) -> Any:
        """The value, or `default` if there is none."""
        for pair in self.search_attributes:
            if pair.key == key:
                return pair.value
        return default

    def updated(self, *search_attributes: SearchAttributePair[Any]) -> TypedSearchAttributes:
        """A copy with these set."""
        return self.with_updates([pair.key.value_set(pair.value) for pair in search_attributes])

    def with_updates(self, updates: Sequence[SearchAttributeUpdate[Any]]) -> TypedSearchAttributes:
        """A copy with these changes applied, in order."""
        pairs = {pair.key.name: pair for pair in self.search_attributes}
        for update in updates:
            pairs.pop(update.key.name, None)
            if update.value is not None:
                pairs[update.key.name] = SearchAttributePair(update.key, update.value)
        return TypedSearchAttributes(list(pairs.values()))

    def to_wire(self) -> Wire:
        """`temporal.api.common.v1.SearchAttributes`."""
        return indexed([pair.key.value_set(pair.value) for pair in self.search_attributes])

    @staticmethod
    def from_fields(fields: Mapping[str, Payload]) -> TypedSearchAttributes:
        """From what the service says; what has no known type is left out."""
        pairs: list[SearchAttributePair[Any]] = []
        for name, payload in fields.items():
            kind = _KINDS.get(payload.metadata.get("type", b""))
            if kind is None or not payload.data:
                continue
            value = _value(kind, json.loads(payload.data))
            if value is not None:
                pairs.append(SearchAttributePair(SearchAttributeKey(name, kind), value))
        return TypedSearchAttributes(pairs)


TypedSearchAttributes.empty = TypedSearchAttributes(())
_FINE = re.compile(r"(\.\d{6})\d+")
_KINDS = {text: kind for kind, text in _METADATA.items()}


AnySearchAttributes = TypedSearchAttributes | Mapping[str, Sequence[Any]]
"""Search attributes; a mapping from names to lists of values is the deprecated form."""


def search_attributes_to_wire(attributes: AnySearchAttributes) -> Wire:
    """`temporal.api.common.v1.SearchAttributes`.

    `ArgumentTypeError` for what is neither form, and for values that the deprecated one can't have.
    """
    if isinstance(attributes, TypedSearchAttributes):
        return attributes.to_wire()
    if not isinstance(attributes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(
            f"search_attributes are TypedSearchAttributes, not {type(attributes).__name__}"
        )
    warnings.warn(
        "search attributes as a dictionary are deprecated: use TypedSearchAttributes",
        DeprecationWarning,
        stacklevel=2,
    )
    return {"indexed_fields": {name: _untyped(name, given) for name, given in attributes.items()}}


def _untyped(name: str, values: Any) -> Payload:
    """The payload of the deprecated form: a list of values of one type, which is not named."""
    from hourglass._bridge import Payload

    given: Sequence[Any] = values
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise ArgumentTypeError(f"search attribute {name!r}: {values!r} is no list of values")
    for value in given:
        if not isinstance(value, (str, int, float, datetime)):
            raise ArgumentTypeError(
                f"search attribute {name!r}: {value!r} is no str, int, float, bool or datetime"
            )
    if any(type(value) is not type(given[0]) for value in given):
        raise ArgumentTypeError(f"search attribute {name!r}: {given!r} has values of several types")
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in given]
    data = json.dumps(plain, separators=(",", ":")).encode()
    return Payload(metadata={"encoding": b"json/plain"}, data=data)


def indexed(updates: Sequence[SearchAttributeUpdate[Any]]) -> Wire:
    """`temporal.api.common.v1.SearchAttributes`, with removals."""
    return {"indexed_fields": {update.key.name: update.to_payload() for update in updates}}


def _value(kind: SearchAttributeIndexedValueType, value: Any) -> Any:
    several: list[Any] = []
    several += value if isinstance(value, list) else [value]
    if kind is SearchAttributeIndexedValueType.KEYWORD_LIST:
        return several
    if len(several) != 1:  # the service wraps some in a list of one
        return None
    [one] = several
    if kind is SearchAttributeIndexedValueType.DATETIME:
        # Python 3.10 reads neither a Z nor nanoseconds.
        return datetime.fromisoformat(_FINE.sub(r"\1", one.replace("Z", "+00:00")))
    return one
