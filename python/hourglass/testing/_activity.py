"""Running an activity in a test, without a worker."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar, cast

from typing_extensions import ParamSpec

from hourglass.activity import ActivityCancellationDetails, Info, _context
from hourglass.activity._context import Context, Latch
from hourglass.activity._definition import ATTRIBUTE, ActivityDefinition
from hourglass.converter import PayloadConverter
from hourglass.worker._thread_cancel import ThreadCancel

if TYPE_CHECKING:
    from hourglass.client import Client

P = ParamSpec("P")
R = TypeVar("R")

_CANCEL_REQUESTED = ActivityCancellationDetails(cancel_requested=True)
_EPOCH = datetime.fromtimestamp(0, timezone.utc)


def default_info() -> Info:
    """Make the info of an activity in a test that says no more."""
    return Info(
        activity_id="test",
        activity_type="unknown",
        attempt=1,
        current_attempt_scheduled_time=_EPOCH,
        heartbeat_details=[],
        heartbeat_timeout=None,
        is_local=False,
        schedule_to_close_timeout=timedelta(seconds=1),
        scheduled_time=_EPOCH,
        start_to_close_timeout=timedelta(seconds=1),
        started_time=_EPOCH,
        task_queue="test",
        task_token=b"test",
        workflow_id="test",
        workflow_namespace="default",
        workflow_run_id="test-run",
        workflow_type="test",
        namespace="default",
    )


class ActivityEnvironment:
    """Runs activities in a test. What is set here before `run` is what they see.

    Attributes:
        info: What `activity.info` answers; see `default_info`.
        on_heartbeat: Is called with the details of each heartbeat, where the activity runs.
        payload_converter: What `activity.payload_converter` answers.
    """

    def __init__(self, client: Client | None = None) -> None:
        """`client` is what `activity.client` answers."""
        self.info = default_info()
        self.on_heartbeat: Callable[..., None] = lambda *_details: None
        self.payload_converter = PayloadConverter.default
        self._client = client
        self._details: ActivityCancellationDetails | None = None
        self._is_shut_down = False
        self._running: set[_Running] = set()

    @staticmethod
    def default_info() -> Info:
        """The info that a new environment has; make others of it with `dataclasses.replace`."""
        return default_info()

    def cancel(
        self,
        cancellation_details: ActivityCancellationDetails = _CANCEL_REQUESTED,
    ) -> None:
        """Cancel what runs, and what will. Only the first call counts. From any thread for
        synchronous activities; for others on their event loop."""
        if self._details is None:
            self._details = cancellation_details
            for running in list(self._running):
                running.cancel(cancellation_details)

    def worker_shutdown(self) -> None:
        """Tell what runs, and what will, that the worker is stopping."""
        self._is_shut_down = True
        for running in list(self._running):
            running.context.worker_shutdown.set()

    def run(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function as an activity, decorated or not; what it returns or raises.

        For an asynchronous one that is a coroutine. A synchronous one runs in this thread; another
        thread can cancel it.
        """
        definition: ActivityDefinition | None = getattr(fn, ATTRIBUTE, None)
        if is_async(fn):
            coroutine = _Async(self).run(cast("Callable[..., Any]", fn), args, kwargs)
            return cast("R", coroutine)
        raises = definition is None or not definition.no_thread_cancel_exception
        result: R = _Sync(self, raises=raises).run(lambda: fn(*args, **kwargs))
        return result

    def begin(self, running: _Running) -> None:
        """Begin to run."""
        if self._is_shut_down:
            running.context.worker_shutdown.set()
        if self._details is not None:
            running.cancel(self._details)
        self._running.add(running)

    def end(self, running: _Running) -> None:
        """End; return what came of it."""
        self._running.discard(running)

    def context(self, loop: asyncio.AbstractEventLoop | None) -> Context:
        """The context that the activity asks."""
        return Context(
            info=self.info,
            payload_converter=self.payload_converter,
            send_heartbeat=lambda details: self.on_heartbeat(*details),
            cancelled=Latch(loop),
            worker_shutdown=Latch(loop),
            client=self._client,
        )


def is_async(fn: Callable[..., Any]) -> bool:
    """Tell whether calling a function gives a coroutine."""
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
        getattr(fn, "__call__", None)  # noqa: B004 - a callable object of an asynchronous class
    )


class _Running:
    """An activity that runs."""

    context: Context

    def cancel(self, details: ActivityCancellationDetails) -> None:
        self.context.cancel(details)


class _Sync(_Running):
    def __init__(self, environment: ActivityEnvironment, *, raises: bool) -> None:
        self._environment = environment
        self._raises = raises
        self._thread = ThreadCancel()
        self.context = environment.context(None)
        if raises:
            self.context.shield = self._thread.shield

    def run(self, call: Callable[[], R]) -> R:
        variables = contextvars.copy_context()
        variables.run(_context.enter, self.context)
        self._environment.begin(self)
        try:
            result: R = variables.run(self._thread.run, call, ())
            return result
        finally:
            self._environment.end(self)

    def cancel(self, details: ActivityCancellationDetails) -> None:
        super().cancel(details)
        if self._raises:
            self._thread.cancel()


class _Async(_Running):
    def __init__(self, environment: ActivityEnvironment) -> None:
        self._environment = environment
        self._task: asyncio.Task[Any] | None = None

    async def run(
        self,
        fn: Callable[..., Coroutine[Any, Any, R]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> R:
        self.context = self._environment.context(asyncio.get_running_loop())

        async def entered() -> R:
            _context.enter(self.context)
            return await fn(*args, **kwargs)

        self._task = asyncio.ensure_future(entered())
        self._environment.begin(self)
        try:
            result: R = await self._task
            return result
        finally:
            self._environment.end(self)

    def cancel(self, details: ActivityCancellationDetails) -> None:
        super().cancel(details)
        if self._task is not None:
            self._task.cancel()
