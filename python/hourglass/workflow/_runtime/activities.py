"""Activities as a workflow sees them: scheduled at the call, awaited through a handle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from hourglass._bridge import RequestCancelActivity, ScheduleActivity
from hourglass.exceptions import ActivityError, CancelledError, DefinitionError, RetryState
from hourglass.workflow._runtime.durations import optional_timeout
from hourglass.workflow._runtime.pending import Pending

if TYPE_CHECKING:
    from hourglass._bridge import Payload, ResolveActivity
    from hourglass.common import Priority, RetryPolicy
    from hourglass.workflow._runtime.state import RunState

T = TypeVar("T")


class ActivityCancellationType(IntEnum):
    """The way a workflow cancels an activity; values are the protocol's."""

    TRY_CANCEL = 0
    """Ask for the cancellation and go on at once."""
    WAIT_CANCELLATION_COMPLETED = 1
    """Ask for it and wait until the activity has ended, however it does."""
    ABANDON = 2
    """Go on at once and don't ask."""


class ActivityHandle(Pending[T]):
    """A scheduled activity. Awaiting it gives its result or raises `ActivityError`.

    `cancel` asks for cancellation: the handle then ends as history says, with an `ActivityError`
    whose cause is a `CancelledError`, or with a result that came first. Cancelling a task that
    awaits the handle does the same.
    """

    __slots__ = ("_first_step", "_result_type", "left_alone")

    kind = "an activity"

    def __init__(self, state: RunState, seq: int, result_type: Any) -> None:
        super().__init__(state, seq)
        self._result_type = result_type
        self._first_step = state.loop.ran + len(state.loop.ready)
        self.left_alone: ScheduleActivity | None = None
        """Its command, if it is only abandoned when it is cancelled."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Ask for cancellation; False when it is done already. Before the loop has come to it there
        is nothing to wait for: it is cancelled now, as a task is before its first step."""
        loop = self._run.loop
        if self.done() or loop.evicted or loop.ran > self._first_step:
            return super().cancel(msg)
        loop.check_writable(f"cancel {self.kind}")
        self._ask_to_cancel(str(msg) if msg else "")
        return super(Pending, self).cancel(msg)

    def _ask_to_cancel(self, reason: str) -> None:
        command, commands = self.left_alone, self._run.commands
        if command is None or any(other is command for other in commands):
            commands.append(RequestCancelActivity(self._seq))
            return
        # Core is not told: it knows no way on when an abandoned activity fails or times out later.
        self._run.loop.call_soon(self._abandon, command)

    def _abandon(self, command: ScheduleActivity) -> None:
        if not self.done():
            cause, state = CancelledError("Abandoned"), RetryState.CANCEL_REQUESTED
            self.set_exception(wrapped(cause, command.activity_type, command.activity_id, state))

    def resolve(self, job: ResolveActivity) -> None:
        """Take the outcome that history recorded."""
        if self.done():
            return
        if job.status == "completed":
            self._succeed(job.result, self._result_type)
        elif job.failure is not None:
            self.set_exception(self._error(job.failure))
        else:
            raise RuntimeError(f"activity {self._seq} ended as {job.status!r} without a failure")


def wrapped(
    cause: BaseException, activity_type: str, activity_id: str, retry_state: RetryState | None
) -> ActivityError:
    """Wrap the cause of an end that is in no history as an activity's."""
    error = ActivityError(
        "Activity cancelled" if isinstance(cause, CancelledError) else "Activity task failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=activity_type,
        activity_id=activity_id,
        retry_state=retry_state,
    )
    error.__cause__ = cause
    return error


def resolve_activity_type(activity: Any) -> tuple[str, Any]:
    """The type name and the result type of a name, a function, a method or a callable class."""
    if isinstance(activity, str):
        return activity, None
    definition = getattr(activity, "__hourglass_activity_definition__", None)
    if definition is None:
        name = getattr(activity, "__qualname__", repr(activity))
        raise DefinitionError(f"{name} is not an activity: decorate it with @activity.defn")
    if definition.name is None:
        raise DefinitionError("a dynamic activity can't be called by its function; give a name")
    return definition.name, definition.ret_type


def encoded_arguments(state: RunState, activity: Any, arguments: Sequence[Any]) -> list[Payload]:
    """Encode arguments; of a function they are checked by its types."""
    converter = state.payload_converter
    definition = getattr(activity, "__hourglass_activity_definition__", None)
    converter.check_values(arguments, None if definition is None else definition.arg_types)
    return converter.to_payloads(arguments)


def schedule_activity(
    state: RunState,
    activity: Any,
    arguments: Sequence[Any],
    *,
    result_type: Any = None,
    task_queue: str | None = None,
    schedule_to_close_timeout: timedelta | None = None,
    schedule_to_start_timeout: timedelta | None = None,
    start_to_close_timeout: timedelta | None = None,
    heartbeat_timeout: timedelta | None = None,
    retry_policy: RetryPolicy | None = None,
    cancellation_type: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
    activity_id: str | None = None,
    summary: str | None = None,
    priority: Priority | None = None,
    headers: Mapping[str, Payload] | None = None,
    disable_eager_execution: bool | None = None,
) -> ActivityHandle[Any]:
    """Add the command. Everything that can be wrong is found before a number is used up."""
    state.loop.check_writable("start an activity")
    if schedule_to_close_timeout is None and start_to_close_timeout is None:
        raise ValueError(
            f"activity {activity!r} needs start_to_close_timeout or schedule_to_close_timeout:"
            " without a limit a lost activity would never be tried again"
        )
    name, declared = resolve_activity_type(activity)
    seq = state.activity_seq + 1
    command = ScheduleActivity(
        seq,
        activity_id or str(seq),
        name,
        task_queue or state.task_queue,
        encoded_arguments(state, activity, arguments) if arguments else (),
        schedule_to_close_timeout=optional_timeout(
            schedule_to_close_timeout, "schedule_to_close_timeout"
        ),
        schedule_to_start_timeout=optional_timeout(
            schedule_to_start_timeout, "schedule_to_start_timeout"
        ),
        start_to_close_timeout=optional_timeout(start_to_close_timeout, "start_to_close_timeout"),
        heartbeat_timeout=optional_timeout(heartbeat_timeout, "heartbeat_timeout"),
        retry_policy=None if retry_policy is None else retry_policy.to_wire(),
        cancellation_type=int(cancellation_type),
        headers=headers,
        do_not_eagerly_execute=state.disable_eager_activities
        if disable_eager_execution is None
        else disable_eager_execution,
        priority=None if priority is None else priority.to_wire(),
        summary=state.summary(summary),
    )
    handle: ActivityHandle[Any] = ActivityHandle(
        state, seq, declared if result_type is None else result_type
    )
    if cancellation_type == ActivityCancellationType.ABANDON:
        handle.left_alone = command
    state.activity_seq = seq
    state.activities[seq] = handle
    state.commands.append(command)
    return handle
