"""Outcomes of attempts of activities, as core takes them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hourglass._bridge import ActivityCompletion, ActivityTask
from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.activity._context import CompleteAsyncError
from hourglass.exceptions import (
    ApplicationError,
    ApplicationErrorCategory,
    CancelledError,
    EncodingError,
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.converter import DataConverter

logger = logging.getLogger("hourglass.worker")


@dataclass(frozen=True)
class Outcome:
    """The end of an attempt: as core takes it, and as the service does if core is gone."""

    native: ActivityCompletion
    rpc: str = ""
    """Empty: nobody but core can be told."""
    request: Wire = field(default_factory=dict[str, Any])


async def completed(token: bytes, result: Any, converter: DataConverter) -> Outcome:
    """Report a result. One that can't be encoded would fail every attempt alike: no retry."""
    try:
        if converter.payload_codec is None:
            payload = converter.payload_converter.to_payloads((result,))[0]
        else:
            payload = (await converter.encode((result,)))[0]
    except EncodingError as error:
        refused = ApplicationError(
            f"the result can't be encoded: {error}", type="EncodingError", non_retryable=True
        )
        refused.__cause__ = error
        logger.warning("an activity completed, but its result can't be encoded: %s", error)
        return await _failed(token, refused, converter)
    request = {"task_token": token, "result": {"payloads": [payload]}}
    return Outcome(
        ActivityCompletion.completed(token, payload), "RespondActivityTaskCompleted", request
    )


async def raised(
    task: ActivityTask,
    error: BaseException,
    cancellation: ActivityCancellationDetails | None,
    converter: DataConverter,
) -> Outcome:
    """Report an exception: a cancellation that was asked for, or a failure."""
    token = task.task_token
    if isinstance(error, CompleteAsyncError):
        return Outcome(ActivityCompletion.will_complete_async(token))
    if isinstance(error, (asyncio.CancelledError, CancelledError)) and cancellation is not None:
        interrupted = _interruption(cancellation)
        if interrupted is not None:
            interrupted.__cause__ = error
            return await _failed(token, interrupted, converter)
        cancelled = error if isinstance(error, CancelledError) else CancelledError()
        failure = await converter.encode_failure(cancelled)
        details = failure.get("canceled_failure_info", {}).get("details", {})
        request = {"task_token": token, "details": details}
        native = ActivityCompletion.cancelled(token, failure)
        return Outcome(native, "RespondActivityTaskCanceled", request)
    if isinstance(error, asyncio.CancelledError):
        error = CancelledError("cancelled in this process, not by the service")
    benign = isinstance(error, ApplicationError) and (
        error.category is ApplicationErrorCategory.BENIGN
    )
    logger.log(
        logging.DEBUG if benign else logging.WARNING,
        "%s failed in attempt %d",
        described(task),
        task.attempt,
        exc_info=error,
    )
    return await _failed(token, error, converter)


def described(task: ActivityTask) -> str:
    """Describe an activity for logs."""
    named = f"activity {task.activity_type!r} ({task.activity_id})"
    return f"{named} of workflow {task.workflow_id!r}" if task.workflow_id else named


def _interruption(cancellation: ActivityCancellationDetails) -> ApplicationError | None:
    """The failure of a cancellation that the service did not ask for: it tries again."""
    if cancellation.paused:
        return ApplicationError("the activity was paused", type="ActivityPause")
    if cancellation.reset:
        return ApplicationError("the activity was reset", type="ActivityReset")
    if cancellation.worker_shutdown and not cancellation.cancel_requested:
        return abandoned()
    return None


def abandoned() -> ApplicationError:
    """The failure of an attempt whose worker stops first."""
    return ApplicationError(
        "the worker stopped before the activity completed", type="WorkerShutdown"
    )


async def failed(token: bytes, error: BaseException, converter: DataConverter) -> Outcome:
    """Report that an attempt failed with `error`."""
    return await _failed(token, error, converter)


async def _failed(token: bytes, error: BaseException, converter: DataConverter) -> Outcome:
    try:
        failure = await converter.encode_failure(error)
    except Exception as unencodable:  # noqa: BLE001, RUF100 - user details: report, don't lose it
        substitute = ApplicationError(
            f"{type(error).__name__} could not be encoded: {unencodable}",
            type=type(unencodable).__name__,
        )
        failure = await converter.encode_failure(substitute)
    if "application_failure_info" not in failure:  # the service takes no other: that is the cause
        info = {"type": type(error).__name__}
        message = failure.get("message", "")
        failure = {"message": message, "application_failure_info": info, "cause": failure}
    request = {"task_token": token, "failure": failure}
    return Outcome(ActivityCompletion.failed(token, failure), "RespondActivityTaskFailed", request)
