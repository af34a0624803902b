"""One life of a worker on the native side: start, run, stop.

Starting: a place at the evaluator and an inbox for activities, then the native worker, whose pumps
poll at once. Stopping: no more work is taken, activities get the graceful period and then are
cancelled, what ignores that is answered for, and core finalizes when every task has its completion.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

from hourglass import _bridge
from hourglass._aio import performed
from hourglass.exceptions import PollError, TemporalError, from_bridge
from hourglass.subsystem.runtime import process_runtime
from hourglass.worker._activity import Activities
from hourglass.worker._codec import CodecSteps
from hourglass.worker._evaluator import Evaluator, Registration, evaluator
from hourglass.worker._processes import supervised

if TYPE_CHECKING:
    from hourglass._bridge import PollingEnded
    from hourglass.client import Client
    from hourglass.worker._options import WorkerOptions
    from hourglass.workflow._runner import WorkflowRunner

logger = logging.getLogger("hourglass.worker")
_CANCELLED_PERIOD = 10.0
"""Seconds that a cancelled activity may take to end before it is answered for and left behind."""


class WorkerHost:
    """Runs a worker once. Made and used on one event loop."""

    def __init__(
        self, client: Client, options: WorkerOptions, runner: WorkflowRunner | None
    ) -> None:
        self._client = client
        self._options = options
        self._runner = runner
        self._loop = asyncio.get_running_loop()
        self._evaluator: Evaluator | None = None
        self._registration: Registration | None = None
        self._activities: Activities | None = None
        self._native: _bridge.Worker | None = None
        self._own_executor: ThreadPoolExecutor | None = None
        self._processes = supervised(options.activity_executor)
        self.failed: asyncio.Future[TemporalError] = self._loop.create_future()
        """Resolved when polling had to be given up."""

    async def start(self) -> None:
        """Take work from now on. `ValidationError` if the service doesn't take this worker."""
        native_client = await self._client.connection.native()
        options = self._options
        keywords = options.native()
        if self._runner is not None:
            self._evaluator = evaluator()
            registration = self._evaluator.register(
                self._runner, self._workflow_polling_ended, self._codec_steps()
            )
            self._registration = registration
            keywords["tag"] = registration.tag
            keywords["workflow_inbox"] = self._evaluator.inbox
        if options.activities:
            self._activities = Activities(
                options.activities,
                client=self._client,
                task_queue=options.task_queue,
                executor=self._executor,
                processes=self._processes,
                polling_ended=self._polling_ended,
            )
            keywords["activity_inbox"] = self._activities.inbox
        try:
            self._native = _bridge.Worker(process_runtime(), native_client, **keywords)
        except _bridge.BridgeError as error:
            self._unregister()
            raise from_bridge(error) from error
        if self._registration is not None:
            self._registration.attach(self._native)
        if self._activities is not None:
            self._activities.attach(self._native)
        try:
            await performed(self._native.validate)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop taking work, finish what was taken, release everything. Ends in bounded time."""
        native = self._native
        if native is None:
            return
        self._native = None
        try:
            native.initiate_shutdown()
            if self._activities is not None:
                await self._stop_activities(self._activities)
            await self._finalize(native)
        except _bridge.BridgeError as error:
            raise from_bridge(error) from error
        finally:
            self._unregister()

    async def _finalize(self, native: _bridge.Worker) -> None:
        """Let core finish. An activity that arrived at the last moment is not waited for either."""
        finalizing = asyncio.ensure_future(performed(native.finalize_shutdown))
        activities = self._activities
        while not (await asyncio.wait([finalizing], timeout=_CANCELLED_PERIOD))[0]:
            if activities is not None:
                activities.cancel_all()
                if not await activities.until_idle(_CANCELLED_PERIOD):
                    await activities.abandon_all()
        finalizing.result()

    async def _stop_activities(self, activities: Activities) -> None:
        activities.worker_shutdown.set()
        graceful = self._options.graceful_shutdown_timeout.total_seconds()
        if await activities.until_idle(graceful):
            return
        activities.cancel_all()
        if not await activities.until_idle(_CANCELLED_PERIOD):
            await activities.abandon_all()

    def _unregister(self) -> None:
        if self._evaluator is not None and self._registration is not None:
            self._evaluator.unregister(self._registration)
        if self._activities is not None:
            self._activities.detach()
        if self._own_executor is not None:
            self._own_executor.shutdown(wait=False, cancel_futures=True)
        if self._processes is not None:
            self._processes.shutdown()

    def _codec_steps(self) -> CodecSteps | None:
        converter = self._client.data_converter
        return None if converter.payload_codec is None else CodecSteps(converter, self._loop)

    def _executor(self) -> Executor:
        """Where synchronous activities run: the one that was given, or threads of our own."""
        if self._options.activity_executor is not None:
            return self._options.activity_executor
        if self._own_executor is None:
            self._own_executor = ThreadPoolExecutor(
                self._options.activity_slots, thread_name_prefix="hourglass-activity"
            )
        return self._own_executor

    def _workflow_polling_ended(self, ended: PollingEnded) -> None:
        """On the evaluator's thread."""
        if ended.error is not None:
            try:
                self._loop.call_soon_threadsafe(self._polling_ended, ended)
            except RuntimeError:  # the loop is closed: nobody is left to be told
                logger.exception("worker of %r", self._options.task_queue)

    def _polling_ended(self, ended: PollingEnded) -> None:
        if ended.error is not None and not self.failed.done():
            failure = PollError(
                f"the worker of task queue {self._options.task_queue!r} can't poll for "
                f"{ended.poll} tasks any more: {ended.error.message}"
            )
            failure.__cause__ = from_bridge(ended.error)
            self.failed.set_result(failure)
