"""Failures: what histories record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hourglass.exceptions._root import TemporalError

if TYPE_CHECKING:
    from hourglass._bridge import Wire


class FailureError(TemporalError):
    """A failure that is recorded and sent. Not an `RPCError`: the call itself went well."""

    def __init__(
        self,
        message: str,
        *,
        failure: Wire | None = None,
        exc_args: tuple[object, ...] | None = None,
    ) -> None:
        super().__init__(*((message,) if exc_args is None else exc_args))
        self._message = message
        self._failure = failure

    @property
    def message(self) -> str:
        """The message, without what the class adds to it."""
        return self._message

    @property
    def failure(self) -> Wire | None:
        """`temporal.api.failure.v1.Failure` that it was made from; None when it was raised here."""
        return self._failure

    def remember(self, failure: Wire) -> None:
        """Note what it was made from: passed on, it is that failure again."""
        self._failure = failure


class ApplicationErrorCategory(IntEnum):
    """Urgency of an `ApplicationError`; values are the protocol's."""

    UNSPECIFIED = 0
    BENIGN = 1


class ApplicationError(FailureError):
    """User code failed. Not an `ActivityError`: that one wraps this one for the workflow.

    `details` travel with it. `non_retryable` ends all retries; `next_retry_delay` replaces the
    retry policy's interval for the next one.
    """

    def __init__(
        self,
        message: str,
        *details: Any,
        type: str | None = None,  # noqa: A002 - the convention's name
        non_retryable: bool = False,
        next_retry_delay: timedelta | None = None,
        category: ApplicationErrorCategory = ApplicationErrorCategory.UNSPECIFIED,
    ) -> None:
        super().__init__(message, exc_args=(f"{type}: {message}" if type else message,))
        self._details = details
        self._type = type
        self._non_retryable = non_retryable
        self._next_retry_delay = next_retry_delay
        self._category = category

    @property
    def details(self) -> Sequence[Any]:
        """User data that came with it."""
        return self._details

    @property
    def type(self) -> str | None:
        """The kind of error as a name; the class name where an exception became a failure."""
        return self._type

    @property
    def non_retryable(self) -> bool:
        """No retry policy retries it, if true."""
        return self._non_retryable

    @property
    def next_retry_delay(self) -> timedelta | None:
        """The wait before the next attempt, instead of the policy's interval."""
        return self._next_retry_delay

    @property
    def category(self) -> ApplicationErrorCategory:
        """The urgency."""
        return self._category


class CancelledError(FailureError):
    """Work was cancelled and honoured it. Not `asyncio.CancelledError`, nor a termination."""

    def __init__(self, message: str = "Cancelled", *details: Any) -> None:
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> Sequence[Any]:
        """User data that came with it."""
        return self._details


class TerminatedError(FailureError):
    """A workflow was ended from outside. Not `CancelledError`: its code was not asked."""

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> Sequence[Any]:
        """User data that came with it."""
        return self._details


class TimeoutType(IntEnum):
    """Limits that can be passed; values are the protocol's."""

    START_TO_CLOSE = 1
    SCHEDULE_TO_START = 2
    SCHEDULE_TO_CLOSE = 3
    HEARTBEAT = 4


class TimeoutError(FailureError):  # noqa: A001 - the convention's name
    """A limit of an activity or workflow was passed. Not a wait of this process that was given up
    (`OperationTimeoutError`, `asyncio.TimeoutError`)."""

    def __init__(
        self,
        message: str,
        *,
        type: TimeoutType | None,  # noqa: A002 - the convention's name
        last_heartbeat_details: Sequence[Any],
    ) -> None:
        super().__init__(message)
        self._type = type
        self._last_heartbeat_details = last_heartbeat_details

    @property
    def type(self) -> TimeoutType | None:
        """The limit that was passed."""
        return self._type

    @property
    def last_heartbeat_details(self) -> Sequence[Any]:
        """The details of the activity's last heartbeat."""
        return self._last_heartbeat_details


class ServerError(FailureError):
    """The service failed the work. Not an `RPCError`: that is the answer to one call."""

    def __init__(self, message: str, *, non_retryable: bool = False) -> None:
        super().__init__(message)
        self._non_retryable = non_retryable

    @property
    def non_retryable(self) -> bool:
        """No retry policy retries it, if true."""
        return self._non_retryable


