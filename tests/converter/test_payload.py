"""Values survive the round trip, as stable bytes; what can't be encoded is named."""

import collections
import dataclasses
import enum
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypeVar
from uuid import UUID

import pytest
from typing_extensions import NotRequired, TypedDict

from hourglass._bridge import Payload
from hourglass.common import RawValue
from hourglass.converter import (
    AdvancedJSONEncoder,
    CompositePayloadConverter,
    DataConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
    PayloadCodec,
    PayloadConverter,
    default,
    value_to_type,
)
from hourglass.exceptions import DecodingError, EncodingError

T = TypeVar("T")
UserId = NewType("UserId", int)
converter = PayloadConverter.default


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    label: str


class Options(TypedDict):
    name: str
    size: NotRequired[Level]


@dataclasses.dataclass
class Node:
    name: str
    children: list["Node"] = dataclasses.field(default_factory=list["Node"])
    parent_id: Optional[UUID] = None  # noqa: UP045 - both spellings have to work


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


@dataclasses.dataclass
class Blob:
    data: bytes


def round_trip(value: Any, hint: Any = None) -> Any:
    payloads = converter.to_payloads([value])
    return converter.from_payloads(payloads, None if hint is None else [hint])[0]


def encoded(value: Any) -> tuple[str, bytes]:
    payload = converter.to_payload(value)
    return payload.metadata["encoding"].decode(), payload.data


@pytest.mark.parametrize(
    ("value", "encoding", "data"),
    [
        (None, "binary/null", b""),
        (b"\x00\xff", "binary/plain", b"\x00\xff"),
        ("é", "json/plain", b'"\\u00e9"'),
        ({"b": 1, "a": [True, None]}, "json/plain", b'{"a":[true,null],"b":1}'),
        (Node("n"), "json/plain", b'{"children":[],"name":"n","parent_id":null}'),
        (Colour.RED, "json/plain", b'"red"'),
        ((1, 2), "json/plain", b"[1,2]"),
        (UUID(int=3), "json/plain", b'"00000000-0000-0000-0000-000000000003"'),
    ],
)
def test_each_value_has_the_conventions_encoding(value: Any, encoding: str, data: bytes) -> None:
    assert encoded(value) == (encoding, data)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, None),
        (b"x", bytes),
        (3, int),
        (2.5, float),
        ("s", str),
        (True, bool),
        ([1, 2], list[int]),
        ((1, "a"), tuple[int, str]),
        ((1, 2, 3), tuple[int, ...]),
        ((), tuple[()]),
        ({1, 2}, set[int]),
        (frozenset({1}), frozenset[int]),
        (collections.deque([1]), collections.deque[int]),
        ({1: "a"}, dict[int, str]),
        ({True: 1}, dict[bool, int]),
        ({Level.LOW: 1}, dict[Level, int]),
        (collections.Counter("aab"), collections.Counter[str]),
        (Node("a", [Node("b", parent_id=UUID(int=9))]), Node),
        ([Node("a"), None], list[Node | None]),
        (Box(Node("a")), Box[Node]),
        (Box(3), Box[int]),
        (Blob(b"ab"), Blob),
        (Colour.RED, Colour),
        (Level.LOW, Level),
        (Point(1, "x"), Point),
        ({"name": "x", "size": Level.LOW}, Options),
        (datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=timezone.utc), datetime),
        (UUID(int=3), UUID),
        ("a", Literal["a", "b"]),
        (3, int | float),
        (3, float | int),
        (Node("a"), int | Node),
        (7, UserId),
        (7, Annotated[int, "positive"]),
        (7, Annotated[int, []]),
        ({"a": [1]}, Any),
        ({"a": [1]}, dict),
        ([1], list),
    ],
)
def test_a_value_survives_the_round_trip(value: Any, hint: Any) -> None:
    result = round_trip(value, hint)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("value", "culprit"),
    [
        (object(), "type object can't"),
        ({"a": [1, object()]}, r"\['a'\]\[1\]"),
        (Node("a", [Node(Any)]), r"\.children\[0\]\.name"),  # type: ignore[arg-type]
        ({(1, 2): 3}, "keys must be"),
        ({1: 1, "a": 2}, "sorted"),
        ({"x": 1j}, "type complex"),
    ],
)
def test_a_value_that_can_not_be_encoded_is_named_with_its_path(value: Any, culprit: str) -> None:
    with pytest.raises(EncodingError, match=culprit):
        converter.to_payloads([1, value])


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(EncodingError, match="contains itself"):
        converter.to_payload(value)


