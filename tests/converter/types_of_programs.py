"""Types as programs declare them, with values of each, for the tests of the round trip."""

from __future__ import annotations

import collections
import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta, timezone
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypeVar,
    Union,
)
from uuid import UUID

from hypothesis import strategies as st
from typing_extensions import NotRequired, TypedDict

T = TypeVar("T")
K = TypeVar("K")


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)
    NUMBER = 7


class Word(str, enum.Enum):
    A = "a"
    B = "b"


class Digit(int, enum.Enum):
    ONE = 1
    TWO = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 9


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag):
    X = 1
    Y = 2


class Labelled(str, enum.Enum):
    """Has a value that is not its text."""

    value_of_its_own: int

    ONE = ("one", 1)
    TWO = ("two", 2)

    def __new__(cls, text: str, number: int) -> Labelled:
        made = str.__new__(cls, text)
        made._value_ = number
        return made


@dataclasses.dataclass
class Plain:
    number: int
    text: str = "x"


@dataclasses.dataclass(frozen=True)
class Frozen:
    ids: tuple[UUID, ...]
    at: datetime


@dataclasses.dataclass
class Slotted:
    __slots__ = ("ratio", "word")
    ratio: float
    word: Word | str


@dataclasses.dataclass(kw_only=True)
class Keywords:
    optional: Optional[Colour] = None  # noqa: UP045 - both spellings have to work
    implicit: int = None  # type: ignore[assignment]
    whichever: UUID | str


@dataclasses.dataclass
class Counted:
    name: str
    count: int = dataclasses.field(default=0, init=False)
    seen: list[Plain] = dataclasses.field(default_factory=list[Plain], init=False)


@dataclasses.dataclass(frozen=True)
class FrozenCounted:
    name: str
    count: int = dataclasses.field(default=0, init=False)


@dataclasses.dataclass
class Child(Plain):
    inner: Plain | None = None


@dataclasses.dataclass
class Checked:
    low: int
    high: int

    def __post_init__(self) -> None:
        self.low, self.high = min(self.low, self.high), max(self.low, self.high)


@dataclasses.dataclass
class Box(Generic[T]):
    content: T
    more: list[T]
    named: dict[str, T | None]


@dataclasses.dataclass
class Tree(Generic[T]):
    leaf: T
    branches: list[Tree[T]]


@dataclasses.dataclass
class IntBox(Box[int]):
    extra: str


@dataclasses.dataclass
class Pair(Box[K], Generic[K, T]):
    second: T


class Point(NamedTuple):
    x: int
    id: UUID
    label: str = "none"


class Options(TypedDict):
    name: str
    level: NotRequired[Level]
    at: datetime | None


class Ids(list[UUID]):
    pass


class Named(dict[str, Frozen]):
    pass


class Lowered(str):
    __slots__ = ()


class Amount(int):
    pass


class View(Mapping[str, int]):
    """A mapping that is no dict."""

    def __init__(self, found: Mapping[str, int]) -> None:
        self._found = dict(found)

    def __getitem__(self, key: str) -> int:
        return self._found[key]

    def __iter__(self) -> Any:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


UserId = NewType("UserId", int)
OrderId = NewType("OrderId", UUID)

numbers = st.integers(-(2**70), 2**70)
texts = st.text(st.characters(), max_size=8)
moments = st.datetimes(timezones=st.just(timezone.utc)) | st.datetimes()
zoned = st.builds(
    lambda at, hours: at.replace(tzinfo=timezone(timedelta(hours=hours))),
    st.datetimes(),
    st.integers(-12, 12),
)
floats = st.floats(allow_nan=False)


def built(make: Callable[..., Any], **later: st.SearchStrategy[Any]) -> Callable[..., Any]:
    """Make an object, then set what its constructor does not take."""

    def build(kwargs: dict[str, Any], after: dict[str, Any]) -> Any:
        made = make(**kwargs)
        for name, value in after.items():
            object.__setattr__(made, name, value)
        return made

    return lambda **kwargs: st.builds(
        build, st.fixed_dictionaries(kwargs), st.fixed_dictionaries(later)
    )


plains = st.builds(Plain, number=numbers, text=texts)
frozen = st.builds(Frozen, ids=st.lists(st.uuids(), max_size=3).map(tuple), at=moments)
trees = st.recursive(
    st.builds(Tree, leaf=st.uuids(), branches=st.just([])),
    lambda inner: st.builds(Tree, leaf=st.uuids(), branches=st.lists(inner, max_size=3)),
    max_leaves=5,
)


