"""The exceptions that Hourglass raises, each with the neighbour it is not.

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
     │    ├── ArgumentTypeError          also a TypeError: a value of another type
     │    ├── InvalidTargetError         an address that is neither a cluster's nor a database's
     │    └── DefinitionError            a workflow or activity that can't be registered as it is
     │         └── HandlerDefinitionError  also a RuntimeError: no signal, query or update
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

from hourglass._public import publish
from hourglass.exceptions._calls import (
    RPCError,
    RPCStatusCode,
)
from hourglass.exceptions._failures import (
    ActivityAlreadyStartedError,
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    RetryState,
    ServerError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - the convention's name
    TimeoutType,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)
from hourglass.exceptions._from_bridge import (
    from_bridge,
)
from hourglass.exceptions._root import (
    TemporalError,
)
from hourglass.exceptions._surroundings import (
    ClosedError,
    CompletionError,
    ConnectError,
    DatabaseError,
    DatabaseInUseError,
    InternalError,
    OperationCancelledError,
    OperationTimeoutError,
    PollError,
    StaleHandleError,
    ValidationError,
)
from hourglass.exceptions._values import (
    ArgumentTypeError,
    DeadlockError,
    DecodingError,
    DefinitionError,
    EncodingError,
    HandlerDefinitionError,
    HistoryError,
    InvalidArgumentError,
    InvalidTargetError,
    NondeterminismError,
    PayloadError,
)

__all__ = [
    "ActivityAlreadyStartedError",
    "ActivityError",
    "ApplicationError",
    "ApplicationErrorCategory",
    "ArgumentTypeError",
    "CancelledError",
    "ChildWorkflowError",
    "ClosedError",
    "CompletionError",
    "ConnectError",
    "DatabaseError",
    "DatabaseInUseError",
    "DeadlockError",
    "DecodingError",
    "DefinitionError",
    "EncodingError",
    "FailureError",
    "HandlerDefinitionError",
    "HistoryError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidTargetError",
    "NondeterminismError",
    "OperationCancelledError",
    "OperationTimeoutError",
    "PayloadError",
    "PollError",
    "RPCError",
    "RPCStatusCode",
    "RetryState",
    "ServerError",
    "StaleHandleError",
    "TemporalError",
    "TerminatedError",
    "TimeoutError",
    "TimeoutType",
    "ValidationError",
    "WorkflowAlreadyStartedError",
    "from_bridge",
    "is_cancelled_exception",
]

publish(globals())
