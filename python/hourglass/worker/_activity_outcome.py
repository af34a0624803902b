"""Outcomes of attempts of activities, as core takes them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hourglass._bridge import ActivityCompletion, ActivityTask
from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.activity._context import CompleteAsyncError, log_details
from hourglass.converter.failure_text import text_of, type_name
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


async def completed(token: bytes, result: Any, declared: Any, converter: DataConverter) -> Outcome:
    """Report a result. One that can't be encoded would fail every attempt alike: no retry."""
    try:
        converter.payload_converter.check_values((result,), (declared,), lenient=True)
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
    *,
    task_queue: str = "",
) -> Outcome:
    """Report an exception: a cancellation that was asked for, or a failure."""
    token = task.task_token
    if task.is_local and cancellation is not None and cancellation.worker_shutdown:
        return await _cancelled(token, CancelledError("the worker stopped"), converter)
    if isinstance(error, CompleteAsyncError):
        if not task.is_local:
            return Outcome(ActivityCompletion.will_complete_async(token))
        error = ApplicationError(  # core would wait for ever
            "a local activity can't be completed elsewhere: it has no task token",
            type="CompleteAsyncError",
            non_retryable=True,
        )
    if isinstance(error, (asyncio.CancelledError, CancelledError)) and cancellation is not None:
        interrupted = _interruption(cancellation)
        if interrupted is not None:
            interrupted.__cause__ = error
            return await _failed(token, interrupted, converter)
        cancelled = error if isinstance(error, CancelledError) else CancelledError()
        return await _cancelled(token, cancelled, converter)
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
        extra={"temporal_activity": log_details(task, task_queue)},
    )
    return await _failed(token, error, converter, is_last=_is_last_local_attempt(task, error))


async def _cancelled(token: bytes, error: CancelledError, converter: DataConverter) -> Outcome:
    failure = await _encoded(error, converter)
    if "canceled_failure_info" not in failure:
        failure = await _encoded(CancelledError(f"cancelled; {failure['message']}"), converter)
    details = failure.get("canceled_failure_info", {}).get("details", {})
    request = {"task_token": token, "details": details}
    native = ActivityCompletion.cancelled(token, failure)
    return Outcome(native, "RespondActivityTaskCanceled", request)


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
        return _stopped()
    return None


def _stopped() -> ApplicationError:
    """The failure of an attempt whose worker stops first."""
    return ApplicationError(
        "the worker stopped before the activity completed", type="WorkerShutdown"
    )


def unreported(task: ActivityTask, error: BaseException) -> Outcome:
    """Fail an attempt whose outcome could not be made: because of `error`."""
    with contextlib.suppress(Exception):  # logging may be what raised
        logger.critical("%s ended without an outcome", described(task), exc_info=error)
    failure = _bare_failure(error, error)
    request = {"task_token": task.task_token, "failure": failure}
    native = ActivityCompletion.failed(task.task_token, failure)
    return Outcome(native, "RespondActivityTaskFailed", request)


async def abandoned(task: ActivityTask, converter: DataConverter) -> Outcome:
    """Report that the worker stops before an attempt ended. A local one is not retried by itself:
    its workflow task is given back."""
    if task.is_local:
        return await _cancelled(task.task_token, CancelledError("the worker stopped"), converter)
    return await _failed(task.task_token, _stopped(), converter)


def _is_last_local_attempt(task: ActivityTask, error: BaseException) -> bool:
    """Tell whether the next attempt would begin after schedule_to_close_timeout.

    The service looks at that before a retry. Core, which retries a local activity, only looks while
    an attempt runs, and would go on for ever.
    """
    limit, policy = task.schedule_to_close_timeout, task.retry_policy
    if not task.is_local or not limit or policy is None:
        return False
    delay = error.next_retry_delay if isinstance(error, ApplicationError) else None
    if delay is None:
        first: timedelta = policy.get("initial_interval", timedelta(seconds=1))
        factor = float(policy.get("backoff_coefficient", 2.0)) ** (task.attempt - 1)
        longest: timedelta = policy.get("maximum_interval", 100 * first)
        delay = min(first * factor, longest)
    return datetime.now(timezone.utc) + delay >= task.scheduled_time + limit


async def _failed(
    token: bytes, error: BaseException, converter: DataConverter, *, is_last: bool = False
) -> Outcome:
    failure = await _encoded(error, converter)
    if "application_failure_info" not in failure:  # the service takes no other: that is the cause
        info = {"type": type(error).__name__}
        message = failure.get("message", "")
        failure = {"message": message, "application_failure_info": info, "cause": failure}
    if is_last:
        last = {**failure["application_failure_info"], "non_retryable": True}
        failure = {**failure, "application_failure_info": last}
    try:
        native = ActivityCompletion.failed(token, failure)
    except Exception as refused:
        logger.exception("the failure of an activity is none that the service takes")
        failure = _bare_failure(error, refused)
        native = ActivityCompletion.failed(token, failure)
    request = {"task_token": token, "failure": failure}
    return Outcome(native, "RespondActivityTaskFailed", request)


async def _encoded(error: BaseException, converter: DataConverter) -> Wire:
    """Make the failure of an exception; whatever keeps that from being made is in it."""
    try:
        return await converter.encode_failure(error)
    except BaseException as refused:  # converters are the program's own code
        if _is_passing(refused):
            raise
        try:
            return await converter.encode_failure(_substitute(error, refused))
        except BaseException as again:
            if _is_passing(again):
                raise
            logger.exception("the failure of an activity can't be encoded")
            return _bare_failure(error, again)


def _is_passing(error: BaseException) -> bool:
    """Tell whether the event loop ends the attempt's task, and not the program's code."""
    return isinstance(error, (asyncio.CancelledError, GeneratorExit))


def _substitute(error: BaseException, refused: BaseException) -> ApplicationError:
    """Stand in for an exception that can't be encoded; retried as that would have been."""
    kind, non_retryable = type_name(error), False
    text = f"{kind} could not be encoded: {type_name(refused)}: {text_of(refused)}"
    if isinstance(error, ApplicationError):
        kind, non_retryable = str(error.type or kind), error.non_retryable
    return ApplicationError(text, type=kind, non_retryable=non_retryable)


def _bare_failure(error: BaseException, refused: BaseException) -> Wire:
    """Make a failure of class names only: texts are for the converter, which may hide them."""
    kind, reason = type_name(error), type_name(refused)
    return {
        "message": f"{kind} could not be encoded: {reason}",
        "application_failure_info": {"type": kind},
    }