def boxes(make: Any, content: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[Any]:
    return st.builds(
        make,
        content=content,
        more=st.lists(content, max_size=3),
        named=st.dictionaries(texts, st.none() | content, max_size=3),
        **more,
    )


CERTAIN: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (type(None), st.none()),
    (bool, st.booleans()),
    (int, numbers),
    (float, floats),
    (str, texts),
    (UUID, st.uuids()),
    (datetime, moments | zoned),
    (UserId, numbers),
    (OrderId, st.uuids()),
    (Annotated[UUID, "an id"], st.uuids()),
    (Literal["a", 1, None, Word.B], st.sampled_from(["a", 1, None, Word.B])),
    *((kind, st.sampled_from(list(kind))) for kind in (Colour, Word, Digit, Level, Labelled)),
    (Rights, st.sampled_from([Rights(0), Rights.READ, Rights.READ | Rights.WRITE])),
    (Bits, st.sampled_from([Bits(0), Bits.X, Bits.X | Bits.Y])),
    (Plain, plains),
    (Frozen, frozen),
    (Counted, built(Counted, count=numbers, seen=st.lists(plains, max_size=2))(name=texts)),
    (FrozenCounted, built(FrozenCounted, count=numbers)(name=texts)),
    (Child, st.builds(Child, number=numbers, text=texts, inner=st.none() | plains)),
    (Checked, st.builds(Checked, low=numbers, high=numbers)),
    (Box[UUID], boxes(Box, st.uuids())),
    (Box[Plain], boxes(Box, plains)),
    (Tree[UUID], trees),
    (IntBox, boxes(IntBox, numbers, extra=texts)),
    (Pair[int, Frozen], boxes(Pair, numbers, second=frozen)),
    (Point, st.builds(Point, x=numbers, id=st.uuids(), label=texts)),
    (
        Options,
        st.fixed_dictionaries(
            {"name": texts, "at": st.none() | moments}, optional={"level": st.sampled_from(Level)}
        ),
    ),
    (Ids, st.lists(st.uuids(), max_size=3).map(Ids)),
    (Named, st.dictionaries(texts, frozen, max_size=2).map(Named)),
    (Lowered, texts.map(Lowered)),
    (Amount, numbers.map(Amount)),
    (View, st.dictionaries(texts, numbers, max_size=3).map(View)),
]
"""Types whose every value comes back."""

KEYS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, texts),
    (int, numbers),
    (float, floats),
    (bool, st.booleans()),
    (UserId, numbers),
    (Word, st.sampled_from(Word)),
    (Digit, st.sampled_from(Digit)),
    (Level, st.sampled_from(Level)),
    (Bits, st.sampled_from([Bits.X, Bits.X | Bits.Y])),
    (Literal[1, 2], st.sampled_from([1, 2])),
    (int | None, st.none()),
]
"""Types of keys whose every value comes back."""


generic: Any = types.SimpleNamespace(
    list=list,
    set=set,
    frozenset=frozenset,
    tuple=tuple,
    dict=dict,
    deque=collections.deque,
    Counter=collections.Counter,
    ChainMap=collections.ChainMap,
    MappingProxyType=types.MappingProxyType,
    Sequence=Sequence,
    Iterable=Iterable,
    Mapping=Mapping,
    MutableMapping=MutableMapping,
    AbstractSet=AbstractSet,
    DefaultDict=typing.DefaultDict,  # noqa: UP006 - both spellings have to work
    Optional=Optional,
    Union=Union,
)
"""Generics whose arguments are known at run time only."""


def wider(
    inner: list[tuple[Any, st.SearchStrategy[Any]]],
) -> list[tuple[Any, st.SearchStrategy[Any]]]:
    """Put containers around types."""
    made: list[tuple[Any, st.SearchStrategy[Any]]] = []
    for hint, values in inner:
        made += [
            (generic.list[hint], st.lists(values, max_size=3)),
            (generic.Sequence[hint], st.lists(values, max_size=3)),
            (generic.Iterable[hint], st.lists(values, max_size=3)),
            (generic.tuple[hint, ...], st.lists(values, max_size=3).map(tuple)),
            (generic.tuple[hint, int], st.tuples(values, numbers)),
            (generic.deque[hint], st.lists(values, max_size=3).map(collections.deque)),
            (generic.Optional[hint], st.none() | values),
            (generic.Mapping[str, hint], st.dictionaries(texts, values, max_size=3)),
            (
                generic.MutableMapping[str, hint],
                st.dictionaries(texts, values, max_size=3).map(
                    lambda found: collections.defaultdict(None, found)
                ),
            ),
            (
                generic.DefaultDict[str, generic.list[hint]],
                st.dictionaries(texts, st.lists(values, max_size=2), max_size=3).map(
                    lambda found: collections.defaultdict(list, found)
                ),
            ),
            (
                generic.MappingProxyType[str, hint],
                st.dictionaries(texts, values, max_size=3).map(types.MappingProxyType),
            ),
            (
                generic.ChainMap[str, hint],
                st.dictionaries(texts, values, max_size=3).map(collections.ChainMap),
            ),
        ]
    return made


HASHABLE = [entry for entry in CERTAIN if entry[0] in (int, str, UUID, Word, Colour, Frozen, Point)]
SETS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    entry
    for hint, values in HASHABLE
    for entry in (
        (generic.set[hint], st.sets(values, max_size=3)),
        (generic.frozenset[hint], st.frozensets(values, max_size=3)),
        (generic.AbstractSet[hint], st.sets(values, max_size=3)),
    )
]
MAPPINGS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    entry
    for key, keys in KEYS
    for entry in (
        (generic.dict[key, UUID], st.dictionaries(keys, st.uuids(), max_size=3)),
        (
            generic.Counter[key],
            st.dictionaries(keys, numbers, max_size=3).map(collections.Counter),
        ),
    )
]
EVERYTHING = [*CERTAIN, *SETS, *MAPPINGS]
certain = st.sampled_from([*EVERYTHING, *wider(EVERYTHING)])
"""Types whose every value comes back, in containers too."""


@st.composite
def unions(draw: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Draw a union and a value of one of its members."""
    members = draw(st.lists(certain, min_size=2, max_size=4))
    hint = generic.Union[tuple(member for member, _ in members)]
    _, values = draw(st.sampled_from(members))
    return hint, draw(values)


@st.composite
def typed(draw: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Draw a type and a value of it."""
    hint, values = draw(certain)
    return hint, draw(values)
