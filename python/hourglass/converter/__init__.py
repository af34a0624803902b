"""Values to payloads and back, exceptions to failures and back, and codecs over both."""

from hourglass._bridge import Payload
from hourglass.converter.codec import PayloadCodec
from hourglass.converter.data import DataConverter
from hourglass.converter.failure import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
)
from hourglass.converter.json_decoding import value_to_type
from hourglass.converter.json_encoding import AdvancedJSONEncoder
from hourglass.converter.json_type_converter import JSONTypeConverter
from hourglass.converter.payload import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    JSONProtoPayloadConverter,
    PayloadConverter,
)

__all__ = [
    "AdvancedJSONEncoder",
    "BinaryNullPayloadConverter",
    "BinaryPlainPayloadConverter",
    "CompositePayloadConverter",
    "DataConverter",
    "DefaultFailureConverter",
    "DefaultFailureConverterWithEncodedAttributes",
    "DefaultPayloadConverter",
    "EncodingPayloadConverter",
    "FailureConverter",
    "JSONPlainPayloadConverter",
    "JSONProtoPayloadConverter",
    "JSONTypeConverter",
    "Payload",
    "PayloadCodec",
    "PayloadConverter",
    "default",
    "value_to_type",
]


def default() -> DataConverter:
    """`DataConverter.default`, which is the newer name."""
    return DataConverter.default
