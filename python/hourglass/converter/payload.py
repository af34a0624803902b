"""Values to payloads and back: which encoding takes what, in the convention's order.

=====================  ==========================================================
``binary/null``        None
``binary/plain``       bytes
``json/protobuf``      protobuf messages, when the program uses protobuf itself
``json/plain``         everything else that `json_encoding` takes
=====================  ==========================================================

The first that takes a value wins; a value that none takes is an `EncodingError`. On the way back
the payload's own ``encoding`` decides, so what is read never depends on what is expected.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hourglass._bridge import Payload
from hourglass.common import RawValue
from hourglass.converter import json_checking
from hourglass.converter.json_checking import CheckedJSONEncoder
from hourglass.converter.json_decoding import Decoders, decoder_for
from hourglass.converter.json_encoding import AdvancedJSONEncoder, encode_json, is_pythons
from hourglass.converter.json_mismatch import Mismatch
from hourglass.converter.json_type_converter import JSONTypeConverter
from hourglass.exceptions import DecodingError, EncodingError

if TYPE_CHECKING:
    from hourglass._bridge import Wire

_Hints = Sequence[Any] | None


class PayloadConverter(ABC):
    """Makes payloads from values and values from payloads. Called inside workflows: no I/O."""

    default: ClassVar[PayloadConverter]
    """The converter that is used unless another is given."""

    @abstractmethod
    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Make a payload for each value; `EncodingError` names a value that can't be one."""

    @abstractmethod
    def from_payloads(self, payloads: Sequence[Payload], type_hints: _Hints = None) -> list[Any]:
        """Make a value of each payload; `DecodingError` names one that does not fit its type.

        Payloads beyond the hints are decoded without one.
        """

    def check_values(
        self, values: Sequence[Any], type_hints: _Hints, *, lenient: bool = False
    ) -> None:
        """Raise `EncodingError` for a value that its reader's type would read as another one.

        `lenient` is for results, whose annotations programs are less exact about: a value of
        another type passes if all of it is read.

        Asked before values are encoded whose reader is known. A converter that can't tell how its
        values are read leaves this as it is.
        """
        return

    def to_payloads_wrapper(self, values: Sequence[Any]) -> Wire:
        """`to_payloads` as `temporal.api.common.v1.Payloads`."""
        return {"payloads": self.to_payloads(values)}

    def from_payloads_wrapper(self, payloads: Wire | None) -> list[Any]:
        """`from_payloads` of `temporal.api.common.v1.Payloads`; nothing without them."""
        found: list[Payload] = (payloads or {}).get("payloads", [])
        return self.from_payloads(found) if found else []

    def to_payload(self, value: Any) -> Payload:
        """Make the payload of a value."""
        return self.to_payloads((value,))[0]

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Make the value of a payload."""
        return self.from_payloads((payload,), None if type_hint is None else (type_hint,))[0]


class EncodingPayloadConverter(ABC):
    """Makes the payloads of an encoding; part of a `CompositePayloadConverter`."""

    @property
    @abstractmethod
    def encoding(self) -> str:
        """The encoding's name, in the ``encoding`` metadata of its payloads."""

    @abstractmethod
    def to_payload(self, value: Any) -> Payload | None:
        """Make the payload, or None if the next encoding should try."""

    def takes(self, value: Any) -> bool:
        """Tell whether `to_payload` makes a payload of the value."""
        return self.to_payload(value) is not None

    def check_value(self, value: Any, type_hint: Any, *, lenient: bool = False) -> None:
        """Raise `EncodingError` for a value that the type would read as another one."""
        return

    @abstractmethod
    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Make the value; `DecodingError` or TypeError if it does not fit the hint."""


def _checks(converter: EncodingPayloadConverter) -> bool:
    return type(converter).check_value is not EncodingPayloadConverter.check_value


class CompositePayloadConverter(PayloadConverter):
    """Tries encodings in order; reads by the payload's ``encoding``. `RawValue` passes through."""

    def __init__(self, *converters: EncodingPayloadConverter) -> None:
        self.converters = {one.encoding.encode(): one for one in converters}
        self._in_order = tuple(self.converters.values())
        checking = [index for index, one in enumerate(self._in_order) if _checks(one)]
        # Asking a converter whether it takes a value may cost as much as encoding it.
        self._until_checked = self._in_order[: max(checking, default=-1) + 1]

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        return [self._encode(value, index) for index, value in enumerate(values)]

    def check_values(
        self, values: Sequence[Any], type_hints: _Hints, *, lenient: bool = False
    ) -> None:
        for index, (value, hint) in enumerate(zip(values, type_hints or (), strict=False)):
            if hint is not None and not isinstance(value, RawValue):
                self._check(value, index, hint, lenient)

    def _check(self, value: Any, index: int, hint: Any, lenient: bool) -> None:
        converter = next((one for one in self._until_checked if one.takes(value)), None)
        try:
            if converter is not None:
                converter.check_value(value, hint, lenient=lenient)
        except EncodingError as error:
            raise EncodingError(f"value {index}: {error}") from error.__cause__

    def _encode(self, value: Any, index: int) -> Payload:
        if isinstance(value, RawValue):
            return value.payload
        try:
            for converter in self._in_order:
                payload = converter.to_payload(value)
                if payload is not None:
                    return payload
        except EncodingError as error:
            raise EncodingError(f"value {index}: {error}") from error.__cause__
        names = ", ".join(one.encoding for one in self._in_order)
        raise EncodingError(
            f"value {index} of type {type(value).__qualname__} has no encoding (tried {names})"
        )

    def from_payloads(self, payloads: Sequence[Payload], type_hints: _Hints = None) -> list[Any]:
        hints = type_hints or ()
        known = len(hints)
        return [
            self._decode(payload, index, hints[index] if index < known else None)
            for index, payload in enumerate(payloads)
        ]

    def _decode(self, payload: Payload, index: int, hint: Any) -> Any:
        if hint is RawValue:
            return RawValue(payload)
        encoding = payload.metadata.get("encoding", b"")
        converter = self.converters.get(encoding)
        if converter is None:
            shown = encoding.decode("ascii", "backslashreplace") or "no encoding"
            raise DecodingError(f"payload {index} has an unknown encoding: {shown}")
        try:
            return converter.from_payload(payload, hint)
        except Mismatch as error:
            where = f" at {error.path}" if error.path else ""
            raise DecodingError(f"payload {index}{where}: {error.reason}") from error
        except RecursionError as error:
            raise DecodingError(f"payload {index} is nested too deeply") from error
        except (TypeError, ValueError) as error:
            if not is_pythons(error):
                raise
            raise DecodingError(f"payload {index}: {error}") from error


