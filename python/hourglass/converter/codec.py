"""Codecs: what happens to payloads between this process and the service (encryption, compression).

A codec is async and may do I/O; it never runs inside a workflow, and never under the evaluator. It
gets the payloads that are written in one place together, and never an empty list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from hourglass._bridge import Payload
from hourglass.exceptions import PayloadError

if TYPE_CHECKING:
    from hourglass._bridge import Wire


class PayloadCodec(ABC):
    """Turns payloads into others, and back."""

    @abstractmethod
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encode payloads into as many or fewer; a single one stays one."""

    @abstractmethod
    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Undo `encode`."""

    async def encode_wrapper(self, payloads: Wire) -> None:
        """Encode a `temporal.api.common.v1.Payloads` where it is."""
        payloads["payloads"] = await encoded(payloads.get("payloads", []), self)

    async def decode_wrapper(self, payloads: Wire) -> None:
        """Decode a `temporal.api.common.v1.Payloads` where it is."""
        payloads["payloads"] = await decoded(payloads.get("payloads", []), self)

    async def encode_failure(self, failure: Wire) -> None:
        """Encode everything in a `temporal.api.failure.v1.Failure` where it is."""
        failure.update(await convert_wire(failure, self.encode))

    async def decode_failure(self, failure: Wire) -> None:
        """Decode everything in a `temporal.api.failure.v1.Failure` where it is."""
        failure.update(await convert_wire(failure, self.decode))


_PLAIN = frozenset({"header", "headers", "search_attributes"})
Each = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]


async def encoded(payloads: Sequence[Payload], codec: PayloadCodec) -> list[Payload]:
    """Encode payloads that are written in one place; none need no codec."""
    return await codec.encode(payloads) if payloads else []


async def decoded(payloads: Sequence[Payload], codec: PayloadCodec) -> list[Payload]:
    """Decode payloads that were written in one place; none need no codec."""
    return await codec.decode(payloads) if payloads else []


async def convert_wire(wire: Any, each: Each) -> Any:
    """Copy wire values with every payload through `each`.

    Headers and search attributes stay: the service and interceptors read those.
    """
    if isinstance(wire, Payload):
        made = await each([wire])
        if len(made) != 1:
            raise PayloadError(f"the payload codec made {len(made)} payloads of one")
        return made[0]
    if isinstance(wire, dict):
        members = cast("dict[str, Any]", wire)
        return {
            name: await convert_wire(value, each) if _is_users(name, value) else value
            for name, value in members.items()
        }
    items: list[Any] = wire
    if isinstance(items, list):
        if items and isinstance(items[0], Payload):
            return await each(items)
        return [await convert_wire(item, each) for item in items]
    return wire


def _is_users(name: str, value: object) -> bool:
    """Tell a value that a codec sees; a payload right below such a name is a memo called so."""
    return name not in _PLAIN or isinstance(value, Payload)


def without_payloads(wire: Any) -> Any:
    """Copy wire values without what a codec would have to see."""
    if isinstance(wire, dict):
        members = cast("dict[str, Any]", wire)
        return {
            name: without_payloads(value)
            for name, value in members.items()
            if not isinstance(value, Payload) and name != "payloads"
        }
    return wire
