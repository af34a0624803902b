"""Errors of the surroundings: clusters, databases, workers, waits that are given up here."""

from __future__ import annotations

import builtins

from hourglass.exceptions._root import TemporalError


class ConnectError(TemporalError, ConnectionError):
    """The cluster can't be reached. Not an `RPCError`: nobody answered."""


class DatabaseError(TemporalError):
    """The database can't be used: not ours, newer, read-only, full, damaged, in use, or lost.

    It names the file and says what to do. The call that raises it was not retried. An engine whose
    database was deleted, moved, replaced or cut raises it from then on; close its clients and
    connect anew to open what is there.
    """


class DatabaseInUseError(DatabaseError):
    """Another process has the database open, or another engine of this one.

    It names the process. A target that ends in ``?wait=30`` waits that many seconds for it first.
    """


class ValidationError(TemporalError, RuntimeError):
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
