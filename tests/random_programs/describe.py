"""Outcomes as JSON, the same for what the model raises and for what the product raises."""

from __future__ import annotations

import asyncio
from typing import Any

from hourglass import exceptions
from hourglass.workflow import ContinueAsNewError


def describe(error: BaseException) -> list[Any]:
    """Name an exception's class and message; of wrappers, that of the cause."""
    if isinstance(error, (exceptions.ActivityError, exceptions.ChildWorkflowError)):
        cause = error.__cause__
        return [type(error).__name__, None if cause is None else describe(cause)]
    if isinstance(error, exceptions.ApplicationError):
        return ["ApplicationError", error.type or "", error.message]
    if isinstance(error, (asyncio.CancelledError, exceptions.CancelledError)):
        return ["CancelledError"]
    if isinstance(error, exceptions.TimeoutError):
        return ["TimeoutError", error.type.name if error.type else ""]
    if isinstance(error, exceptions.FailureError):
        return [type(error).__name__]
    if isinstance(error, ContinueAsNewError):
        return ["ContinueAsNewError"]
    members: tuple[BaseException, ...] | None = getattr(error, "exceptions", None)
    if members is not None:
        return [type(error).__name__, *map(describe, members)]
    return [type(error).__name__, str(error)]


def outcome_of(result: Any) -> Any:
    """A result of `asyncio.gather` with ``return_exceptions``: a value or a description."""
    return describe(result) if isinstance(result, BaseException) else result
