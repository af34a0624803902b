"""Inside an activity: what it is, heartbeats, cancellation.

::

    @activity.defn
    async def charge(order: Order) -> Receipt: ...

Functions, methods of an instance and classes with ``__call__`` can be activities; synchronous ones
run in threads of the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from hourglass._public import publish
from hourglass.activity import _context
from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.activity._context import Info
from hourglass.activity._definition import defn

if TYPE_CHECKING:
    from hourglass.client import Client
    from hourglass.converter import PayloadConverter

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter  # not subscriptable in Python 3.10

__all__ = [
    "ActivityCancellationDetails",
    "Info",
    "LoggerAdapter",
    "cancellation_details",
    "client",
    "defn",
    "heartbeat",
    "in_activity",
    "info",
    "is_cancelled",
    "is_worker_shutdown",
    "logger",
    "payload_converter",
    "raise_complete_async",
    "shield_thread_cancel_exception",
    "wait_for_cancelled",
    "wait_for_cancelled_sync",
    "wait_for_worker_shutdown",
    "wait_for_worker_shutdown_sync",
]

publish(globals())


def in_activity() -> bool:
    """Tell whether this code runs in an activity."""
    return _context.found() is not None


def info() -> Info:
    """Return what is known about the running attempt.

    Outside of an activity this is a RuntimeError, as all here."""
    return _context.current().told_info()


def client() -> Client:
    """Return the worker's client, in threads too: `asyncio.run` there may call it.

    A RuntimeError in a process of its own, which the client can't follow to, and in an
    `ActivityEnvironment` that was made without one.
    """
    found = _context.current().client
    if found is None:
        raise RuntimeError(
            "this activity runs without a client: in a process of its own, or in an "
            "ActivityEnvironment that was made without one"
        )
    return found


def heartbeat(*details: Any) -> None:
    """Tell the service that the activity is alive, and what the next attempt should know.

    Cheap: core sends at most one per throttle interval (0.8 of the heartbeat timeout). A
    cancellation reaches the activity only through heartbeats. `EncodingError` if a detail can't be
    encoded.
    """
    _context.current().send_heartbeat(details)


def is_cancelled() -> bool:
    """Tell whether this attempt was cancelled."""
    return _context.current().cancelled.is_set()


def cancellation_details() -> ActivityCancellationDetails | None:
    """Return why this attempt was cancelled; None if it wasn't."""
    return _context.current().cancellation_details


async def wait_for_cancelled() -> None:
    """Wait until this attempt is cancelled. In an async activity `CancelledError` comes anyway."""
    await _context.current().cancelled.wait()


def wait_for_cancelled_sync(timeout: timedelta | float | None = None) -> None:
    """Wait in a thread until this attempt is cancelled, at most `timeout` seconds.

    Ask `is_cancelled` afterwards."""
    _context.current().cancelled.wait_sync(_seconds(timeout))


def is_worker_shutdown() -> bool:
    """Tell whether the worker is stopping; the activity has the graceful period to finish."""
    return _context.current().worker_shutdown.is_set()


async def wait_for_worker_shutdown() -> None:
    """Wait until the worker is stopping."""
    await _context.current().worker_shutdown.wait()


def wait_for_worker_shutdown_sync(timeout: timedelta | float | None = None) -> None:
    """Wait in a thread until the worker is stopping, at most `timeout` seconds."""
    _context.current().worker_shutdown.wait_sync(_seconds(timeout))


@contextmanager
def shield_thread_cancel_exception() -> Generator[None]:
    """Keep a cancellation from being raised in this thread until the block is left."""
    with _context.current().shield():
        yield


def raise_complete_async() -> NoReturn:
    """Leave the function; another process completes the activity, by its task token or id."""
    raise _context.CompleteAsyncError


def payload_converter() -> PayloadConverter:
    """Return the worker's payload converter."""
    return _context.current().payload_converter


def _seconds(timeout: timedelta | float | None) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout


class LoggerAdapter(_Adapter):
    """Adds which activity it was: at the end of the message, and as ``extra``."""

    def __init__(self, logger: logging.Logger, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(logger, extra or {})
        self.activity_info_on_message = True
        self.activity_info_on_extra = True

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        context = _context.found()
        if context is not None:
            shown = _context.log_details(context.info, context.info.task_queue)
            if self.activity_info_on_message:
                msg = f"{msg} ({shown})"
            if self.activity_info_on_extra:
                kwargs["extra"] = {**(kwargs.get("extra") or {}), "temporal_activity": shown}
        return msg, kwargs

    @property
    def base_logger(self) -> logging.Logger:
        """The logger underneath, for handlers and levels."""
        return self.logger


logger = LoggerAdapter(logging.getLogger(__name__))
"""A logger that names the activity; usable anywhere."""
