"""`temporal.api.common.v1`: payloads, as codecs and converters make them."""

from hourglass._bridge import Payload

__all__ = ["Payload"]
