"""Contexts of running activities: one per attempt, found through a `ContextVar`.

The worker makes it and tells it what happens (`cancel`, the worker's shutdown); the functions in
`hourglass.activity` ask it. It is used from the event loop and from threads alike.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.common import Priority, RetryPolicy

if TYPE_CHECKING:
    from hourglass.client import Client
    from hourglass.converter import PayloadConverter


@dataclass(frozen=True)
class Info:
    """Facts about the attempt that is running. Times are UTC."""

    activity_id: str
    activity_type: str
    attempt: int
    current_attempt_scheduled_time: datetime
    heartbeat_details: Sequence[Any]
    """What the last heartbeat of an earlier attempt said."""
    heartbeat_timeout: timedelta | None
    is_local: bool
    namespace: str
    schedule_to_close_timeout: timedelta | None
    scheduled_time: datetime
    start_to_close_timeout: timedelta | None
    started_time: datetime
    task_queue: str
    task_token: bytes
    workflow_id: str | None
    """None, as everything of a workflow, in a standalone activity."""
    workflow_namespace: str | None
    workflow_run_id: str | None
    workflow_type: str | None
    priority: Priority = field(default_factory=Priority)
    retry_policy: RetryPolicy | None = None
    activity_run_id: str | None = None
    """Of a standalone activity; None in a workflow's."""

    @property
    def in_workflow(self) -> bool:
        """True if a workflow called the activity, and not a client."""
        return self.workflow_id is not None


class Latch:
    """A flag that is set once, awaitable in threads and on the event loop it was made for."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self._threads = threading.Event()
        self._tasks = asyncio.Event()

    def is_set(self) -> bool:
        return self._threads.is_set()

    def set(self) -> None:
        """Set the flag. From any thread."""
        if self._threads.is_set():
            return
        self._threads.set()
        if self.loop is None or asyncio._get_running_loop() is self.loop:
            self._tasks.set()
        else:
            self.loop.call_soon_threadsafe(self._tasks.set)

    async def wait(self) -> None:
        await self._tasks.wait()

    def wait_sync(self, timeout: float | None) -> bool:
        return self._threads.wait(timeout)


class Attempt(Protocol):
    """An attempt of an activity, as far as logs tell of it."""

    @property
    def activity_id(self) -> str: ...
    @property
    def activity_type(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def workflow_id(self) -> str | None: ...
    @property
    def workflow_run_id(self) -> str | None: ...
    @property
    def workflow_type(self) -> str | None: ...
    @property
    def activity_run_id(self) -> str | None: ...


def log_details(attempt: Attempt, task_queue: str) -> dict[str, Any]:
    """Describe an attempt for the records of a log."""
    shown: dict[str, Any] = {
        "activity_id": attempt.activity_id,
        "activity_type": attempt.activity_type,
        "attempt": attempt.attempt,
        "task_queue": task_queue,
    }
    if attempt.workflow_id:
        shown["workflow_id"] = attempt.workflow_id
        shown["workflow_run_id"] = attempt.workflow_run_id
        shown["workflow_type"] = attempt.workflow_type
    else:
        shown["activity_run_id"] = attempt.activity_run_id
    return shown


@dataclass
class Context:
    """The context of an attempt."""

    info: Info
    payload_converter: PayloadConverter
    send_heartbeat: Callable[[Sequence[Any]], None]
    cancelled: Latch
    worker_shutdown: Latch
    client: Client | None = None
    shield: Callable[[], AbstractContextManager[None]] = nullcontext
    cancellation_details: ActivityCancellationDetails | None = None
    ask_info: Callable[[], Info] | None = None
    """Interceptors, where there are any."""

    def told_info(self) -> Info:
        """Return the info, as the interceptors tell it."""
        return self.info if self.ask_info is None else self.ask_info()

    def cancel(self, details: ActivityCancellationDetails) -> None:
        """Mark the attempt cancelled, and why; the first reason stays."""
        if self.cancellation_details is None:
            self.cancellation_details = details
        self.cancelled.set()


_current: ContextVar[Context] = ContextVar("hourglass_activity")


def enter(context: Context) -> None:
    """Make a context the current one: of this task, or of this thread's copied context."""
    _current.set(context)


def current() -> Context:
    """The context of the running activity; RuntimeError outside of one."""
    context = _current.get(None)
    if context is None:
        raise RuntimeError("not in an activity")
    return context


def found() -> Context | None:
    """The context of the running activity, if there is one."""
    return _current.get(None)


class CompleteAsyncError(BaseException):
    """Leaves the activity function without completing the activity; never an answer to anyone."""
