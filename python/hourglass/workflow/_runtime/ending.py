"""The ending of a run: the command that ends it, or the error that fails its task."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hourglass._bridge import CancelWorkflowExecution, FailWorkflowExecution
from hourglass.exceptions import CancelledError, FailureError, is_cancelled_exception
from hourglass.workflow._runtime.continue_as_new import ContinueAsNewCommandError

if TYPE_CHECKING:
    from hourglass._bridge import Command
    from hourglass.workflow._runtime.state import RunState


class Ending:
    """The judge of what leaves the run method and the handlers.

    ::

        open --returned, or a failure, or continue_as_new--> ended      (the first one counts)
        open, ended --any other exception--> task failed                (until it is evicted)
    """

    __slots__ = ("_failure_types", "_state", "_worker_types", "outcome", "task_error")

    def __init__(self, state: RunState, worker_types: Sequence[type[BaseException]]) -> None:
        self._state = state
        # asyncio's own timeout is a failure too: what wait_condition and wait_for raise.
        self._worker_types = (FailureError, asyncio.TimeoutError, *worker_types)
        self.declare(state.definition.failure_exception_types)
        self.outcome: Command | None = None
        """The command that ends the run."""
        self.task_error: BaseException | None = None
        """The error that fails this task, and each one until the run is built anew."""

    def declare(self, types: Sequence[type[BaseException]]) -> None:
        """Take the exceptions that this workflow declares as failures."""
        self._failure_types = (*self._worker_types, *types)

    def is_failure(self, error: BaseException) -> bool:
        """Tell whether `error`, leaving the run method, fails the workflow, not just the task.

        A group, as task groups raise it, does when all its members do: else it would be retried
        for ever, since what failed in it is on record and fails again.
        """
        return isinstance(error, self._failure_types) or _all_members(error, self._member_fails)

    def _member_fails(self, error: BaseException) -> bool:
        return self.is_failure(error) or isinstance(error, asyncio.CancelledError)

    def end(self, outcome: Command) -> None:
        """End the run, if it has not ended."""
        if self.outcome is None:
            self.outcome = outcome

    def conclude(self, error: BaseException) -> None:
        """Decide what an exception that left the run method or a handler means."""
        try:
            if isinstance(error, ContinueAsNewCommandError):
                self.end(error.command)
                return
            self._fail_or_cancel(
                CancelledError(str(error) or "Cancelled")
                if isinstance(error, asyncio.CancelledError)
                else error
            )
        except Exception as failed:
            self.fail_task(failed)

    def fail_task(self, error: BaseException) -> None:
        """Give up the task: the run is built anew from history."""
        self.task_error = self.task_error or error

    def _fail_or_cancel(self, error: BaseException) -> None:
        state = self._state
        if state.cancel_reason is not None and _is_cancelled(error):
            self.end(CancelWorkflowExecution())
        elif self.is_failure(error):
            failure = state.failure_of(error)
            self.end(FailWorkflowExecution(failure))
        else:
            self.fail_task(error)


_Group: Any = getattr(builtins, "BaseExceptionGroup", None)  # Python 3.11


def _is_cancelled(error: BaseException) -> bool:
    return is_cancelled_exception(error) or _all_members(error, _is_cancelled)


def _all_members(error: BaseException, holds: Callable[[BaseException], bool]) -> bool:
    """Tell whether `error` is a group and `holds` is true of each member."""
    if _Group is None or not isinstance(error, _Group):
        return False
    members: Sequence[BaseException] = getattr(error, "exceptions", ())
    return all(map(holds, members))