@pytest.mark.parametrize(
    ("value", "hint", "culprit"),
    [
        ("x", int, "expected int, found str"),
        (1.5, int, "expected int"),
        (float("inf"), int, "expected int"),
        ({"name": "a", "children": [{"name": 1}]}, Node, r"\.children\[0\]\.name"),
        ({}, Node, "missing"),
        ([1, "x"], list[int], r"\[1\]: expected int"),
        ([1], tuple[int, int], "expected 2 items"),
        ({"x": 1}, dict[int, int], "the key 'x'"),
        ("blue", Colour, "no value of Colour"),
        ("c", Literal["a", "b"], "one of"),
        ([], int | str, "no member of"),
        ({"size": 1}, Options, "needs name"),
        ("yesterday", datetime, "expected a datetime"),
        ("1-2", UUID, "expected a UUID"),
        (1, Node, "expected an object"),
    ],
)
def test_a_payload_that_does_not_fit_its_type_is_named_with_its_path(
    value: Any, hint: Any, culprit: str
) -> None:
    with pytest.raises(DecodingError, match=culprit):
        round_trip(value, hint)


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(DecodingError, match="binary/encrypted"):
        converter.from_payload(Payload(metadata={"encoding": b"binary/encrypted"}, data=b""))
    with pytest.raises(DecodingError, match="no encoding"):
        converter.from_payload(Payload(data=b""))


def test_malformed_json_is_refused() -> None:
    with pytest.raises(DecodingError):
        converter.from_payload(Payload(metadata={"encoding": b"json/plain"}, data=b"{"))


def test_an_unknown_field_of_a_dataclass_is_left_out_as_newer_writers_may_have_more() -> None:
    assert round_trip({"name": "a", "colour": "red"}, Node) == Node("a")


def test_a_raw_value_passes_through_both_ways() -> None:
    payload = Payload(metadata={"encoding": b"mine"}, data=b"x")
    assert converter.to_payloads([RawValue(payload)]) == [payload]
    assert converter.from_payloads([payload], [RawValue]) == [RawValue(payload)]


def test_payloads_beyond_the_hints_are_decoded_without_one() -> None:
    payloads = converter.to_payloads([1, {"a": 2}])
    assert converter.from_payloads(payloads, [int]) == [1, {"a": 2}]


def test_a_datetime_with_a_z_is_read() -> None:
    expected = datetime(2024, 1, 2, tzinfo=timezone.utc)
    assert round_trip("2024-01-02T00:00:00Z", datetime) == expected


class Reversed(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload(metadata=one.metadata, data=one.data[::-1]) for one in payloads]

    decode = encode


async def test_wrappers_do_the_same_to_messages_of_payloads() -> None:
    message = converter.to_payloads_wrapper(["ab", 12])
    codec = Reversed()
    await codec.encode_wrapper(message)
    assert [one.data for one in message["payloads"]] == [b'"ba"', b"21"]
    await codec.decode_wrapper(message)
    assert converter.from_payloads_wrapper(message) == ["ab", 12]
    assert converter.from_payloads_wrapper(None) == []
    failure: dict[str, Any] = {
        "message": "kept",
        "cause": {"application_failure_info": {"details": converter.to_payloads_wrapper(["ab"])}},
    }
    details = failure["cause"]["application_failure_info"]["details"]["payloads"]
    await codec.encode_failure(failure)
    encoded = failure["cause"]["application_failure_info"]["details"]["payloads"]
    assert (failure["message"], encoded[0].data) == ("kept", b'"ba"')
    await codec.decode_failure(failure)
    assert failure["cause"]["application_failure_info"]["details"]["payloads"] == details


def test_a_value_of_json_becomes_a_type_or_says_where_it_does_not_fit() -> None:
    assert value_to_type(list[UUID], [str(UUID(int=1))]) == [UUID(int=1)]
    with pytest.raises(TypeError, match=r"at \[1\]: expected int, found str"):
        value_to_type(list[int], [1, "2"])
    assert default() is DataConverter.default


class Dot:
    """Nothing that JSON or the default encoder knows."""

    def __init__(self, x: int, y: int) -> None:
        self.place = (x, y)


class DotEncoder(AdvancedJSONEncoder):
    def default(self, o: Any) -> Any:
        return list(o.place) if isinstance(o, Dot) else super().default(o)


class DotConverter(JSONTypeConverter):
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        return Dot(*value) if hint is Dot else JSONTypeConverter.Unhandled


@dataclasses.dataclass
class Shape:
    points: list[Dot]
    inside: "Shape | None" = None


def test_custom_converters_read_types_of_ones_own_at_every_level() -> None:
    own = JSONPlainPayloadConverter(encoder=DotEncoder, custom_type_converters=[DotConverter()])
    composite = CompositePayloadConverter(own)
    shape = Shape([Dot(1, 2)], Shape([Dot(3, 4)]))
    payload = composite.to_payload(shape)
    read = composite.from_payload(payload, Shape)
    assert read.points[0].place == (1, 2)
    assert read.inside.points[0].place == (3, 4)
    assert value_to_type(Dot | None, [5, 6], [DotConverter()]).place == (5, 6)
    with pytest.raises(DecodingError):
        composite.from_payload(composite.to_payload([1, 2, 3]), Dot)
    with pytest.raises(TypeError):
        value_to_type(list[Dot], [[5, 6]])
