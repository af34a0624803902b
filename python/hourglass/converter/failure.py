"""Exceptions to failures and back: `temporal.api.failure.v1.Failure` as wire values.

Any exception can become a failure: one that is no `FailureError` becomes an application failure
whose type is its class name. A `FailureError` that came from a failure becomes that failure again,
unchanged, however often it is passed on. A failure's cause is the exception's ``__cause__``, or the
exception that was being handled when it was raised, unless ``from None`` suppresses that.

==========================  =================================================================
of the exception            in the failure
==========================  =================================================================
notes (``add_note``)        at the end of the stack trace, a line each
members of a group          below them, each with its own stack trace
details without encoding    left out; the message says why
text that is no UTF-8       escaped: ``\\udcff``
text over a limit           without its middle, which says how much is left out
more than 50 causes         the first and the last of them, with a note between
==========================  =================================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from hourglass.converter import failure_decoding, failure_encoding
from hourglass.converter.failure_text import text_of, type_name

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.converter.payload import PayloadConverter


class FailureConverter(ABC):
    """Makes failures from exceptions and exceptions from failures. Called inside workflows."""

    default: ClassVar[FailureConverter]

    @abstractmethod
    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Wire:
        """Make the failure of an exception, with those of its causes."""

    @abstractmethod
    def from_failure(self, failure: Wire, payload_converter: PayloadConverter) -> BaseException:
        """Make the exception of a failure, with those of its causes."""


class DefaultFailureConverter(FailureConverter):
    """Leaves messages and stack traces readable, unless `encode_common_attributes`.

    Raises for no exception and for no failure: details that can't be encoded are left out and the
    message says so, details that can't be decoded stay a `RawValue` each.
    """

    def __init__(self, *, encode_common_attributes: bool = False) -> None:
        self._encode_common_attributes = encode_common_attributes

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Wire:
        failure = failure_encoding.to_failure(exception, payload_converter)
        return _hidden(failure, payload_converter) if self._encode_common_attributes else failure

    def from_failure(self, failure: Wire, payload_converter: PayloadConverter) -> BaseException:
        return failure_decoding.from_failure(failure, payload_converter)


class DefaultFailureConverterWithEncodedAttributes(DefaultFailureConverter):
    """Sends messages and stack traces as payloads, so that a codec can encrypt them."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)


FailureConverter.default = DefaultFailureConverter()


def failure_of(
    exception: BaseException, converter: FailureConverter, payload_converter: PayloadConverter
) -> Wire:
    """Make the failure of an exception by a converter of the user's, which may raise.

    If it does, the exception's own text is not sent, since the converter may be there to hide it.
    """
    try:
        return converter.to_failure(exception, payload_converter)
    except Exception as error:  # noqa: BLE001, RUF100 - code of the user, which may raise anything
        message = f"a {type(converter).__name__} raised {type_name(error)}: {text_of(error)}"
        return {
            "source": failure_encoding.SOURCE,
            "message": message,
            "application_failure_info": {"type": type_name(exception)},
        }


def _hidden(failure: Wire, converter: PayloadConverter) -> Wire:
    """Move messages and stack traces into payloads, except where that was done before."""
    hidden = failure
    if "encoded_attributes" not in failure:
        hidden = dict(failure)
        open_text = {
            "message": hidden.pop("message", ""),
            "stack_trace": hidden.pop("stack_trace", ""),
        }
        hidden["message"] = "Encoded failure"
        try:
            hidden["encoded_attributes"] = converter.to_payload(open_text)
        except Exception as error:  # noqa: BLE001, RUF100 - of the user's converter
            hidden["message"] += f" [its text can't be encoded: {text_of(error)}]"
    if "cause" in failure:
        hidden = {**hidden, "cause": _hidden(failure["cause"], converter)}
    return hidden