class RetryState(IntEnum):
    """Reasons not to try again; values are the protocol's."""

    IN_PROGRESS = 1
    NON_RETRYABLE_FAILURE = 2
    TIMEOUT = 3
    MAXIMUM_ATTEMPTS_REACHED = 4
    RETRY_POLICY_NOT_SET = 5
    INTERNAL_SERVER_ERROR = 6
    CANCEL_REQUESTED = 7


class ActivityError(FailureError):
    """An activity did not succeed; why is its `cause`. Not raised inside the activity."""

    def __init__(
        self,
        message: str,
        *,
        scheduled_event_id: int,
        started_event_id: int,
        identity: str,
        activity_type: str,
        activity_id: str,
        retry_state: RetryState | None,
    ) -> None:
        super().__init__(message)
        self._scheduled_event_id = scheduled_event_id
        self._started_event_id = started_event_id
        self._identity = identity
        self._activity_type = activity_type
        self._activity_id = activity_id
        self._retry_state = retry_state

    @property
    def scheduled_event_id(self) -> int:
        """The event that scheduled it."""
        return self._scheduled_event_id

    @property
    def started_event_id(self) -> int:
        """The event of its last start; 0 if it never started."""
        return self._started_event_id

    @property
    def identity(self) -> str:
        """The identity of the worker that ran it last."""
        return self._identity

    @property
    def activity_type(self) -> str:
        """The activity's name."""
        return self._activity_type

    @property
    def activity_id(self) -> str:
        """The activity's id within the workflow."""
        return self._activity_id

    @property
    def retry_state(self) -> RetryState | None:
        """The reason why it was not tried again."""
        return self._retry_state


class ChildWorkflowError(FailureError):
    """A child workflow did not succeed: see `cause`. Not a client's `WorkflowFailureError`."""

    def __init__(
        self,
        message: str,
        *,
        namespace: str,
        workflow_id: str,
        run_id: str,
        workflow_type: str,
        initiated_event_id: int,
        started_event_id: int,
        retry_state: RetryState | None,
    ) -> None:
        super().__init__(message)
        self._namespace = namespace
        self._workflow_id = workflow_id
        self._run_id = run_id
        self._workflow_type = workflow_type
        self._initiated_event_id = initiated_event_id
        self._started_event_id = started_event_id
        self._retry_state = retry_state

    @property
    def namespace(self) -> str:
        """The child's namespace."""
        return self._namespace

    @property
    def workflow_id(self) -> str:
        """The child's workflow id."""
        return self._workflow_id

    @property
    def run_id(self) -> str:
        """The child's run."""
        return self._run_id

    @property
    def workflow_type(self) -> str:
        """The child's name."""
        return self._workflow_type

    @property
    def initiated_event_id(self) -> int:
        """The event that asked for it."""
        return self._initiated_event_id

    @property
    def started_event_id(self) -> int:
        """The event of its start; 0 if it never started."""
        return self._started_event_id

    @property
    def retry_state(self) -> RetryState | None:
        """The reason why it was not run again."""
        return self._retry_state


class WorkflowAlreadyStartedError(FailureError):
    """The workflow id is taken by a run that the id policies protect. Not an `RPCError`."""

    def __init__(self, workflow_id: str, workflow_type: str, *, run_id: str | None = None) -> None:
        super().__init__(f"Workflow execution already started: {workflow_id!r} (run {run_id})")
        self.workflow_id = workflow_id
        self.workflow_type = workflow_type
        self.run_id = run_id


class ActivityAlreadyStartedError(FailureError):
    """The id is taken by a standalone activity that the id policies protect. Not an `RPCError`."""

    def __init__(self, activity_id: str, activity_type: str, *, run_id: str | None = None) -> None:
        super().__init__(f"Activity execution already started: {activity_id!r} (run {run_id})")
        self.activity_id = activity_id
        self.activity_type = activity_type
        self.run_id = run_id


def is_cancelled_exception(exception: BaseException) -> bool:
    """Tell whether it stands for a cancellation: of asyncio, ours, an activity's, a child's."""
    return isinstance(exception, (asyncio.CancelledError, CancelledError)) or (
        isinstance(exception, (ActivityError, ChildWorkflowError))
        and isinstance(exception.cause, CancelledError)
    )
