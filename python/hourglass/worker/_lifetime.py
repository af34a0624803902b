"""The lifetime of a worker as its program sees it: start, work, stop.

The worker itself lives in the subsystem's tree, which brings it back after a cascade. Here, on the
program's event loop, is what survives that: the place where activities run, and what decides when
the worker stops.

Stopping: no more work is taken, core finalizes when every task has its completion, and `_shutdown`
sees to it that this takes no longer than it may.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from hourglass.exceptions import PollError, TemporalError, from_bridge
from hourglass.subsystem.subsystem import Subsystem
from hourglass.subsystem.worker_spec import Declaration, WorkerSpec
from hourglass.worker import _shutdown
from hourglass.worker._activity import Activities
from hourglass.worker._codec import CodecSteps
from hourglass.worker._evaluator import Evaluator, Registration, evaluator
from hourglass.worker._thread_pool import ActivityThreadPool

if TYPE_CHECKING:
    from hourglass._bridge import BridgeError, Inbox, PollingEnded
    from hourglass.client import Client
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.subsystem.worker_spec import Poll
    from hourglass.supervision import Process
    from hourglass.worker._evaluator_thread import EvaluatorThread
    from hourglass.worker._options import WorkerOptions
    from hourglass.worker._process_pool import ActivityProcessPool
    from hourglass.workflow._runtime.runner import WorkflowRunner

logger = logging.getLogger("hourglass.worker")
_numbers: itertools.count[int] = globals().get("_numbers") or itertools.count(1)


class WorkflowTaker:
    """Registers a worker's handles at the evaluator, each with a fresh runner."""

    def __init__(self, new_runner: Callable[[], WorkflowRunner], codec: CodecSteps | None) -> None:
        self.evaluator: Evaluator = evaluator()
        self._new_runner = new_runner
        self._codec = codec
        self._registrations: dict[int, Registration] = {}
        self._evicted: set[Future[None]] = set()

    @property
    def inbox(self) -> Inbox:
        """The evaluator's inbox."""
        return self.evaluator.inbox

    def begin(self, handle: WorkerHandle) -> None:
        """Register a handle at the evaluator."""
        registration = self.evaluator.register(self._new_runner(), handle, self._codec)
        self._registrations[handle.tag] = registration

    def end(self, handle: WorkerHandle) -> None:
        """Unregister a handle."""
        registration = self._registrations.pop(handle.tag, None)
        if registration is not None:
            self._evicted.add(registration.evicted)
            registration.evicted.add_done_callback(self._evicted.discard)
            self.evaluator.unregister(registration)

    def busy_threads(self) -> list[EvaluatorThread]:
        """List the threads that evaluate runs of this worker."""
        own = self._registrations.values()
        busy = self.evaluator.busy_threads()
        return [one for one in busy if one.task is not None and one.task[0] in own]

    def return_local_activities(self) -> None:
        """Give workflow tasks back whose local activities the stop of the worker cancels."""
        for registration in list(self._registrations.values()):
            registration.return_local_activities()

    async def until_evicted(self) -> None:
        """Wait until no code is left of the runs of handles that are gone."""
        while self._evicted:
            await asyncio.wait(set(map(asyncio.wrap_future, tuple(self._evicted))))


