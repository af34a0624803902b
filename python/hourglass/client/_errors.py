"""Errors of a client's calls beyond `hourglass.exceptions`.

::

    TemporalError
     ├── WorkflowFailureError         result(): the workflow did not complete; see its `cause`
     ├── ActivityFailureError         result(): the same of a standalone activity
     ├── WorkflowContinuedAsNewError  result(follow_runs=False): the run went on as another
     ├── WorkflowQueryFailedError     query(): the handler raised, or there is none
     ├── WorkflowQueryRejectedError   query(): the reject condition held; no handler ran
     ├── WorkflowUpdateFailedError    an update was rejected or its handler failed; see its `cause`
     └── OperationTimeoutError
          └── RPCTimeoutOrCancelledError
               └── WorkflowUpdateRPCTimeoutOrCancelledError   an update was not answered in time
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourglass.exceptions import OperationTimeoutError, TemporalError

if TYPE_CHECKING:
    from hourglass.client._workflow_execution import WorkflowExecutionStatus


class WorkflowFailureError(TemporalError):
    """A workflow failed, timed out, was cancelled or terminated. Not `ChildWorkflowError`."""

    def __init__(self, *, cause: BaseException) -> None:
        super().__init__("Workflow execution failed")
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException:
        """Why: `ApplicationError`, `CancelledError`, `TerminatedError`, `TimeoutError`, …"""
        assert self.__cause__ is not None
        return self.__cause__


class ActivityFailureError(TemporalError):
    """A standalone activity did not succeed. Not `ActivityError`: that one is for workflows."""

    def __init__(self, *, cause: BaseException) -> None:
        super().__init__("Activity execution failed")
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException:
        """Why: `ApplicationError`, `CancelledError`, `TerminatedError`, `TimeoutError`, …"""
        assert self.__cause__ is not None
        return self.__cause__


class WorkflowContinuedAsNewError(TemporalError):
    """The run went on as another, and following was not asked for. Not a failure."""

    def __init__(self, new_execution_run_id: str) -> None:
        super().__init__(f"Workflow continued as new: run {new_execution_run_id}")
        self.new_execution_run_id = new_execution_run_id


class WorkflowQueryFailedError(TemporalError):
    """The query's handler raised or does not exist. The workflow itself is unharmed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class WorkflowQueryRejectedError(TemporalError):
    """The query's reject condition held. Not `WorkflowQueryFailedError`: no handler ran."""

    def __init__(self, status: WorkflowExecutionStatus | None) -> None:
        shown = "unknown" if status is None else status.name
        super().__init__(f"Query rejected, workflow status: {shown}")
        self.status = status


class WorkflowUpdateFailedError(TemporalError):
    """An update was rejected, or its handler failed. The workflow itself is unharmed."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__("Workflow update failed")
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException:
        """Why: mostly an `ApplicationError`."""
        assert self.__cause__ is not None
        return self.__cause__


class RPCTimeoutOrCancelledError(OperationTimeoutError):
    """The wait for an answer was given up here; the service goes on with what was asked."""


class WorkflowUpdateRPCTimeoutOrCancelledError(RPCTimeoutOrCancelledError):
    """The wait for an update was given up here. The update goes on, or was never admitted."""
