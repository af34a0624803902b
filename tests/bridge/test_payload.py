"""Payload: the one protobuf message that is a class of its own."""

import pickle

import pytest

from hourglass._bridge import BridgeError, Payload


def test_a_payload_has_metadata_and_data() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    assert payload.metadata == {"encoding": b"json/plain"}
    assert payload.data == b"1"


def test_a_payload_is_empty_unless_told() -> None:
    assert Payload() == Payload(metadata={}, data=b"")


def test_a_payload_survives_its_wire_form_and_pickling() -> None:
    payload = Payload(metadata={"encoding": b"binary/plain", "x": b"\x00"}, data=bytes(range(256)))
    assert Payload.FromString(payload.SerializeToString()) == payload
    assert pickle.loads(pickle.dumps(payload)) == payload


def test_equal_payloads_have_one_hash() -> None:
    one = Payload(metadata={"a": b"1", "b": b"2"}, data=b"x")
    other = Payload(metadata={"b": b"2", "a": b"1"}, data=b"x")
    assert one == other
    assert hash(one) == hash(other)
    assert one != Payload(data=b"x")
    assert one != "x"


@pytest.mark.parametrize(
    ("keywords", "culprit"),
    [
        ({"data": "text"}, "data"),
        ({"data": [1, 2]}, "data"),
        ({"metadata": {"encoding": "json"}}, "metadata.encoding"),
        ({"metadata": {1: b"x"}}, "metadata"),
        ({"metadata": 7}, "metadata"),
    ],
)
def test_what_is_not_bytes_is_refused(keywords: dict[str, object], culprit: str) -> None:
    with pytest.raises(BridgeError, match=culprit) as raised:
        Payload(**keywords)  # type: ignore[arg-type]
    assert raised.value.kind == "bad_argument"


def test_bytes_that_are_no_payload_are_refused() -> None:
    with pytest.raises(BridgeError, match="not a protobuf message"):
        Payload.FromString(b"\xff\xff")
