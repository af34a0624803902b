"""A codec gets the payloads of one place together, never none, and all that are a user's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from hourglass._bridge import Payload
from hourglass.converter import DataConverter, PayloadCodec
from hourglass.converter.codec import convert_wire
from hourglass.exceptions import PayloadError


class Bundle(PayloadCodec):
    """Makes one payload of all that are written together."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        assert payloads, "asked to encode nothing"
        parts = [payload.SerializeToString().hex() for payload in payloads]
        return [Payload(metadata={"encoding": b"bundle"}, data=json.dumps(parts).encode())]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        assert payloads, "asked to decode nothing"
        (bundle,) = payloads
        return [Payload.FromString(bytes.fromhex(part)) for part in json.loads(bundle.data)]


async def test_a_codec_that_bundles_is_never_asked_for_nothing() -> None:
    converter = DataConverter(payload_codec=Bundle())
    assert await converter.encode([]) == []
    assert await converter.decode([], [str]) == []
    encoded = await converter.encode([1, "two"])
    assert len(encoded) == 1
    assert await converter.decode(encoded) == [1, "two"]
    nothing: list[dict[str, Any]] = [{}, {"payloads": []}]
    for wire in nothing:
        await Bundle().encode_wrapper(wire)
        await Bundle().decode_wrapper(wire)
        assert wire == {"payloads": []}


async def test_a_codec_that_makes_two_payloads_of_one_is_named_where_only_one_can_stand() -> None:
    class Doubling(Bundle):
        async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
            return [*payloads, *payloads]

    payload = DataConverter.default.payload_converter.to_payload(1)
    with pytest.raises(PayloadError, match="made 2 payloads of one"):
        await convert_wire({"response": payload}, Doubling().encode)


async def test_a_memo_that_is_called_like_a_header_is_encoded_and_headers_are_not() -> None:
    payload = DataConverter.default.payload_converter.to_payload(1)
    wire = {"memo": {"header": payload}, "header": {"fields": {"a": payload}}}
    encoded = await convert_wire(wire, Bundle().encode)
    assert encoded["memo"]["header"].metadata == {"encoding": b"bundle"}
    assert encoded["header"] == wire["header"]
