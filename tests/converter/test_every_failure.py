"""Every exception becomes a failure that can be sent, however it behaves when it is asked."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from hourglass._bridge import ActivityCompletion, Payload, WorkflowCompletion
from hourglass.converter import (
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    PayloadCodec,
    PayloadConverter,
)
from hourglass.exceptions import ApplicationError, CancelledError, FailureError

payloads = PayloadConverter.default
SENT = 2_000_000
"""Bytes that a service takes."""


def caught(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """Raise and catch, so that there is a traceback."""
    if cause is not None:
        error.__cause__ = cause
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001, RUF100
        return raised


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class PrintsNoTextError(Exception):
    def __str__(self) -> Any:
        return 5  # noqa: PLE0307 - which no text is


class ExitsWhenPrintedError(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class FalsePropertiesError(Exception):
    """Has properties in place of what Python sets."""

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no cause")

    @property
    def __context__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no context")

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no traceback")

    @property
    def __notes__(self) -> Any:
        raise RuntimeError("no notes")

    @property
    def exceptions(self) -> Any:
        raise RuntimeError("no members")


class NeverInitialisedError(ApplicationError):
    def __init__(self) -> None:
        pass


class DetailsRaiseError(ApplicationError):
    @property
    def details(self) -> Any:
        raise RuntimeError("no details")


def with_notes(notes: Any) -> BaseException:
    error: Any = ValueError("noted")
    error.__notes__ = notes
    raised: BaseException = error
    return raised


def chain_of(count: int) -> BaseException:
    error: BaseException = caught(ValueError("the root"))
    for number in range(count):
        error = caught(ValueError(f"level {number}"), error)
    return error


def circle() -> BaseException:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def own_cause() -> BaseException:
    error = ValueError("alone")
    error.__cause__ = error
    return error


def endless_recursion() -> BaseException:
    def recurse() -> None:
        recurse()

    try:
        recurse()
    except RecursionError as error:
        return error
    raise AssertionError("it ended")


def circular_list() -> list[Any]:
    circular: list[Any] = []
    circular.append(circular)
    return circular


def deep_list() -> list[Any]:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


EXCEPTIONS: dict[str, Callable[[], BaseException]] = {
    "lone surrogate": lambda: ValueError("name \udcff"),
    "lone surrogate as a type": lambda: ApplicationError("x", type="T\udcff"),
    "NUL": lambda: ApplicationError("a\0b", type="T\0"),
    "10 MB": lambda: ValueError("x" * 10_000_000),
    "10 MB as a type": lambda: ApplicationError("x", type="x" * 10_000_000),
    "10 MB of surrogates": lambda: ValueError("\udcff" * 10_000_000),
    "3,000 causes": lambda: chain_of(3_000),
    "100 causes of 1 MB": lambda: caught(ValueError("x" * 1_000_000), chain_of(100)),
    "circle": circle,
    "own cause": own_cause,
    "recursion": endless_recursion,
    "unprintable": UnprintableError,
    "prints no text": PrintsNoTextError,
    "exits when printed": ExitsWhenPrintedError,
    "false properties": FalsePropertiesError,
    "notes": lambda: with_notes(["one", 2, UnprintableError(), "\udcff"]),
    "notes of no list": lambda: with_notes(5),
    "never initialised": NeverInitialisedError,
    "details raise": lambda: DetailsRaiseError("x", 1),
    "message is None": lambda: ApplicationError(None),  # type: ignore[arg-type]
    "message of no text": lambda: FailureError(object()),  # type: ignore[arg-type]
    "type of no text": lambda: ApplicationError("x", type=5),  # type: ignore[arg-type]
    "delay of no time": lambda: ApplicationError("x", next_retry_delay=5),  # type: ignore[arg-type]
    "longest delay": lambda: ApplicationError("x", next_retry_delay=timedelta.max),
    "negative delay": lambda: ApplicationError("x", next_retry_delay=timedelta.min),
    "object as a detail": lambda: ApplicationError("x", object()),
    "surrogate as a detail": lambda: ApplicationError("x", "\udcff"),
    "circular detail": lambda: CancelledError("x", circular_list()),
    "deep detail": lambda: CancelledError("x", deep_list()),
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "StopIteration": lambda: StopIteration(object()),
    "GeneratorExit": GeneratorExit,
    "UnicodeDecodeError": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
}


@pytest.mark.parametrize("hide", [False, True], ids=["open", "hidden"])
@pytest.mark.parametrize("make", EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_every_exception_becomes_a_failure_that_can_be_sent_and_read(
    make: Callable[[], BaseException], hide: bool
) -> None:
    converter = DefaultFailureConverter(encode_common_attributes=hide)
    failure = converter.to_failure(caught(make()), payloads)
    ActivityCompletion.failed(b"token", failure)
    WorkflowCompletion.failed("run", failure)
    assert len(repr(failure).encode()) < SENT
    error = converter.from_failure(failure, payloads)
    assert isinstance(error, FailureError)
    assert isinstance(error.message, str)
    assert converter.to_failure(error, payloads) == failure
    causes = [error]
    while isinstance(cause := causes[-1].cause, FailureError):
        causes.append(cause)
    assert len(causes) <= 50


def failure_of(error: BaseException) -> Any:
    return DefaultFailureConverter().to_failure(caught(error), payloads)


def test_text_that_is_no_utf8_is_escaped() -> None:
    assert failure_of(ValueError("a\udcff"))["message"] == "a\\udcff"


def test_a_long_text_says_how_much_of_it_is_left_out() -> None:
    message = failure_of(ValueError("a" + "x" * 10_000_000 + "z"))["message"]
    assert message.startswith("ax")
    assert message.endswith("xz")
    assert "9800002 characters cut" in message


def test_a_long_chain_keeps_its_first_and_its_last_causes_and_says_what_is_between() -> None:
    failure: Any = DefaultFailureConverter().to_failure(chain_of(3_000), payloads)
    messages: list[str] = []
    while failure is not None:
        messages.append(failure["message"])
        failure = failure.get("cause")
    assert len(messages) == 50
    assert messages[:2] == ["level 2999", "level 2998"]
    assert messages[39] == "2952 causes are left out here"
    assert messages[-2:] == ["level 0", "the root"]


def test_a_chain_that_grows_on_the_way_is_cut_again() -> None:
    converter = DefaultFailureConverter()
    error: BaseException = chain_of(45)
    for hop in range(10):
        wire = converter.to_failure(error, payloads)
        error = caught(ApplicationError(f"hop {hop}"), converter.from_failure(wire, payloads))
    failure: Any = converter.to_failure(error, payloads)
    messages: list[str] = []
    while failure is not None:
        messages.append(failure["message"])
        failure = failure.get("cause")
    assert len(messages) == 50
    assert (messages[0], messages[-1]) == ("hop 9", "the root")


def test_a_circle_of_causes_says_so() -> None:
    failure = failure_of(circle())
    assert failure["cause"]["cause"]["message"] == (
        "the causes go round in a circle: ValueError again"
    )


def test_notes_stand_at_the_end_of_the_stack_trace() -> None:
    failure = failure_of(with_notes(["at order 7", "retry later"]))
    assert failure["message"] == "noted"
    assert failure["stack_trace"].endswith("Note: at order 7\nNote: retry later\n")


class BackportedGroup(Exception):  # noqa: N818 - stands for a class that is called so
    """Has the shape of a group on Python 3.10, which has none of its own."""

    def __init__(self, message: str, members: Sequence[BaseException]) -> None:
        super().__init__(message)
        self.exceptions = tuple(members)


@pytest.mark.parametrize(
    "kind", {BackportedGroup, getattr(builtins, "ExceptionGroup", BackportedGroup)}
)
def test_members_of_a_group_stand_in_the_stack_trace_with_their_own(kind: Any) -> None:
    inner = caught(kind("inner", [caught(KeyError("deep"))]))
    member = caught(ValueError("bad"), OSError("disk"))
    trace = failure_of(kind("outer", [member, inner]))["stack_trace"]
    for line in (
        "Member 1 of 2: ValueError: bad\n",
        "  Caused by OSError: disk\n",
        f"Member 2 of 2: {kind.__name__}: inner",
        "  Member 1 of 1: KeyError: 'deep'\n",
    ):
        assert line in trace


class RefusesAll(DefaultPayloadConverter):
    def to_payloads(self, values: Any) -> list[Payload]:
        raise ZeroDivisionError("a bug in a converter")


class RaisingFailureConverter(DefaultFailureConverter):
    def to_failure(self, exception: BaseException, payload_converter: Any) -> Any:
        raise ZeroDivisionError("a bug in a failure converter")


class RaisingCodec(PayloadCodec):
    async def encode(self, payloads: Any) -> list[Payload]:
        raise ZeroDivisionError("no key")

    async def decode(self, payloads: Any) -> list[Payload]:
        raise ZeroDivisionError("no key")


@pytest.mark.parametrize(
    ("converter", "says"),
    [
        (DataConverter(payload_converter_class=RefusesAll), "x [sent without its details: a bug"),
        (
            DataConverter(
                payload_converter_class=RefusesAll,
                failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
            ),
            "Encoded failure [its text can't be encoded: a bug in a converter]",
        ),
        (
            DataConverter(failure_converter_class=RaisingFailureConverter),
            "a RaisingFailureConverter raised ZeroDivisionError: a bug in a failure converter",
        ),
        (
            DataConverter(payload_codec=RaisingCodec()),
            "x [sent without its payloads, the codec raised ZeroDivisionError: no key]",
        ),
        (
            DataConverter(
                payload_codec=RaisingCodec(),
                failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
            ),
            "Encoded failure [sent without its payloads, the codec raised ZeroDivisionError",
        ),
    ],
)
async def test_a_failure_is_sent_although_a_converter_or_codec_of_the_users_raises(
    converter: DataConverter, says: str
) -> None:
    failure = await converter.encode_failure(ApplicationError("x", 1))
    ActivityCompletion.failed(b"token", failure)
    assert failure["message"].startswith(says)
