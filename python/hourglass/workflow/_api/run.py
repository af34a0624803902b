"""Calls about the running workflow: waiting, its facts, versions of its code, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random as _random
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from hourglass.workflow._api.current import current, current_or_none
from hourglass.workflow._runtime.arguments import UNSET, arguments_of
from hourglass.workflow._runtime.durations import seconds_of
from hourglass.workflow._runtime.loop import wake

if TYPE_CHECKING:
    from hourglass._search_attributes import AnySearchAttributes
    from hourglass.common import RetryPolicy
    from hourglass.converter import PayloadConverter
    from hourglass.workflow._runtime.info import Info

_log = logging.getLogger("hourglass.workflow")


# --- waiting -----------------------------------------------------------------------------------


async def sleep(duration: float | timedelta, *, summary: str | None = None) -> None:
    """Wait for a durable timer: `duration` in seconds, at least 0; also 0 waits for its timer.

    Raises TypeError or ValueError for what is no duration, before anything is recorded.

    Args:
        summary: a short text that user interfaces show with the timer.
    """
    seconds = seconds_of(duration, "sleep")
    loop = current().loop
    loop.check_writable("sleep")
    future: asyncio.Future[None] = loop.create_future()
    timer = loop.start_timer(seconds, summary, wake, (future,))
    try:
        await future
    finally:
        timer.cancel()


async def wait_condition(
    fn: Callable[[], bool],
    *,
    timeout: timedelta | float | None = None,
    timeout_summary: str | None = None,
) -> None:
    """Wait until `fn` holds. It is asked again whenever the workflow has done something.

    `fn` only looks: what would change the workflow raises `ReadOnlyContextError`. What it raises
    is raised here.

    Args:
        timeout: seconds; `asyncio.TimeoutError` when they are over first. At 0 or less `fn` is
            asked once, now.
        timeout_summary: a short text that user interfaces show with the timer.
    """
    instance = current()
    if timeout is None:
        await instance.conditions.add(fn)
        return
    given = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(given, (int, float)) and given <= 0:
        if not fn():
            raise asyncio.TimeoutError
        return
    seconds = seconds_of(timeout, "wait_condition: timeout")
    future, expire = instance.conditions.add(fn), instance.conditions.expire
    timer = instance.loop.start_timer(seconds, timeout_summary, expire, (future,))
    try:
        await future
    finally:
        timer.cancel()


# --- looking around ----------------------------------------------------------------------------


def in_workflow() -> bool:
    """Tell whether this code runs in a workflow. May be asked anywhere."""
    return current_or_none() is not None


def instance() -> Any:
    """The object of the workflow class that is running."""
    return current().object


def info() -> Info:
    """About the running workflow."""
    running = current()
    return running.calls.info(running)


def now() -> datetime:
    """The time, UTC: when the current task was started; it stands still in between."""
    return current().now


def time() -> float:
    """The time of the current task in seconds since 1970."""
    return current().loop.now


def time_ns() -> int:
    """The time of the current task in nanoseconds since 1970."""
    return current().activation.timestamp_ns


def random() -> _random.Random:
    """Random numbers that are the same in every replay. Not for security."""
    return current().randomness.shared


def new_random(name: str | None = None) -> _random.Random:
    """A generator of its own, seeded like `random`, and seeded anew when that is.

    Args:
        name: Mixed into the seed, so that each name has a sequence of its own. Without one it
            begins as `random` does.
    """
    return current().randomness.another(name)


def random_seed() -> int:
    """Return the seed of `random`. A reset of the workflow changes it."""
    return current().randomness.seed


def register_random_seed_callback(callback: Callable[[int], None]) -> None:
    """Have `callback` called with every new seed, for generators of one's own."""
    current().randomness.on_reseed(callback)


def uuid4() -> uuid.UUID:
    """A random UUID that is the same in every replay. Not for security."""
    return current().randomness.uuid4()


def uuid7() -> uuid.UUID:
    """Draw a UUID that begins with the workflow's time: later tasks make greater ones.

    Those of one task are in no order. Not for security.
    """
    running = current()
    return running.randomness.uuid7(running.activation.timestamp_ns)


def payload_converter() -> PayloadConverter:
    """The converter of this worker."""
    return current().payload_converter


def extern_functions() -> Mapping[str, Callable[..., Any]]:
    """Return the functions of the worker's interceptors (`WorkflowInterceptorClassInput`)."""
    return current().extern_functions


def cancellation_reason() -> str | None:
    """Why cancellation was asked for; None while it was not."""
    return current().cancel_reason


def is_failure_exception(err: BaseException) -> bool:
    """Tell whether `err`, leaving the run method, fails the workflow, not just its task."""
    return current().ending.is_failure(err)


# --- versions of the code ----------------------------------------------------------------------


def patched(id: str) -> bool:  # noqa: A002 - the convention's name
    """Tell whether to take the new way of a change to workflow code.

    True for runs that get here for the first time, False for those whose history was made before
    the change. The answer never changes within a run.
    """
    running = current()
    return running.patches.ask(running, id, deprecated=False)


def deprecate_patch(id: str) -> None:  # noqa: A002 - the convention's name
    """Say that the old way of a change is gone: only the new code is left, old runs have ended."""
    running = current()
    running.patches.ask(running, id, deprecated=True)


def continue_as_new(
    arg: Any = UNSET,
    *,
    args: Sequence[Any] = (),
    workflow: Callable[..., Any] | str | None = None,
    task_queue: str | None = None,
    run_timeout: timedelta | None = None,
    task_timeout: timedelta | None = None,
    backoff_start_interval: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    search_attributes: AnySearchAttributes | None = None,
) -> NoReturn:
    """End this run and go on in a fresh one with a history of its own, under the same id.

    What is not given stays as it is. Raises; don't catch it.

    Args:
        workflow: another workflow to continue as: its class, its run method or its name.
        backoff_start_interval: how long the next run waits before it starts.
    """
    running = current()
    running.calls.continue_as_new(
        running,
        workflow,
        arguments_of(arg, args),
        task_queue=task_queue,
        run_timeout=run_timeout,
        task_timeout=task_timeout,
        backoff_start_interval=backoff_start_interval,
        retry_policy=retry_policy,
        memo=memo,
        search_attributes=search_attributes,
    )


_LIVE = ("query handler", "update validator")


class unsafe:  # noqa: N801 - the convention's name
    """Calls that workflow code should know but rarely use."""

    @staticmethod
    def is_replaying() -> bool:
        """Tell whether the past is being worked through again."""
        return current().is_replaying

    @staticmethod
    def is_replaying_history_events() -> bool:
        """Tell whether the code is replaying, outside of queries and validators, which are live."""
        running = current()
        return running.is_replaying and running.loop.read_only not in _LIVE

    @staticmethod
    def in_sandbox() -> bool:
        """False, for programs that ask: there is no sandbox."""
        return False

    @staticmethod
    def is_sandbox_unrestricted() -> bool:
        """True, for programs that ask: there is no sandbox."""
        return True

    @staticmethod
    def is_read_only() -> bool:
        """Tell whether the workflow can't be changed here: in a query handler, in a condition."""
        return bool(current().loop.read_only)

    @staticmethod
    @contextlib.contextmanager
    def imports_passed_through() -> Generator[None, None, None]:
        """Without effect, for programs that have it: there is no sandbox to pass through."""
        yield

    @staticmethod
    @contextlib.contextmanager
    def sandbox_unrestricted() -> Generator[None, None, None]:
        """Without effect, for programs that have it: there is no sandbox."""
        yield
