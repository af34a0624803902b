"""Values that used to change on their way, and values that are refused where they are sent."""

from __future__ import annotations

import collections
import dataclasses
import enum
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

import pytest

from hourglass.converter import (
    AdvancedJSONEncoder,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    Payload,
    PayloadConverter,
)
from hourglass.converter.json_by_hint import Compiler
from hourglass.exceptions import ApplicationError, DecodingError, EncodingError
from tests.converter.types_of_programs import (
    Amount,
    Box,
    Colour,
    Counted,
    Digit,
    Ids,
    Plain,
    Point,
    Tree,
    View,
    Word,
)

converter = PayloadConverter.default
ID = UUID(int=3)
AT = datetime(2024, 1, 2, 3, tzinfo=timezone.utc)
T = TypeVar("T")


def sent(value: Any, hint: Any) -> list[Payload]:
    """Send a value to a reader whose type is known."""
    converter.check_values([value], [hint])
    return converter.to_payloads([value])


def round_trip(value: Any, hint: Any) -> Any:
    """Send and receive a value as its declared type."""
    return converter.from_payloads(sent(value, hint), [hint])[0]


def received(data: str, hint: Any) -> Any:
    """Receive JSON from anybody."""
    payload = Payload(metadata={"encoding": b"json/plain"}, data=data.encode())
    return converter.from_payload(payload, hint)


@dataclasses.dataclass
class Cat:
    name: str


@dataclasses.dataclass
class Dog:
    name: str
    age: int = 0


@dataclasses.dataclass
class Horse:
    name: str


@dataclasses.dataclass
class Doubles:
    cents: int

    def __post_init__(self) -> None:
        self.cents *= 2


@dataclasses.dataclass
class Needs:
    seed: dataclasses.InitVar[int]
    grown: int = 0

    def __post_init__(self, seed: int) -> None:
        self.grown = self.grown or seed


@dataclasses.dataclass
class Either:
    owner: UUID | str


@dataclasses.dataclass
class Unset:
    name: str
    later: int = dataclasses.field(init=False)


@dataclasses.dataclass
class Record(dict[str, int]):
    extra: int = 0


@dataclasses.dataclass
class Sub(Plain):
    more: int = 0


