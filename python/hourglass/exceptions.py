"""Everything Hourglass raises, and what each is not.

::

    TemporalError                        the root: catch it to catch all of ours
     ├── FailureError                    a failure that histories record
     │    ├── ApplicationError           user code failed: an activity, a workflow, or on purpose
     │    ├── CancelledError             a cancellation was asked for and honoured
     │    ├── TerminatedError            ended from outside, without asking the code
     │    ├── TimeoutError               a limit that the service watches was passed
     │    ├── ServerError                the service itself failed the work
     │    ├── ActivityError              wraps why an activity did not succeed (see its `cause`)
     │    ├── ChildWorkflowError         the same for a child workflow
     │    ├── WorkflowAlreadyStartedError  the workflow id is taken
     │    └── ActivityAlreadyStartedError  the same for a standalone activity
     ├── RPCError                        the service answered a call with a gRPC status
     ├── InvalidArgumentError            also a ValueError: a value that can't be what was asked for
     │    ├── InvalidTargetError         an address that is neither a cluster's nor a database's
     │    └── DefinitionError            a workflow or activity that can't be registered as it is
     ├── PayloadError
     │    ├── EncodingError              also a TypeError: a value no converter takes
     │    └── DecodingError              also a TypeError: a payload that does not fit its type
     ├── HistoryError                    also a ValueError: a history that is malformed
     ├── ConnectError                    also a ConnectionError: the cluster can't be reached
     ├── DatabaseError                   the database can't be opened or written
     │    └── DatabaseInUseError         another process has it open
     ├── NondeterminismError             a history that does not fit the workflow's code
     ├── DeadlockError                   workflow code that did not come back in its time
     ├── ValidationError                 the service does not take this worker (unknown namespace)
     ├── StaleHandleError                a native handle of another process or a closed runtime
     ├── ClosedError                     it was closed or shut down by this program
     ├── OperationTimeoutError           also a built-in TimeoutError: a wait was given up, locally
     ├── OperationCancelledError         the wait was cancelled, locally
     ├── PollError                       polling for tasks had to be given up
     ├── CompletionError                 a task's answer was refused
     └── InternalError                   a bug of ours

The errors of a client's calls (`WorkflowFailureError`, …) live in `hourglass.client`; the
supervision package has a tree of its own, since it knows nothing of workflows.

`CancelledError` and `TimeoutError` have the convention's names, not the built-in's meaning: inside
a workflow or an activity a cancellation is `asyncio.CancelledError`.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hourglass._bridge import BridgeError, Wire


class TemporalError(Exception):
    """The root of all that is drawn above. Not of the supervision package's errors."""

    @property
    def cause(self) -> BaseException | None:
        """What led to it: the ``__cause__``."""
        return self.__cause__


# --- failures: what histories record ---------------------------------------------------------


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
    """How alarming an `ApplicationError` is; values are the protocol's."""

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
        """True: no retry policy retries it."""
        return self._non_retryable

    @property
    def next_retry_delay(self) -> timedelta | None:
        """How long to wait before the next attempt, instead of the policy's interval."""
        return self._next_retry_delay

    @property
    def category(self) -> ApplicationErrorCategory:
        """How alarming it is."""
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
    """Which limit was passed; values are the protocol's."""

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
        """Which limit it was."""
        return self._type

    @property
    def last_heartbeat_details(self) -> Sequence[Any]:
        """What the activity's last heartbeat said."""
        return self._last_heartbeat_details


class ServerError(FailureError):
    """The service failed the work. Not an `RPCError`: that is the answer to one call."""

    def __init__(self, message: str, *, non_retryable: bool = False) -> None:
        super().__init__(message)
        self._non_retryable = non_retryable

    @property
    def non_retryable(self) -> bool:
        """True: no retry policy retries it."""
        return self._non_retryable


class RetryState(IntEnum):
    """Why there was no further attempt; values are the protocol's."""

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
        """Who ran it last."""
        return self._identity

    @property
    def activity_type(self) -> str:
        """Its name."""
        return self._activity_type

    @property
    def activity_id(self) -> str:
        """Its id within the workflow."""
        return self._activity_id

    @property
    def retry_state(self) -> RetryState | None:
        """Why there was no further attempt."""
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
        """Why there was no further run."""
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


# --- calls and values ------------------------------------------------------------------------


