"""An attempt of an activity: decodes its arguments, runs it where it belongs, answers for it.

An async one is a task of the event loop; a synchronous one runs in the executor with a copy of the
context, or in a process.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from types import FrameType
from typing import TYPE_CHECKING, Any

from hourglass._bridge import ActivityTask, BridgeError
from hourglass.activity import _context
from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.activity._context import Context, Info, Latch
from hourglass.activity._definition import ActivityDefinition
from hourglass.common import Priority, RawValue, RetryPolicy
from hourglass.converter.codec import encoded
from hourglass.exceptions import ApplicationError, DecodingError, from_bridge
from hourglass.worker import _abandoned_threads as abandoned_threads
from hourglass.worker import _activity_outcome as outcome
from hourglass.worker._activity_outcome import Outcome
from hourglass.worker._ended_call import EndedCall
from hourglass.worker._thread_cancel import ThreadCancel
from hourglass.worker._thread_dump import frame_of, place

if TYPE_CHECKING:
    from hourglass._bridge import Payload
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.worker._activity import Activities
    from hourglass.worker._process_pool import ActivityProcessPool, Job

logger = logging.getLogger("hourglass.worker")


class RunningActivity:
    """An attempt of an activity that runs."""

    def __init__(self, activities: Activities, handle: WorkerHandle, task: ActivityTask) -> None:
        self.activities = activities
        self.handle = handle
        self.task = task
        self.cancelled = Latch(asyncio.get_running_loop())
        self.details: ActivityCancellationDetails | None = None
        self.context: Context | None = None
        self.where = "the event loop"
        self.thread: threading.Thread | None = None
        """Where a synchronous one runs, once it does."""
        self._thread_cancel: ThreadCancel | Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancel_task = True
        self._answers_for_cancelled = False
        self._heartbeats: Heartbeats | None = None
        self._declared: Any = None
        """The type of its result, once its definition is found."""

    @property
    def name(self) -> str:
        """The activity's name in logs and events."""
        return f"{self.task.activity_type} {self.task.activity_id}"

    def start(self) -> None:
        """Run it as a task of the event loop."""
        self.activities.started(self)
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(), name=f"activity {self.name}")
        self._task.add_done_callback(self._ended)
        if self.activities.cancelling:
            self.cancel("worker_shutdown")

    def frame(self) -> FrameType | None:
        """The frame that runs in its thread, or that its task waits in."""
        if self.thread is not None:
            return frame_of(self.thread.ident)
        frames = self._task.get_stack() if self._task is not None else []
        return frames[-1] if frames else None

    def __str__(self) -> str:
        task = self.task
        return f"{outcome.described(task)} in {self.where} at {place(self.frame())}"

    def cancel(self, reason: str) -> None:
        """Cancel the function: asyncio's way, or by an exception in its thread. Once only."""
        if self.details is not None:
            return
        self.details = ActivityCancellationDetails(**{reason: True})
        if self.context is not None:
            self.context.cancel(self.details)
        self.cancelled.set()
        if self._thread_cancel is not None:
            self._thread_cancel.cancel()
        if self._cancel_task and self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        converter, token = self.activities.converter, self.task.task_token
        try:
            result = await self._call()
            completion = await self._without_cancellation(
                outcome.completed(token, result, self._declared, converter)
            )
        except BaseException as error:
            if isinstance(error, GeneratorExit) and not self._is_current():
                raise  # the coroutine is closed: its event loop has ended
            completion = await self._without_cancellation(
                outcome.raised(
                    self.task,
                    error,
                    self.details,
                    converter,
                    task_queue=self.activities.task_queue,
                )
            )
        if self._heartbeats is not None:
            await self._heartbeats.flushed()
        self.activities.complete(self, completion)

    def _is_current(self) -> bool:
        """Tell whether this very code runs as the attempt's task."""
        try:
            return asyncio.current_task() is self._task
        except RuntimeError:
            return False

    async def _without_cancellation(self, step: Any) -> Outcome:
        """Make the outcome, which no cancellation changes any more."""
        self._cancel_task = False
        decided: Outcome = await step
        return decided

    def _ended(self, ended: asyncio.Task[None]) -> None:
        """Answer for a task that was cancelled before its first step, or while it answered.

        The end of an event loop cancels all of its tasks, and a cancellation may come along with
        the start; without an answer the slot would never come back. Nor would it after an error
        of ours, or of the program's logging.
        """
        if self.activities.running.get(self.task.task_token) is not self:
            return
        error = asyncio.CancelledError() if ended.cancelled() else ended.exception()
        assert error is not None
        if self._answers_for_cancelled or not ended.cancelled():
            self.activities.complete(self, outcome.unreported(self.task, error))
            return
        self._cancel_task, self._answers_for_cancelled = False, True
        self._task = asyncio.get_running_loop().create_task(self._answer_for_cancelled())
        self._task.add_done_callback(self._ended)

    async def _answer_for_cancelled(self) -> None:
        error = asyncio.CancelledError()
        completion = await outcome.raised(self.task, error, self.details, self.activities.converter)
        self.activities.complete(self, completion)

    async def _call(self) -> Any:
        functions = self.activities.functions
        found = functions.get(self.task.activity_type) or functions.get(None)
        if found is None:
            known = ", ".join(sorted(filter(None, functions))) or "none"
            raise ApplicationError(
                f"Activity {self.task.activity_type!r} is not registered on this worker of task "
                f"queue {self.activities.task_queue!r}; registered are: {known}",
                type="NotFoundError",
            )
        definition, function = found
        self._declared = definition.ret_type
        payloads = self.task.input
        if definition.name is None:
            raw = await self._decode(payloads, [RawValue] * len(payloads), "arguments")
            args: list[Any] = [raw]
        else:
            args = await self._decode(payloads, definition.arg_types, "arguments")
        details = await self._decode(self.task.heartbeat_details, None, "heartbeat details")
        self.context = self._new_context(details)
        if self.details is not None:
            self.context.cancel(self.details)
        if self.activities.interceptors:
            from hourglass.worker._activity_chain import execute

            return await execute(self, self.context, definition, function, args)
        return await self.call(definition, function, args)

    async def call(
        self,
        definition: ActivityDefinition,
        function: Callable[..., Any],
        args: Sequence[Any],
        executor: Executor | None = None,
    ) -> Any:
        """Call the function where it belongs; a synchronous one in `executor` if that is given."""
        assert self.context is not None
        if definition.is_async:
            _context.enter(self.context)
            return await function(*args)
        activities = self.activities
        executor = executor or activities.executor()
        if activities.processes is not None and executor is activities.executor():
            return await self._call_in_process(activities.processes, function, args)
        return await self._call_in_thread(definition, function, args, executor)

    async def _decode(
        self, payloads: Sequence[Payload], hints: Sequence[Any] | None, what: str
    ) -> list[Any]:
        converter = self.activities.converter
        try:
            if converter.payload_codec is None:
                return converter.payload_converter.from_payloads(payloads, hints)
            return await converter.decode(payloads, hints)
        except DecodingError as error:
            raise ApplicationError(
                f"the {what} can't be decoded: {error}", type="DecodingError"
            ) from error

    async def _call_in_thread(
        self,
        definition: ActivityDefinition,
        function: Callable[..., Any],
        args: Sequence[Any],
        executor: Executor,
    ) -> Any:
        """Call the function in a thread. The task is not cancelled: it waits for the thread."""
        assert self.context is not None
        self._cancel_task = False
        cancel = ThreadCancel()
        variables = contextvars.copy_context()
        variables.run(_context.enter, self.context)
        if not definition.no_thread_cancel_exception:
            self.context.shield = cancel.shield
            self._thread_cancel = cancel
        loop = asyncio.get_running_loop()

        def call() -> EndedCall:
            self.thread = threading.current_thread()
            self.where = f"thread {self.thread.name}"
            try:
                return EndedCall.of(variables.run, cancel.run, function, args)
            finally:
                abandoned_threads.forget(self.thread)

        ended = await loop.run_in_executor(executor, call)
        return ended.unwrap()

    async def _call_in_process(
        self,
        processes: ActivityProcessPool,
        function: Callable[..., Any],
        args: Sequence[Any],
    ) -> Any:
        """Call the function in a process, which gets it by name, and its arguments as bytes."""
        assert self.context is not None
        self._cancel_task = False
        self.where = "a process"
        job = processes.submit(
            function,
            args,
            self.context.told_info(),
            self.context.send_heartbeat,
        )
        self._thread_cancel = job
        if self.details is not None:
            job.cancel()
        return (await asyncio.wrap_future(job.future)).unwrap()

    def _new_context(self, heartbeat_details: list[Any]) -> Context:
        activities = self.activities
        return Context(
            info=_info(self.task, activities, heartbeat_details),
            payload_converter=activities.converter.payload_converter,
            send_heartbeat=self._heartbeat,
            cancelled=self.cancelled,
            worker_shutdown=activities.worker_shutdown,
            client=activities.client,
        )

    def _heartbeat(self, details: Sequence[Any]) -> None:
        payloads = self.activities.converter.payload_converter.to_payloads(details)
        if self.task.is_local:
            return  # nobody at the service waits for it
        if self.activities.converter.payload_codec is None:
            self.send_heartbeat(payloads)
            return
        if self._heartbeats is None:
            self._heartbeats = Heartbeats(self)
        self._heartbeats.send(payloads)

    def send_heartbeat(self, payloads: Sequence[Payload]) -> None:
        try:
            self.handle.heartbeat(self.task.task_token, payloads)
        except BridgeError as error:
            raise from_bridge(error) from None


