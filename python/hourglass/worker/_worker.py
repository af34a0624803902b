"""The public worker: its options, and its life as a context or a call."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from hourglass.exceptions import ClosedError, StaleHandleError, TemporalError
from hourglass.worker._definitions import activity_table, workflow_definitions
from hourglass.worker._interceptor import (
    Interceptor,
    worker_interceptors,
    workflow_interceptors,
)
from hourglass.worker._lifetime import WorkerLifetime
from hourglass.worker._options import WorkerOptions

if TYPE_CHECKING:
    from hourglass.client import Client
    from hourglass.subsystem.worker_spec import Completions
    from hourglass.workflow._runtime.runner import WorkflowRunner

logger = logging.getLogger("hourglass.worker")


class Worker:
    """Takes tasks from one task queue and runs workflows and activities.

    ::

        async with Worker(client, task_queue="orders", workflows=[Order], activities=[charge]):
            ...

    or `await worker.run()`. A worker lives once. What it stands on may die under it, the native
    runtime included: it comes back by itself, with the same options, and goes on.
    """

    _pid: int | None = None
    """The process it was started in."""
    _running = False
    _life: asyncio.Task[None] | None = None
    _body: asyncio.Task[Any] | None = None
    _body_cancelled = False
    _fatal: TemporalError | None = None

    def __init__(
        self,
        client: Client,
        *,
        task_queue: str,
        activities: Sequence[Callable[..., Any]] = (),
        workflows: Sequence[type] = (),
        activity_executor: Executor | None = None,
        identity: str | None = None,
        build_id: str = "",
        max_cached_workflows: int = 1000,
        max_concurrent_workflow_tasks: int = 100,
        max_concurrent_activities: int = 100,
        max_concurrent_local_activities: int = 100,
        max_concurrent_workflow_task_polls: int = 5,
        max_concurrent_activity_task_polls: int = 5,
        nonsticky_to_sticky_poll_ratio: float = 0.2,
        sticky_queue_schedule_to_start_timeout: timedelta = timedelta(seconds=10),
        max_heartbeat_throttle_interval: timedelta = timedelta(seconds=60),
        default_heartbeat_throttle_interval: timedelta = timedelta(seconds=30),
        max_activities_per_second: float | None = None,
        max_task_queue_activities_per_second: float | None = None,
        graceful_shutdown_timeout: timedelta = timedelta(0),
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        deadlock_timeout: timedelta | None = timedelta(seconds=2),
        on_fatal_error: Callable[[BaseException], Awaitable[None]] | None = None,
        completions: Completions = "ordered",
        interceptors: Sequence[Interceptor] = (),
        disable_eager_activity_execution: bool = False,
        no_remote_activities: bool = False,
        max_eager_activity_reservations_per_workflow_task: int = 3,
    ) -> None:
        """Check everything that can be checked without the service; nothing is started.

        Args:
            client: Whose service, namespace and data converter to use.
            task_queue: Where tasks come from.
            activities: Functions, bound methods or callable objects decorated with
                `activity.defn`.
            workflows: Classes decorated with `workflow.defn`.
            activity_executor: Threads for synchronous activities; its own by default. Or a
                `ProcessPoolExecutor`: as many processes as it says, each of them supervised by the
                worker, so that one that dies takes only its own attempt along. Functions, arguments
                and results have to be picklable then; the client and the shutdown of the worker are
                not known there. The pool itself starts nothing.
            identity: Who it says it is; the client's identity by default.
            build_id: Which build of the code this is.
            max_cached_workflows: How many runs are kept between their tasks; others are replayed.
            max_concurrent_workflow_tasks: How many workflow tasks are taken at once.
            max_concurrent_activities: How many activities run at once; no more are taken than
                `activity_executor` has threads if all of them are synchronous.
            max_concurrent_local_activities: How many local activities run at once.
            max_concurrent_workflow_task_polls: How many polls for workflow tasks are out at once.
            max_concurrent_activity_task_polls: The same for activities.
            nonsticky_to_sticky_poll_ratio: Share of workflow polls that go to the shared queue.
            sticky_queue_schedule_to_start_timeout: How long a task waits for the worker that has
                the run cached.
            max_heartbeat_throttle_interval: The longest time between two heartbeats sent.
            default_heartbeat_throttle_interval: The same for activities without a timeout.
            max_activities_per_second: A limit of this worker.
            max_task_queue_activities_per_second: A limit of the whole task queue.
            graceful_shutdown_timeout: How long running activities may go on when it stops, before
                they are cancelled.
            workflow_failure_exception_types: Exceptions that fail a workflow, not only its task.
            deadlock_timeout: How much CPU time workflow code may use, or how long it may stand
                still, before it waits again. Above that its task fails with its stack in the log
                and is tried again. Other runs never wait for it. None: any, for debugging.
            on_fatal_error: Awaited with the error when the worker has to give up.
            completions: ``"ordered"``: completions of one run keep their order, runs don't wait for
                each other. ``"serial"``: all workflow completions go one after the other.
            interceptors: See what it does, the first outermost; after those of its client that
                are a worker's, too.
            disable_eager_activity_execution: Have no activity given to this worker along with the
                answer to its workflow task: each goes through its task queue.
            no_remote_activities: Take local activities only; others are for other workers.
            max_eager_activity_reservations_per_workflow_task: How many slots are kept for
                activities that may come along with such an answer.

        Raises:
            DefinitionError: Something undecorated, unbound, or two of one name; it is named.
            InvalidArgumentError: An option that can't be; it is named.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        self._client = client
        self._config = given
        options: dict[str, Any] = {
            **given,
            "activities": activity_table(activities),
            "workflows": workflow_definitions(workflows),
            "workflow_failure_exception_types": tuple(workflow_failure_exception_types),
            "interceptors": worker_interceptors(client, interceptors),
        }
        del options["client"]
        self._options = WorkerOptions(**options)
        self._options.check()
        if self._options.workflows:
            self._new_runner()  # what can't be run is refused here
        self._stop_wanted = asyncio.Event()
        self._stopped = asyncio.Event()

    def _new_runner(self) -> WorkflowRunner:
        options = self._options
        intercepting = workflow_interceptors(options.interceptors)
        from hourglass.workflow._runtime.runner import WorkflowRunner

        return WorkflowRunner(
            [definition.cls for definition in options.workflows],
            task_queue=options.task_queue,
            namespace=self._client.namespace,
            data_converter=self._client.data_converter,
            workflow_failure_exception_types=options.workflow_failure_exception_types,
            deadlock_timeout=options.deadlock_timeout,
            interceptors=intercepting.classes,
            extern_functions=intercepting.extern_functions,
            disable_eager_activities=options.disable_eager_activity_execution,
            local_activities=options.local_activities,
        )

    @property
    def task_queue(self) -> str:
        """The task queue its tasks come from."""
        return self._options.task_queue

    @property
    def client(self) -> Client:
        """The client whose service it works for."""
        return self._client

    def config(self) -> dict[str, Any]:
        """Return what the worker was made with, by parameter; a copy."""
        return dict(self._config)

    @property
    def is_running(self) -> bool:
        """True from the start until it begins to stop. In a forked child it does not run."""
        return self._pid == os.getpid() and self._running and not self._stop_wanted.is_set()

    @property
    def is_shutdown(self) -> bool:
        """True once the worker has stopped."""
        return self._stopped.is_set()

    async def run(self) -> None:
        """Start, and work until `shutdown`, `Subsystem.stop_worker`, or until this is cancelled.

        Raises `PollError` if it has to give up.
        """
        host = await self._start()
        await self._live(host)

    async def shutdown(self) -> None:
        """Stop, and return when it has stopped. Does nothing to a worker that never started."""
        if self._pid is None:
            return
        self._check_process()
        self._stop_wanted.set()
        await self._stopped.wait()

    async def __aenter__(self) -> Self:
        host = await self._start()
        self._body = asyncio.current_task()
        self._life = asyncio.get_running_loop().create_task(
            self._live(host), name=f"worker of {self.task_queue}"
        )
        self._life.add_done_callback(self._life_ended)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        body, self._body = self._body, None
        self._stop_wanted.set()
        assert self._life is not None
        # A cancellation that arrives now must not leave the worker half stopped.
        await asyncio.wait([self._life])
        if self._fatal is not None:
            if self._body_cancelled and body is not None and sys.version_info >= (3, 11):
                body.uncancel()  # the cancellation was ours and ends here
            raise self._fatal
        self._life.result()

    def _life_ended(self, life: asyncio.Task[None]) -> None:
        """End the block that a worker that gave up serves: waiting on would be for ever."""
        if self._fatal is not None and self._body is not None:
            self._body_cancelled = True
            self._body.cancel(f"the worker gave up: {self._fatal}")
        if not life.cancelled():
            life.exception()

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise StaleHandleError(
                f"the worker of task queue {self.task_queue!r} runs in process {self._pid}, not in "
                f"process {os.getpid()}, which was forked from it; make a new one there",
                self._pid,
            )

    async def _start(self) -> WorkerLifetime:
        if self._pid is not None:
            self._check_process()
            raise ClosedError(
                f"the worker of task queue {self.task_queue!r} was started before: make a new one"
            )
        self._pid = os.getpid()
        new_runner = self._new_runner if self._options.workflows else None
        host = WorkerLifetime(self._client, self._options, new_runner)
        self._running = True  # tasks may be served before this side is told that they can be
        try:
            await host.start()
        except BaseException:
            self._running = False
            self._stopped.set()
            raise
        return host

    async def _live(self, host: WorkerLifetime) -> None:
        """Live from started to stopped."""
        waiting = asyncio.ensure_future(self._stop_wanted.wait())
        events: list[asyncio.Future[Any]] = [waiting, host.failed]
        try:
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
            if host.failed.done():
                self._fatal = host.failed.result()
            if self._fatal is not None:
                logger.error("%s", self._fatal)
                if self._options.on_fatal_error is not None:
                    await self._options.on_fatal_error(self._fatal)
        finally:
            waiting.cancel()
            self._stop_wanted.set()
            stopping = asyncio.ensure_future(host.stop())
            try:
                await _finished(stopping)
            finally:
                self._running = False
                self._stopped.set()
        if self._fatal is not None:
            raise self._fatal


async def _finished(task: asyncio.Future[None]) -> None:
    """Wait for a task even when cancelled meanwhile; then pass the cancellation on."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done():
                break
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
