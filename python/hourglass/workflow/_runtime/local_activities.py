"""Local activities: run by the worker that has the workflow, recorded only when they have ended.

Core retries one by itself while the wait is short. For a longer one it hands the next attempt back:
that wait is a durable timer of the workflow, and the attempt after it a new command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import TypedDict

from hourglass._bridge import OtherCommand
from hourglass.exceptions import ActivityError, CancelledError, RetryState
from hourglass.workflow._runtime.activities import (
    ActivityCancellationType,
    ActivityHandle,
    encoded_arguments,
    resolve_activity_type,
    wrapped,
)
from hourglass.workflow._runtime.durations import optional_timeout

if TYPE_CHECKING:
    from hourglass._bridge import Payload, ResolveActivity, Wire
    from hourglass.common import RetryPolicy
    from hourglass.workflow._runtime.state import RunState

T = TypeVar("T")


class LocalActivityConfig(TypedDict, total=False):
    """The options of a local activity call.

    ``start_to_close_timeout`` or ``schedule_to_close_timeout`` has to be given; without
    ``retry_policy`` it is retried for ever. A wait before a retry that is longer than
    ``local_retry_threshold`` (a minute when left out) becomes a durable timer.
    """

    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    local_retry_threshold: timedelta | None
    cancellation_type: ActivityCancellationType
    activity_id: str | None
    summary: str | None


_KNOWN = frozenset(LocalActivityConfig.__annotations__)
_TIMEOUTS = (
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
    "local_retry_threshold",
)


class LocalActivityHandle(ActivityHandle[T]):
    """The handle of a local activity: over all its attempts."""

    __slots__ = ("_backoff", "_fields", "_first_seq", "_summary")

    def __init__(
        self,
        state: RunState,
        fields: Wire,
        summary: Payload | None,
        result_type: Any,
    ) -> None:
        super().__init__(state, 0, result_type)
        self._fields = fields
        self._summary = summary
        self._backoff: int | None = None
        # The number of the timer, not the timer: that holds this, which would make a cycle.
        self._schedule({})
        self._first_seq = self._seq

    def __hash__(self) -> int:
        return self._run.loop.hash_base - self._first_seq

    def _schedule(self, attempt: Mapping[str, Any]) -> None:
        """Add the command; each attempt that is handed back has a number of its own."""
        state = self._run
        seq = self._seq = state.activity_seq = state.activity_seq + 1
        self._fields = {**self._fields, **attempt, "seq": seq}
        self._fields["activity_id"] = self._fields["activity_id"] or str(seq)
        state.activities[seq] = self
        state.commands.append(
            OtherCommand("schedule_local_activity", self._fields, summary=self._summary)
        )

    def _ask_to_cancel(self, reason: str) -> None:
        if self._backoff is None:
            self._run.commands.append(
                OtherCommand("request_cancel_local_activity", {"seq": self._seq})
            )
            return
        timer = self._run.timers.get(self._backoff)
        if timer is not None:  # it has not fired just now
            timer.cancel()
        self._end_between_attempts()

    def let_go(self) -> bool:
        """Cancel an attempt that runs while its workflow ends; True if the end has to wait for it.

        Core would put the marker of one that ends after that behind the command that ends the run,
        which no service takes. The marker of a cancelled one comes before, at once unless the
        workflow wanted to wait.
        """
        if self.done() or self._backoff is not None:
            return False
        self.cancel()
        waits = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        return bool(self._fields["cancellation_type"] == waits)

    def _end_between_attempts(self) -> None:
        """Nothing runs that could be asked: it is cancelled at once."""
        cause = CancelledError("Cancelled between two attempts")
        self.set_exception(self._wrapped(cause, RetryState.CANCEL_REQUESTED))

    def _wrapped(self, cause: BaseException, retry_state: RetryState | None) -> ActivityError:
        fields = self._fields
        return wrapped(cause, str(fields["activity_type"]), str(fields["activity_id"]), retry_state)

    def _error(self, failure: Wire) -> BaseException:
        """Core hands a failure of the function over bare; the others it has wrapped already."""
        error = super()._error(failure)
        return error if isinstance(error, ActivityError) else self._wrapped(error, None)

    def resolve(self, job: ResolveActivity) -> None:
        if job.status != "backoff" or job.backoff is None or self.done():
            super().resolve(job)
            return
        if self._cancel_asked:
            self._end_between_attempts()
            return
        wait: timedelta = job.backoff.get("backoff_duration", timedelta(0))
        attempt = {
            name: job.backoff[name]
            for name in ("attempt", "original_schedule_time")
            if name in job.backoff
        }
        timer = self._run.loop.start_timer(wait.total_seconds(), None, self._again, (attempt,))
        self._backoff = timer.seq

    def _again(self, attempt: Mapping[str, Any]) -> None:
        if not self.done():  # cancelled in the moment in which the wait was over
            self._backoff = None
            self._schedule(attempt)


def _check_registered(state: RunState, name: str) -> None:
    """Fail the task, not the activity: the right deployment heals that. What is on record is not
    run again, and need not be registered."""
    known = state.local_activities
    if known is not None and name not in known and not state.is_replaying:
        raise ValueError(
            f"local activity {name!r} is not registered on this worker (task queue"
            f" {state.task_queue!r}); registered: {', '.join(sorted(known)) or 'none'}"
        )


def schedule_local_activity(
    state: RunState,
    activity: Any,
    arguments: Sequence[Any],
    result_type: Any,
    options: LocalActivityConfig,
    *,
    headers: Mapping[str, Payload] | None = None,
) -> LocalActivityHandle[Any]:
    """Add the command. Everything that can be wrong is found before a number is used up."""
    state.loop.check_writable("start a local activity")
    if not options.keys() <= _KNOWN:
        unknown = min(options.keys() - _KNOWN)
        raise TypeError(f"a local activity got an unexpected keyword argument {unknown!r}")
    if not (options.get("schedule_to_close_timeout") or options.get("start_to_close_timeout")):
        raise ValueError(
            f"local activity {activity!r} needs start_to_close_timeout or"
            " schedule_to_close_timeout: without a limit a lost one would never be tried again"
        )
    name, declared = resolve_activity_type(activity)
    _check_registered(state, name)
    fields: Wire = {
        "activity_type": name,
        "arguments": encoded_arguments(state, activity, arguments),
        "activity_id": options.get("activity_id") or "",
        "cancellation_type": int(
            options.get("cancellation_type", ActivityCancellationType.TRY_CANCEL)
        ),
    }
    given: Mapping[str, Any] = options
    for timeout in _TIMEOUTS:
        if (duration := optional_timeout(given.get(timeout), timeout)) is not None:
            fields[timeout] = duration
    if (retry_policy := options.get("retry_policy")) is not None:
        fields["retry_policy"] = retry_policy.to_wire()
    if headers:
        fields["headers"] = dict(headers)
    summary = state.summary(options.get("summary"))
    return LocalActivityHandle(
        state, fields, summary, declared if result_type is None else result_type
    )
