"""The exception tree, and the one place where native errors enter it."""

import asyncio
import builtins
import inspect
import pickle
from typing import Any

import pytest

from hourglass import client, exceptions, workflow
from hourglass.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RPCError,
    RPCStatusCode,
    TemporalError,
    from_bridge,
)


def classes() -> list[type[BaseException]]:
    return [
        value
        for value in vars(exceptions).values()
        if inspect.isclass(value)
        and issubclass(value, BaseException)
        and value.__module__.startswith(exceptions.__name__)
    ]


def test_the_tree_at_the_top_shows_every_class_and_no_other() -> None:
    drawing = (exceptions.__doc__ or "").partition("::")[2].partition("The errors of")[0]
    shown = {
        word for line in drawing.splitlines() for word in line.lstrip(" │├└─").split()[:1] if word
    }
    assert shown == {cls.__name__ for cls in classes()}


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_every_class_is_ours_and_says_what_it_is(cls: type[BaseException]) -> None:
    assert issubclass(cls, TemporalError)
    assert cls.__doc__


PACKAGES = (exceptions, client, workflow)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_an_exception_says_the_module_that_programs_import_it_from(package: Any) -> None:
    shown = {
        value.__module__
        for name in package.__all__
        if inspect.isclass(value := getattr(package, name)) and issubclass(value, BaseException)
    }
    assert shown
    assert not any("._" in module for module in shown), shown
    assert shown <= {one.__name__ for one in PACKAGES}


def made(cls: type[BaseException]) -> BaseException:
    """An exception of this class, with something for every parameter."""
    values: dict[str, Any] = {
        "cause": ApplicationError("a cause", 1, type="T"),
        "details": client.AsyncActivityHandle,
        "exc_args": None,
        "failure": None,
        "status": RPCStatusCode.NOT_FOUND,
        "retry_state": exceptions.RetryState.TIMEOUT,
        "type": exceptions.TimeoutType.HEARTBEAT,
    }
    if not inspect.isfunction(cls.__init__):  # as Python has it
        return cls("a message")
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    needed = [one for one in parameters if one.default is one.empty and "VAR" not in one.kind.name]
    given = {one.name: values.get(one.name, f"a {one.name}") for one in needed}
    positional = [given.pop(one.name) for one in needed if one.kind is not one.KEYWORD_ONLY]
    return cls(*positional, **given)


def client_classes() -> list[type[BaseException]]:
    public = [getattr(client, name) for name in client.__all__]
    return [cls for cls in public if isinstance(cls, type) and issubclass(cls, TemporalError)]


@pytest.mark.parametrize("cls", [*classes(), *client_classes()], ids=lambda cls: cls.__name__)
def test_an_exception_crosses_to_another_process_whole(cls: type[BaseException]) -> None:
    error = made(cls)
    if error.__cause__ is None:
        error.__cause__ = ValueError("why")
    crossed = pickle.loads(pickle.dumps(error))
    assert type(crossed) is cls
    assert (str(crossed), repr(vars(crossed))) == (str(error), repr(vars(error)))
    assert repr(crossed.__cause__) == repr(error.__cause__)


def test_a_cause_that_can_not_cross_leaves_its_text() -> None:
    error = RPCError("no", RPCStatusCode.INTERNAL)
    error.__cause__ = type("Local", (Exception,), {})("its text")
    crossed = pickle.loads(pickle.dumps(error))
    assert str(crossed.__cause__) == "Local: its text"


class NativeError(Exception):
    """Has the shape of the native module's error."""

    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        self.kind, self.message, self.status = kind, message, status
        self.details: list[dict[str, Any]] = []


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        ("bad_argument", ValueError),
        ("bad_target", ValueError),
        ("connect", ConnectionError),
        ("history", ValueError),
        ("timeout", builtins.TimeoutError),
        ("database", TemporalError),
        ("stale_handle", exceptions.StaleHandleError),
    ],
)
def test_a_native_error_becomes_ours_which_says_all_of_it(kind: str, builtin: Any) -> None:
    native: Any = NativeError(kind, "culprit")
    error = from_bridge(native)
    assert isinstance(error, builtin)
    assert isinstance(error, TemporalError)
    assert str(error) == "culprit"
    assert error.cause is None


def test_a_grpc_status_becomes_an_rpc_error() -> None:
    native: Any = NativeError("rpc", "no such workflow", 5)
    native.details = [{"@type": "type.googleapis.com/temporal.NotFoundFailure", "x": 1}]
    error = from_bridge(native)
    assert isinstance(error, RPCError)
    assert error.status is RPCStatusCode.NOT_FOUND
    assert error.detail("NotFoundFailure") == native.details[0]
    assert error.detail("Other") is None


def test_an_application_error_shows_its_type_before_its_message() -> None:
    error = ApplicationError("no money", 7, type="Declined")
    assert str(error) == "Declined: no money"
    assert (error.message, list(error.details), error.type) == ("no money", [7], "Declined")


def test_cancellation_is_recognised_through_an_activity_error() -> None:
    error = ActivityError(
        "x",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="a",
        activity_id="1",
        retry_state=None,
    )
    assert not exceptions.is_cancelled_exception(error)
    error.__cause__ = CancelledError()
    assert exceptions.is_cancelled_exception(error)
    assert exceptions.is_cancelled_exception(asyncio.CancelledError())