class Heartbeats:
    """Heartbeats that go through a codec: in order, and only the latest if they come too fast."""

    def __init__(self, activity: RunningActivity) -> None:
        self._activity = activity
        self._loop = activity.activities.loop
        self._latest: list[Payload] | None = None
        self._sending: asyncio.Task[None] | None = None

    def send(self, payloads: list[Payload]) -> None:
        """Send a heartbeat, from the loop or from the activity's thread."""
        self._latest = payloads
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = self._loop.create_task(self._send())

    async def _send(self) -> None:
        codec = self._activity.activities.converter.payload_codec
        assert codec is not None
        while self._latest is not None:
            payloads, self._latest = self._latest, None
            try:
                self._activity.send_heartbeat(await encoded(payloads, codec))
            except Exception:
                logger.exception("a heartbeat could not be sent")

    async def flushed(self) -> None:
        """Wait until the last one is out."""
        self._begin()
        if self._sending is not None:
            await self._sending


def _info(task: ActivityTask, activities: Activities, heartbeat_details: list[Any]) -> Info:
    retry_policy = task.retry_policy
    return Info(
        activity_id=task.activity_id,
        activity_type=task.activity_type,
        attempt=task.attempt,
        current_attempt_scheduled_time=task.current_attempt_scheduled_time,
        heartbeat_details=heartbeat_details,
        heartbeat_timeout=task.heartbeat_timeout or None,
        is_local=task.is_local,
        namespace=activities.client.namespace,
        schedule_to_close_timeout=task.schedule_to_close_timeout or None,
        scheduled_time=task.scheduled_time,
        start_to_close_timeout=task.start_to_close_timeout or None,
        started_time=task.started_time,
        task_queue=activities.task_queue,
        task_token=task.task_token,
        workflow_id=task.workflow_id or None,
        workflow_namespace=task.workflow_namespace if task.workflow_id else None,
        workflow_run_id=task.workflow_run_id or None,
        workflow_type=task.workflow_type or None,
        priority=Priority.from_wire(task.priority),
        retry_policy=RetryPolicy.from_wire(retry_policy) if retry_policy else None,
        activity_run_id=task.activity_run_id or None,
    )