class RPCStatusCode(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RPCError(TemporalError):
    """The service answered a call with an error. Not `ConnectError`: there was an answer."""

    def __init__(self, message: str, status: RPCStatusCode, details: Sequence[Wire] = ()) -> None:
        super().__init__(message)
        self._message = message
        self._status = status
        self._details = list(details)

    @property
    def message(self) -> str:
        """What the service said."""
        return self._message

    @property
    def status(self) -> RPCStatusCode:
        """gRPC's status code."""
        return self._status

    @property
    def details(self) -> Sequence[Wire]:
        """The messages inside the status, as wire values with ``"@type"``."""
        return self._details

    def detail(self, type_name: str) -> Wire | None:
        """The first detail whose type ends in `type_name`."""
        for detail in self._details:
            if str(detail.get("@type", "")).endswith(type_name):
                return detail
        return None


class InvalidArgumentError(TemporalError, ValueError):
    """A value that can't be what was asked for. Not the service's INVALID_ARGUMENT."""


class InvalidTargetError(InvalidArgumentError):
    """An address that names neither a cluster nor a database. Not one where nobody answers."""


class DefinitionError(InvalidArgumentError):
    """A workflow or activity that can't be registered as it stands. Not one that failed."""


class PayloadError(TemporalError):
    """A value and its payload do not fit. Not a `FailureError`: nothing ran yet, or it ran well."""


class EncodingError(PayloadError, TypeError):
    """A value that no converter takes, with the path to it. Nothing is sent in its place."""


class DecodingError(PayloadError, TypeError):
    """A payload that can't become the value asked for, with the path to where it does not fit."""


class HistoryError(TemporalError, ValueError):
    """A history that is malformed. Not one that its code does not fit (`NondeterminismError`)."""


class NondeterminismError(TemporalError):
    """Workflow code did not do what the history says it did. Not a malformed history."""


class DeadlockError(TemporalError):
    """Workflow code did not come back from one activation; its task fails and is tried again.

    Seen in histories and logs, with the stack; never raised in the code itself. Not a
    `TimeoutError`: the service's limits have nothing to do with it.
    """


# --- the surroundings ------------------------------------------------------------------------


class ConnectError(TemporalError, ConnectionError):
    """The cluster can't be reached. Not an `RPCError`: nobody answered."""


class DatabaseError(TemporalError):
    """The database can't be opened or written: not ours, newer, read-only, full, or in use."""


class DatabaseInUseError(DatabaseError):
    """Another process has the database open, or another engine of this one.

    It names the process. A target that ends in ``?wait=30`` waits that many seconds for it first.
    """


class ValidationError(TemporalError):
    """The service does not take this worker, mostly: it doesn't know the namespace."""


class StaleHandleError(TemporalError):
    """A native handle of another process (after a fork) or of a runtime that was closed.

    Not `ClosedError`: nobody closed what it stands for; make it anew. `pid` and `epoch` are the
    handle's: the process it belongs to, and which of that process's runtimes; None where a handle
    is of no runtime.
    """

    def __init__(self, message: str, pid: int | None = None, epoch: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid
        self.epoch = epoch


class ClosedError(TemporalError):
    """The program itself closed the client, worker or replayer. Not a `StaleHandleError`."""


class OperationTimeoutError(TemporalError, builtins.TimeoutError):
    """A wait was given up here; what was waited for may go on. Not this module's `TimeoutError`."""


class OperationCancelledError(TemporalError):
    """A wait was cancelled here. Not `CancelledError`: nothing was asked of a workflow."""


class PollError(TemporalError):
    """A worker had to give up polling. Not `ClosedError`: nobody asked for it."""


class CompletionError(TemporalError):
    """A task's answer was refused: the run is gone or was evicted. The task comes again."""


class InternalError(TemporalError):
    """A bug of ours, with where it happened. Not a mistake of the program that sees it."""


# --- where a native error becomes one of these -----------------------------------------------

_OF_KIND: dict[str, type[TemporalError]] = {
    "bad_argument": InvalidArgumentError,
    "bad_target": InvalidTargetError,
    "cancelled": OperationCancelledError,
    "completion": CompletionError,
    "connect": ConnectError,
    "database": DatabaseError,
    "database_in_use": DatabaseInUseError,
    "history": HistoryError,
    "internal": InternalError,
    "nondeterminism": NondeterminismError,
    "poll": PollError,
    "shutdown": ClosedError,
    "timeout": OperationTimeoutError,
    "validation": ValidationError,
}


def from_bridge(error: BridgeError) -> TemporalError:
    """Turn a native error into ours, and make it the cause: the only place that does."""
    ours: TemporalError
    if error.kind == "rpc":
        code = RPCStatusCode.UNKNOWN if error.status is None else RPCStatusCode(error.status)
        ours = RPCError(error.message, code, error.details)
    elif error.kind == "stale_handle":
        pid, epoch = getattr(error, "pid", None), getattr(error, "epoch", None)
        ours = StaleHandleError(error.message, pid, epoch)
    else:
        ours = _OF_KIND[error.kind](error.message)
    ours.__cause__ = error
    return ours


def is_cancelled_exception(exception: BaseException) -> bool:
    """Tell whether it stands for a cancellation: of asyncio, ours, an activity's, a child's."""
    return isinstance(exception, (asyncio.CancelledError, CancelledError)) or (
        isinstance(exception, (ActivityError, ChildWorkflowError))
        and isinstance(exception.cause, CancelledError)
    )