class WorkerLifetime:
    """Runs a worker once. Made and used on one event loop."""

    def __init__(
        self,
        client: Client,
        options: WorkerOptions,
        new_runner: Callable[[], WorkflowRunner] | None,
    ) -> None:
        self._client = client
        self._options = options
        self._new_runner = new_runner
        self._loop = asyncio.get_running_loop()
        self._workflows: WorkflowTaker | None = None
        self._activities: Activities | None = None
        self._declaration: Declaration | None = None
        self._own_executor: ActivityThreadPool | None = None
        self._processes = _processes_of(options.activity_executor)
        self.failed: asyncio.Future[TemporalError | None] = self._loop.create_future()
        """Resolved when polling had to be given up; with None when it was stopped by name."""

    async def start(self) -> None:
        """Take work from now on. `ValidationError` if the service doesn't take this worker."""
        options = self._options
        if self._new_runner is not None:
            self._workflows = WorkflowTaker(self._new_runner, self._codec_steps())
        if options.activities:
            self._activities = Activities(
                options.activities,
                client=self._client,
                task_queue=options.task_queue,
                executor=self._executor,
                processes=self._processes,
                interceptors=options.interceptors,
            )
            self._activities.listen()
        spec = WorkerSpec(
            name=f"{options.task_queue}#{next(_numbers)}",
            connect=self._client.connection.native,
            options=options.native(),
            workflows=self._workflows,
            activities=self._activities,
            gave_up=self._gave_up,
            completions=options.completions,
        )
        self._declaration = Declaration(spec, self._lost, self._stopped)
        Subsystem.declare(self._declaration)
        try:
            await self._declaration.started.answer
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop taking work, finish what was taken, release everything. Ends in bounded time."""
        declaration, self._declaration = self._declaration, None
        if declaration is None:
            return
        worker = Subsystem.undeclare(declaration)
        try:
            await _shutdown.shut_down(
                self._options.task_queue,
                self._options.graceful_shutdown_timeout,
                asyncio.ensure_future(_gone(declaration, worker, self._workflows)),
                self._activities,
                self._workflows,
            )
        finally:
            self._release()

    def _release(self) -> None:
        if self._activities is not None:
            self._activities.detach()
        if self._own_executor is not None:
            self._own_executor.shutdown()
        if self._processes is not None:
            self._processes.shutdown()

    def _codec_steps(self) -> CodecSteps | None:
        converter = self._client.data_converter
        return None if converter.payload_codec is None else CodecSteps(converter, self._loop)

    def _executor(self) -> Executor:
        """Return the executor of synchronous activities: the given one, or threads of our own."""
        if self._options.activity_executor is not None:
            return self._options.activity_executor
        if self._own_executor is None:
            self._own_executor = ActivityThreadPool(self._options.activity_slots)
        return self._own_executor

    def _gave_up(self, error: BridgeError, poll: Poll) -> None:
        """Report that polling was given up. On the supervision thread."""
        self._tell(self._give_up, error, poll)

    def _lost(self, error: Exception) -> None:
        """Report that the supervised tree has ended. On the supervision thread."""
        failure = error if isinstance(error, TemporalError) else TemporalError(str(error))
        self._tell(self._fail, failure)

    def _stopped(self) -> None:
        """Report that the worker was stopped by name. On the supervision thread."""
        self._tell(self._fail, None)

    def _tell(self, callback: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:  # the loop is closed: nobody is left to be told
            logger.error("worker of %r: %s", self._options.task_queue, args)

    def _polling_ended(self, ended: PollingEnded) -> None:
        if ended.error is not None:
            self._give_up(ended.error, ended.poll)

    def _give_up(self, error: BridgeError, poll: Poll) -> None:
        failure = PollError(
            f"the worker of task queue {self._options.task_queue!r} can't poll for "
            f"{poll} tasks any more: {error.message}"
        )
        failure.__cause__ = from_bridge(error)
        self._fail(failure)

    def _fail(self, failure: TemporalError | None) -> None:
        if not self.failed.done():
            self.failed.set_result(failure)


async def _gone(
    declaration: Declaration, worker: Process | None, workflows: WorkflowTaker | None
) -> None:
    """Wait until the worker and all of its handles are gone, and the code of their runs."""
    if worker is not None:
        await worker.exit
    while declaration.handles:
        for handle in list(declaration.handles):
            await handle.gone.answer
    if workflows is not None:
        await workflows.until_evicted()


def _processes_of(executor: Executor | None) -> ActivityProcessPool | None:
    """Make supervised processes in place of a pool of processes; None for another executor."""
    if executor is None or isinstance(executor, ThreadPoolExecutor):
        return None
    from hourglass.worker._process_pool import (
        ActivityProcessPool,  # multiprocessing takes a while to import
    )

    return ActivityProcessPool(executor)
