"""Native errors to exceptions of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourglass.exceptions._calls import (
    RPCError,
    RPCStatusCode,
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
    HistoryError,
    InvalidArgumentError,
    InvalidTargetError,
    NondeterminismError,
)

if TYPE_CHECKING:
    from hourglass._bridge import BridgeError

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
    """Turn a native error into ours, which says all that it said: raise it ``from None``."""
    if error.kind == "rpc":
        code = RPCStatusCode.UNKNOWN if error.status is None else RPCStatusCode(error.status)
        return RPCError(error.message, code, error.details)
    if error.kind == "stale_handle":
        pid, epoch = getattr(error, "pid", None), getattr(error, "epoch", None)
        return StaleHandleError(error.message, pid, epoch)
    return _OF_KIND[error.kind](error.message)