class Model:
    """Has the marks of a Pydantic model: a schema, and pairs to iterate over."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any: ...

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter([("x", 1)])


class Table:
    """Iterates over the names of its columns only."""

    def __iter__(self) -> Iterator[str]:
        return iter(["column"])


class Stamp(datetime):
    """Knows more than a datetime does."""

    nanoseconds = 5

    def isoformat(self, *args: Any, **kwargs: Any) -> str:
        return "2024-01-02T03:04:05.000000005"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (ID, UUID | str),
        (ID, str | UUID),
        ("word", UUID | str),
        (str(ID).upper().replace("-", ""), UUID | str),
        (AT, datetime | str),
        (AT, str | datetime),
        ("2024", datetime | str),
        ("2024-01-02", datetime | str),
        (Word.A, Word | str),
        (Word.A, str | Word),
        ("other", Word | str),
        (Digit.ONE, Digit | int),
        (5, Digit | int),
        (Cat("a"), Cat | Dog),
        (Dog("a", 3), Cat | Dog),
        (Cat("a"), Dog | Cat),
        (Plain(1), dict[str, Any] | Plain),
        ({"id": ID}, dict[str, UUID] | list[UUID]),
        ([Dog("a")], list[Cat] | list[Dog]),
        (2**80, float | int),
        (None, UUID | None),
        ({"a": ID}, Mapping[str, UUID] | None),
        (collections.OrderedDict(a=1, b=2), collections.OrderedDict[str, int]),
        (bytearray(b"ab"), bytearray),
        (memoryview(b"ab"), memoryview),
        ((1, 2), Sequence[int]),
        ("text", Sequence[str]),
        ({1: "a", 2: "b"}, dict[int | str, str]),
        ({"a": 1}, dict[int | str, int]),
    ],
)
def test_a_value_comes_back_as_it_was(value: Any, hint: Any) -> None:
    back = round_trip(value, hint)
    assert back == value or list(back) == list(value)
    if type(value) is not tuple:
        assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "hint", "says"),
    [
        (str(ID), UUID | str, "would be read as UUID"),
        (AT.isoformat(), datetime | str, "would be read as datetime"),
        ("2024-01-02T03:00:00Z", datetime | str, "would be read as datetime"),
        ("red", Colour | str, "would be read as Colour"),
        (Horse("a"), Cat | Horse, "would be read as Cat"),
        ({"name": "a"}, dict[str, str] | Cat, "would be read as Cat"),
        ([str(ID)], list[UUID] | list[str], r"would be read as list\[uuid.UUID\]"),
        ((1, 2), list[int] | tuple[int, ...], r"would be read as list\[int\]"),
        ({"1": 2}, dict[int | str, int], "the key '1' would be read as 1"),
        ({True: 2}, dict[int, int], "the key 'true' is no int"),
        ({1: 2}, dict[str, int], "the key 1 would be read as '1'"),
        (5.5, int, "expected int, found float"),
        (2**60 + 1, float, "would be read as"),
        (ID, str, "expected str, found UUID"),
        (AT, str, "expected str, found datetime"),
        (Colour.RED, str, "expected str, found Colour"),
        (b"ab", str, "expected str, found bytes"),
        (b"ab", list[int], "expected list, found bytes"),
        (1, bool, "expected bool, found int"),
        (Plain(1), dict[str, Any], "expected dict, found Plain"),
        (Sub(1), Plain, "a Sub would be read as a Plain"),
        ([Sub(1)], list[Plain], r"at \[0\]: a Sub would be read as a Plain"),
        (Cat("a"), Dog, "expected Dog, found Cat"),
        ({"name": "a", "colour": "red"}, Cat, "Cat has no colour"),
        ([1, "x"], list[int], r"at \[1\]: expected int, found str"),
        ({"a": [1, None]}, dict[str, list[int]], r"at \['a'\]\[1\]: expected int"),
        ((1,), tuple[int, int], "expected 2 items, found 1"),
        (Point(1, "x"), Point, r"at \[1\]: expected a UUID"),  # type: ignore[arg-type]
        (Box[Any](ID, ["x"], {}), Box[UUID], r"at \.more\[0\]: expected a UUID"),
        (Doubles(1), Doubles, "__post_init__ changes it"),
        ([Doubles(1)], list[Any], r"\[0\]: .*__post_init__ changes it|at \[0\]"),
        (Needs(3), Needs, "refused it|InitVar"),
        (Record(extra=1), Record, "without its fields"),
        (Either(str(ID)), Either, r"at \.owner .*would be read as UUID"),
        ({"a": [Either(str(ID))]}, Any, r"at \['a'\]\[0\]\.owner"),
        (Plain("x"), Plain, r"at \.number"),  # type: ignore[arg-type]
        (
            collections.OrderedDict(b=1, a=2),
            collections.OrderedDict[str, int],
            "sorted order",
        ),
        (
            collections.defaultdict(lambda: 7, a=1),
            collections.defaultdict[str, int],
            "default_factory is not sent",
        ),
        (Stamp(2024, 1, 2), datetime, "a Stamp would be read as another datetime"),
        ("x", Literal["a", "b"], "expected one of"),
        (Amount(3), Ids, "expected a list"),
        (Model(), Any, r"a Pydantic model has JSON of its own: pass model.model_dump"),
        ({"a": [Model()]}, dict[str, Any], r"at \['a'\]\[0\] can't be encoded: a Pydantic model"),
        (Table(), Any, r"pass list\(value\)"),
        (date(2024, 1, 2), date, "type date can't be encoded"),
        (time(1), time, "type time can't be encoded"),
        (timedelta(1), timedelta, "type timedelta can't be encoded"),
        (Decimal(1), Decimal, "type Decimal can't be encoded"),
        ({ID: 1}, dict[UUID, int], "keys must be str, int, float, bool or None"),
        ([10**5000], Any, r"at \[0\] can't be encoded: Exceeds the limit"),
        ([object()], list[Any], r"at \[0\]"),
    ],
)
def test_a_value_that_would_change_is_refused_where_it_is_sent(
    value: Any, hint: Any, says: str
) -> None:
    with pytest.raises(EncodingError, match=says) as refused:
        sent(value, hint)
    assert str(refused.value).startswith("value 0: ")


@pytest.mark.parametrize(
    ("value", "hint", "read"),
    [
        (str(ID), UUID, ID),
        (AT.isoformat(), datetime, AT),
        ({"name": "a"}, Dog, Dog("a")),
        ("red", Colour, Colour.RED),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, 1], set[int], {1}),
        (5.0, int, 5),
        (5, float | str, 5.0),
        (Word.A, str, "a"),
        ((one for one in (1, 2)), list[int], [1, 2]),
        ({"a": 1}.keys(), list[str], ["a"]),
        (range(3), Sequence[int], [0, 1, 2]),
        (View({"a": 1}), Any, {"a": 1}),
        ({"a": ID}, Any, {"a": str(ID)}),
        (None, int, None),
    ],
)
def test_plain_values_become_what_their_type_makes_of_them(
    value: Any, hint: Any, read: Any
) -> None:
    back = round_trip(value, hint)
    assert back == read
    assert type(back) is type(read)


@pytest.mark.parametrize(
    ("result", "hint", "passes"),
    [
        (str(ID), UUID | str, False),
        (Horse("a"), Cat | Horse, False),
        ([Horse("a")], list[Cat | Horse], False),
        (Sub(1), Plain, False),
        ({"name": "a", "colour": "red"}, Cat, False),
        (ID, UUID | str, True),
        (ID, str, True),
        (Plain(1), dict[str, Any], True),
        (5, type(None), True),
        ("x", int, True),
        (Horse("a"), Cat, True),
        (Horse("a"), None, True),
    ],
)
def test_a_result_is_refused_only_if_its_reader_would_mistake_it_or_lose_some_of_it(
    result: Any, hint: Any, passes: bool
) -> None:
    if passes:
        converter.check_values([result], [hint], lenient=True)
    else:
        with pytest.raises(EncodingError, match="value 0: declared"):
            converter.check_values([result], [hint], lenient=True)


@pytest.mark.parametrize(
    ("data", "hint", "read"),
    [
        ('"2024-01-02T03:00:00Z"', datetime | str, AT),
        ('"2024-01-02T03:00:00.5Z"', datetime, AT.replace(microsecond=500_000)),
        ('"2024-01-02T03:00:00.123456789Z"', datetime, AT.replace(microsecond=123_456)),
        ('{"name":"a","newer":1}', Cat | None, Cat("a")),
        ('{"name":"a","age":1,"newer":1}', Cat | Dog, Cat("a")),
        ('{"name":"a","age":1,"newer":1}', Dog | Cat, Dog("a", 1)),
        ('{"number":null}', Plain | Cat, None),
        ('["1", "2"]', list[Digit | str], ["1", "2"]),
        ('{"00000000-0000-0000-0000-000000000003":1}', dict[UUID, int], {ID: 1}),
        ('{"1":1}', dict[int | str, int], {1: 1}),
        ("[1,2]", Colour, Colour.PAIR),
    ],
)
def test_what_other_programs_write_is_read(data: str, hint: Any, read: Any) -> None:
    if read is None:
        with pytest.raises(DecodingError, match="no member of"):
            received(data, hint)
    else:
        assert received(data, hint) == read


@pytest.mark.parametrize(
    ("data", "hint", "says"),
    [
        ("5.5", int, "expected int, found float"),
        ("1e999", int, "expected int"),
        ("1" + "0" * 400, float, "expected float"),
        ("[[1]]", set[list[int]], "refused it: unhashable"),
        ("[" * 100_000, Any, "nested too deeply"),
        ('{"a":1}', Model, "payload converter"),
        ('"x"', Amount, "expected int"),
        ('{"x":1}', dict[Digit, int], "the key 'x' is no value of Digit"),
        ("9" * 5000, Any, "Exceeds the limit"),
    ],
)
def test_a_payload_that_does_not_fit_is_a_decoding_error(data: str, hint: Any, says: str) -> None:
    with pytest.raises(DecodingError, match=says):
        received(data, hint)


def test_a_field_that_was_never_set_is_left_out_and_stays_unset() -> None:
    assert converter.to_payload(Unset("a")).data == b'{"name":"a"}'
    back = round_trip(Unset("a"), Unset)
    assert (back.name, hasattr(back, "later")) == ("a", False)


def test_a_counter_that_init_does_not_take_is_counted_on() -> None:
    state = Counted("a")
    for _ in range(3):
        state.count += 1
        state = round_trip(state, Counted)
    assert state.count == 3


def test_unions_are_read_in_the_order_they_are_written_in() -> None:
    both = '{"name":"a","age":1,"newer":1}'
    first: Any = Cat | Dog
    second: Any = Dog | Cat
    lists: Any = list
    assert [type(received(both, hint)) for hint in (first, second)] == [Cat, Dog]
    assert [type(received(f"[{both}]", lists[hint])[0]) for hint in (second, first)] == [Dog, Cat]


def test_what_nests_too_deeply_or_contains_itself_is_told_apart() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(EncodingError, match="nested too deeply"):
        converter.to_payload(deep)
    circular: dict[str, Any] = {}
    circular["self"] = circular
    with pytest.raises(EncodingError, match="contains itself"):
        sent(circular, dict[str, Any])


class Strange:
    """Only its own converter knows it, by iterating over it."""

    def __iter__(self) -> Iterator[int]:
        return iter([1])


@dataclasses.dataclass
class HasStrange:
    strange: Strange


class StrangeEncoder(AdvancedJSONEncoder):
    def default(self, o: Any) -> Any:
        return "strange" if isinstance(o, Strange) else super().default(o)


def test_a_converter_with_an_encoder_of_its_own_is_not_checked_by_ours() -> None:
    own = CompositePayloadConverter(JSONPlainPayloadConverter(encoder=StrangeEncoder))
    own.check_values([HasStrange(Strange())], [HasStrange])
    assert own.to_payload(HasStrange(Strange())).data == b'{"strange":"strange"}'


def test_a_converter_that_checks_nothing_is_not_asked_whether_it_takes_a_value() -> None:
    class OnlyOnce(EncodingPayloadConverter):
        asked = 0

        @property
        def encoding(self) -> str:
            return "once"

        def to_payload(self, value: Any) -> Payload | None:
            self.asked += 1
            return Payload(metadata={"encoding": b"once"}, data=b"")

        def from_payload(self, payload: Payload, type_hint: Any = None) -> Any: ...

    last = OnlyOnce()
    own = CompositePayloadConverter(BinaryPlainPayloadConverter(), last)
    own.check_values([5], [str])
    own.to_payloads([5])
    assert last.asked == 1
    with pytest.raises(EncodingError, match="expected str, found bytes"):
        own.check_values([b"x"], [str])


class NotMyValueError(ValueError):
    pass


@pytest.mark.parametrize("error", [ApplicationError("no"), NotMyValueError("no"), KeyError("no")])
def test_an_exception_of_a_users_converter_arrives_as_it_is(error: Exception) -> None:
    class Raising(EncodingPayloadConverter):
        @property
        def encoding(self) -> str:
            return "mine"

        def to_payload(self, value: Any) -> Payload | None:
            raise error

        def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
            raise error

    own = CompositePayloadConverter(Raising())
    with pytest.raises(type(error)) as encoding:
        own.to_payloads([1])
    with pytest.raises(type(error)) as decoding:
        own.from_payloads([Payload(metadata={"encoding": b"mine"}, data=b"")])
    assert encoding.value is decoding.value is error


def test_a_type_that_is_compiled_in_two_threads_at_once_is_seen_by_neither_in_part() -> None:
    began, go_on = threading.Event(), threading.Event()

    def compile_(hint: str) -> list[str]:
        began.set()
        assert go_on.wait(10)
        return [hint]

    compiler: Compiler[list[str]] = Compiler(compile_, lambda hint: ["a stand-in", hint])
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(compiler.of("x"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert found == [["x"], ["x"]]
    assert found[0] is found[1]


class Kind(enum.Enum):
    UNWRITABLE = object()
    FINE = "fine"


def test_a_member_of_an_enum_that_has_no_json_is_refused_and_the_others_are_not() -> None:
    assert round_trip(Kind.FINE, Kind) is Kind.FINE
    with pytest.raises(EncodingError, match="type object can't be encoded"):
        sent(Kind.UNWRITABLE, Kind)


def test_a_tree_of_a_generic_is_checked_to_its_leaves() -> None:
    tree = Tree[Any](ID, [Tree[Any](ID, [Tree[Any]("x", [])])])
    with pytest.raises(EncodingError, match=r"at \.branches\[0\]\.branches\[0\]\.leaf"):
        sent(tree, Tree[UUID])
