"""Exceptions that cross a border, by Temporal's rules."""

from __future__ import annotations

import asyncio

from hourglass.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    FailureError,
    RetryState,
    is_cancelled_exception,
)


def as_failure(error: BaseException) -> BaseException:
    """Turn an exception into what arrives at the other side of a border."""
    if isinstance(error, asyncio.CancelledError):
        return CancelledError("Cancelled")
    if isinstance(error, FailureError):
        return error
    return ApplicationError(str(error), type=type(error).__name__)


def is_cancelled(error: BaseException) -> bool:
    """Tell whether an exception, or each one of a group, comes from a cancellation."""
    members: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return is_cancelled_exception(error) or (bool(members) and all(map(is_cancelled, members)))


def activity_error(cause: BaseException) -> ActivityError:
    """Wrap the reason why an activity did not succeed."""
    error = ActivityError(
        "activity",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type="",
        activity_id="",
        retry_state=RetryState.IN_PROGRESS,
    )
    error.__cause__ = cause
    return error


def child_error(cause: BaseException) -> ChildWorkflowError:
    """Wrap the reason why a child did not succeed."""
    error = ChildWorkflowError(
        "child",
        namespace="",
        workflow_id="",
        run_id="",
        workflow_type="",
        initiated_event_id=0,
        started_event_id=0,
        retry_state=RetryState.IN_PROGRESS,
    )
    error.__cause__ = cause
    return error