class BinaryNullPayloadConverter(EncodingPayloadConverter):
    """Encodes None."""

    _payload: ClassVar = Payload(metadata={"encoding": b"binary/null"}, data=b"")

    @property
    def encoding(self) -> str:
        return "binary/null"

    def takes(self, value: Any) -> bool:
        return value is None

    def to_payload(self, value: Any) -> Payload | None:
        return self._payload if value is None else None

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        if payload.data:
            raise DecodingError("a binary/null payload has data")


class BinaryPlainPayloadConverter(EncodingPayloadConverter):
    """Encodes bytes as they are."""

    @property
    def encoding(self) -> str:
        return "binary/plain"

    def to_payload(self, value: Any) -> Payload | None:
        if isinstance(value, bytes):
            return Payload(metadata={"encoding": b"binary/plain"}, data=value)
        return None

    def takes(self, value: Any) -> bool:
        return isinstance(value, bytes)

    def check_value(self, value: Any, type_hint: Any, *, lenient: bool = False) -> None:
        json_checking.check_value(value, type_hint, lenient=lenient)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        return bytearray(payload.data) if type_hint is bytearray else payload.data


class JSONProtoPayloadConverter(EncodingPayloadConverter):
    """Encodes protobuf messages as protobuf JSON. Needs protobuf's package when it meets one."""

    @property
    def encoding(self) -> str:
        return "json/protobuf"

    def takes(self, value: Any) -> bool:
        return hasattr(value, "DESCRIPTOR") and hasattr(value, "SerializeToString")

    def to_payload(self, value: Any) -> Payload | None:
        if not self.takes(value):
            return None
        from google.protobuf import json_format

        descriptor = value.DESCRIPTOR
        text = json_format.MessageToJson(value, indent=None, sort_keys=True)
        metadata = {"encoding": b"json/protobuf", "messageType": descriptor.full_name.encode()}
        return Payload(metadata=metadata, data=text.encode())

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        from google.protobuf import descriptor_pool, json_format, message_factory

        name = payload.metadata.get("messageType", b"").decode()
        try:
            descriptor = descriptor_pool.Default().FindMessageTypeByName(name)
        except KeyError:
            raise DecodingError(f"unknown protobuf message type {name!r}") from None
        message = message_factory.GetMessageClass(descriptor)()
        try:
            json_format.Parse(payload.data, message)
        except json_format.ParseError as error:
            raise DecodingError(f"malformed {name}: {error}") from error
        if isinstance(type_hint, type) and not isinstance(message, type_hint):
            raise DecodingError(f"expected {type_hint.__qualname__}, found {name}")
        return message


class JSONPlainPayloadConverter(EncodingPayloadConverter):
    """Encodes everything else as JSON.

    `encoder` may be a `json.JSONEncoder` that takes more types, and `custom_type_converters` read
    them back.
    """

    def __init__(
        self,
        *,
        encoder: type[json.JSONEncoder] = AdvancedJSONEncoder,
        custom_type_converters: Sequence[JSONTypeConverter] = (),
    ) -> None:
        self._decoder_for = (
            Decoders(custom_type_converters).of if custom_type_converters else decoder_for
        )
        is_ours = encoder is AdvancedJSONEncoder and not custom_type_converters
        # Who writes or reads types of their own knows better what comes back.
        self._checks = is_ours and type(self) is JSONPlainPayloadConverter
        chosen = CheckedJSONEncoder if self._checks else encoder
        self._encoder = chosen(separators=(",", ":"), sort_keys=True)

    @property
    def encoding(self) -> str:
        return "json/plain"

    def to_payload(self, value: Any) -> Payload | None:
        data = encode_json(value, self._encoder)
        return Payload(metadata={"encoding": b"json/plain"}, data=data)

    def takes(self, value: Any) -> bool:
        return True

    def check_value(self, value: Any, type_hint: Any, *, lenient: bool = False) -> None:
        if self._checks:
            json_checking.check_value(value, type_hint, lenient=lenient)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        value = json.loads(payload.data)
        return value if type_hint is None else self._decoder_for(type_hint)(value)


class DefaultPayloadConverter(CompositePayloadConverter):
    """The convention's encodings in the convention's order."""

    def __init__(self) -> None:
        super().__init__(
            BinaryNullPayloadConverter(),
            BinaryPlainPayloadConverter(),
            JSONProtoPayloadConverter(),
            JSONPlainPayloadConverter(),
        )


PayloadConverter.default = cast(PayloadConverter, DefaultPayloadConverter())
