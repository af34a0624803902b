"""The data converter: the three parts together, as clients and workers carry it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hourglass.converter.codec import (
    PayloadCodec,
    convert_wire,
    decoded,
    encoded,
    without_payloads,
)
from hourglass.converter.failure import DefaultFailureConverter, FailureConverter, failure_of
from hourglass.converter.failure_text import text_of, type_name
from hourglass.converter.payload import DefaultPayloadConverter, PayloadConverter

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire


@dataclass(frozen=True)
class DataConverter:
    """Carries the payload converter, the failure converter and the codec of a client.

    The payload and failure converters are classes, since they also run inside workflows; the codec
    is an instance. `encode`, `decode` and their failure siblings do both steps.
    """

    default: ClassVar[DataConverter]

    payload_converter_class: Callable[[], PayloadConverter] = DefaultPayloadConverter
    payload_codec: PayloadCodec | None = None
    failure_converter_class: Callable[[], FailureConverter] = DefaultFailureConverter
    payload_converter: PayloadConverter = field(init=False)
    failure_converter: FailureConverter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "payload_converter", self.payload_converter_class())
        object.__setattr__(self, "failure_converter", self.failure_converter_class())

    async def encode(self, values: Sequence[Any]) -> list[Payload]:
        """Make payloads of values, through the codec."""
        payloads = self.payload_converter.to_payloads(values)
        return (
            payloads if self.payload_codec is None else await encoded(payloads, self.payload_codec)
        )

    async def decode(
        self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None
    ) -> list[Any]:
        """Make values of payloads, through the codec."""
        if self.payload_codec is not None:
            payloads = await decoded(payloads, self.payload_codec)
        return self.payload_converter.from_payloads(payloads, type_hints)

    async def encode_failure(self, exception: BaseException) -> Wire:
        """Make a failure of an exception, its payloads through the codec.

        Without its payloads if the codec raises; the message says so.
        """
        failure = failure_of(exception, self.failure_converter, self.payload_converter)
        if self.payload_codec is None:
            return failure
        try:
            coded: Wire = await convert_wire(failure, self.payload_codec.encode)
        except Exception as error:  # noqa: BLE001, RUF100 - code of the user
            bare: Wire = without_payloads(failure)
            why = f"{type_name(error)}: {text_of(error)}"
            bare["message"] += f" [sent without its payloads, the codec raised {why}]"
            return bare
        return coded

    async def decode_failure(self, failure: Wire) -> BaseException:
        """Make an exception of a failure, its payloads through the codec."""
        if self.payload_codec is not None:
            failure = await convert_wire(failure, self.payload_codec.decode)
        return self.failure_converter.from_failure(failure, self.payload_converter)


DataConverter.default = DataConverter()
