"""Codecs: what happens to payloads between this process and the service (encryption, compression).

A codec is async and may do I/O; it never runs inside a workflow, and never under the evaluator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from hourglass._bridge import Payload

if TYPE_CHECKING:
    from hourglass._bridge import Wire


class PayloadCodec(ABC):
    """Turns payloads into others, and back."""

    @abstractmethod
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What is sent instead; as many or fewer."""

    @abstractmethod
    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The inverse of `encode`."""

    async def encode_wrapper(self, payloads: Wire) -> None:
        """Encode a `temporal.api.common.v1.Payloads` where it is."""
        payloads["payloads"] = await self.encode(payloads.get("payloads", []))

    async def decode_wrapper(self, payloads: Wire) -> None:
        """Decode a `temporal.api.common.v1.Payloads` where it is."""
        payloads["payloads"] = await self.decode(payloads.get("payloads", []))

    async def encode_failure(self, failure: Wire) -> None:
        """Encode everything in a `temporal.api.failure.v1.Failure` where it is."""
        failure.update(await convert_wire(failure, self.encode))

    async def decode_failure(self, failure: Wire) -> None:
        """Decode everything in a `temporal.api.failure.v1.Failure` where it is."""
        failure.update(await convert_wire(failure, self.decode))


_PLAIN = frozenset({"header", "headers", "search_attributes"})
Each = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]


async def convert_wire(wire: Any, each: Each) -> Any:
    """A copy of wire values in which every payload went through `each`.

    Headers and search attributes stay: the service and interceptors read those.
    """
    if isinstance(wire, Payload):
        return (await each([wire]))[0]
    if isinstance(wire, dict):
        members = cast("dict[str, Any]", wire)
        return {
            name: value if name in _PLAIN else await convert_wire(value, each)
            for name, value in members.items()
        }
    items: list[Any] = wire
    if isinstance(items, list):
        if items and isinstance(items[0], Payload):
            return await each(items)
        return [await convert_wire(item, each) for item in items]
    return wire
