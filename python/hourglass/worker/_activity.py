"""The activities of a worker: takes tasks on the event loop, starts them, tracks the running ones.

The native inbox tells the loop through its port that there are tasks. Completions and heartbeats go
to the native worker without waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hourglass import _aio
from hourglass._bridge import (
    ActivityTask,
    BridgeError,
    CompletionRejected,
    Inbox,
    PollingEnded,
)
from hourglass.activity._context import Latch
from hourglass.activity._definition import ActivityDefinition
from hourglass.exceptions import StaleHandleError, TemporalError
from hourglass.subsystem.errors import WorkerNotRegisteredError
from hourglass.subsystem.events import ActivityLeftBehind, CompletionLost, CompletionRescued, emit
from hourglass.worker import _abandoned_threads as abandoned_threads
from hourglass.worker import _activity_outcome as outcome
from hourglass.worker._activity_outcome import Outcome
from hourglass.worker._running_activity import RunningActivity
from hourglass.worker._thread_dump import stack

if TYPE_CHECKING:
    from hourglass.client import Client
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.worker._interceptor import Interceptor
    from hourglass.worker._process_pool import ActivityProcessPool

logger = logging.getLogger("hourglass.worker")
_RESCUE_ATTEMPTS = 10
_REASONS = {
    "NOT_FOUND": "not_found",
    "CANCELLED": "cancel_requested",
    "TIMED_OUT": "timed_out",
    "WORKER_SHUTDOWN": "worker_shutdown",
    "PAUSED": "paused",
    "RESET": "reset",
}


class Activities:
    """Starts a worker's activities and tracks those that run."""

    def __init__(
        self,
        functions: Mapping[str | None, tuple[ActivityDefinition, Callable[..., Any]]],
        *,
        client: Client,
        task_queue: str,
        executor: Callable[[], Executor],
        processes: ActivityProcessPool | None = None,
        interceptors: Sequence[Interceptor] = (),
    ) -> None:
        self.functions = functions
        self.client = client
        self.converter = client.data_converter
        self.task_queue = task_queue
        self.executor = executor
        self.processes = processes
        self.interceptors = interceptors
        self.inbox = Inbox()
        self.loop = asyncio.get_running_loop()
        self.worker_shutdown = Latch(self.loop)
        self.running: dict[bytes, RunningActivity] = {}
        self._handles: dict[int, WorkerHandle] = {}
        self.cancelling = False
        self._rescues: set[asyncio.Future[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stop_listening: Callable[[], None] | None = None

    def begin(self, handle: WorkerHandle) -> None:
        """Take the tasks that `handle` delivers. From any thread."""
        self._handles[handle.tag] = handle

    def end(self, handle: WorkerHandle) -> None:
        """Forget a handle that is gone; its running activities go on. From any thread."""
        with suppress(RuntimeError):  # the loop is closed: nothing runs any more
            self.loop.call_soon_threadsafe(self._forget, handle)

    def _forget(self, handle: WorkerHandle) -> None:
        if self._stop_listening is not None:
            self._take()  # what it delivered last goes on, too
        self._handles.pop(handle.tag, None)

    def listen(self) -> None:
        """Begin to take tasks."""
        self._stop_listening = _aio.hub().listen(self.inbox, self._take)
        self._take()

    def detach(self) -> None:
        """Stop taking tasks."""
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def _take(self) -> None:
        while deliveries := self.inbox.take(64, 0):
            for delivery in deliveries:
                self._route(delivery)

    def _route(self, delivery: object) -> None:
        if isinstance(delivery, ActivityTask):
            if delivery.variant == "start":
                handle = self._handles.get(delivery.tag)
                if handle is not None:  # else it is released: all its tasks are answered
                    RunningActivity(self, handle, delivery).start()
            elif (running := self.running.get(delivery.task_token)) is not None:
                self._cancel(running, _REASONS[delivery.cancel_reason])
        elif isinstance(delivery, PollingEnded):
            if (handle := self._handles.get(delivery.tag)) is not None:
                handle.polling_ended(delivery)
        elif isinstance(delivery, CompletionRejected):
            logger.warning("an activity's completion was refused: %s", delivery.error)

    def _cancel(self, running: RunningActivity, reason: str) -> None:
        """Cancel as core asks; but when only the handle is replaced, the activity goes on."""
        if reason != "worker_shutdown" or self.worker_shutdown.is_set():
            running.cancel(reason)

    def started(self, activity: RunningActivity) -> None:
        """Track an activity that starts."""
        self.running[activity.task.task_token] = activity
        self._idle.clear()

    def complete(self, activity: RunningActivity, outcome: Outcome) -> None:
        """Hand an outcome over and forget the activity; only its first outcome counts."""
        token = activity.task.task_token
        if self.running.get(token) is not activity:
            return
        del self.running[token]
        try:
            activity.handle.complete_activity(outcome.native)
        except WorkerNotRegisteredError:
            rescue = asyncio.ensure_future(self._rescue(activity, outcome))
            self._rescues.add(rescue)
            rescue.add_done_callback(self._rescued)
        except BridgeError as error:
            logger.warning("an activity's completion can't be sent: %s", error)
        self._check_idle()

    async def _rescue(self, activity: RunningActivity, outcome: Outcome) -> None:
        """Tell the service itself: the handle that delivered the task is gone."""
        task, handle = activity.task, activity.handle
        for _ in range(_RESCUE_ATTEMPTS):
            if task.is_local or not outcome.rpc:
                break
            try:
                await self.client.connection.call(outcome.rpc, outcome.request)
            except StaleHandleError:
                continue  # the next runtime is gone, too
            except TemporalError as error:
                logger.warning("an activity's completion can't be sent: %s", error)
                break
            emit(CompletionRescued(handle.spec.name, activity.name))
            return
        emit(CompletionLost(handle.spec.name, "activity", activity.name))

    def _rescued(self, rescue: asyncio.Future[None]) -> None:
        self._rescues.discard(rescue)
        self._check_idle()

    def _check_idle(self) -> None:
        if not self.running and not self._rescues:
            self._idle.set()

    async def until_idle(self, timeout: float | None) -> bool:
        """Wait until nothing runs; False after `timeout` seconds."""
        if self._idle.is_set():  # also when there is no time to wait
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    def cancel_all(self) -> None:
        """Cancel every activity, also those yet to start, because the worker stops."""
        self.cancelling = True
        for activity in list(self.running.values()):
            activity.cancel("worker_shutdown")

    async def abandon_all(self) -> None:
        """Answer for activities that ignore their cancellation; their threads are abandoned."""
        for activity in list(self.running.values()):
            logger.error(
                "%s ignores its cancellation and is left behind\n%s",
                activity,
                stack(activity.frame()),
            )
            emit(ActivityLeftBehind(str(activity)))
            if activity.thread is not None:
                abandoned_threads.note(activity.thread)
            self.complete(activity, await outcome.abandoned(activity.task, self.converter))
