"""Options that clients, workflows and activities share: retries, id policies, priority, search
attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hourglass._public import publish
from hourglass._search_attributes import (
    SearchAttributeIndexedValueType,
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)
from hourglass.exceptions import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire

__all__ = [
    "ActivityIDConflictPolicy",
    "ActivityIDReusePolicy",
    "Priority",
    "QueryRejectCondition",
    "RawValue",
    "RetryPolicy",
    "SearchAttributeIndexedValueType",
    "SearchAttributeKey",
    "SearchAttributePair",
    "SearchAttributeUpdate",
    "TypedSearchAttributes",
    "WorkflowIDConflictPolicy",
    "WorkflowIDReusePolicy",
]

publish(globals())

_ONE_SECOND: Final = timedelta(seconds=1)
_MAX_ATTEMPTS: Final = 2**31 - 1


@dataclass
class RetryPolicy:
    """When to try again, and how often.

    The n-th retry waits ``initial_interval * backoff_coefficient ** (n - 1)``, at most
    `maximum_interval` (by default 100 times the initial one). `maximum_attempts` counts the first
    attempt too; 0 is no limit. `non_retryable_error_types` are names as in `ApplicationError.type`.
    """

    initial_interval: timedelta = _ONE_SECOND
    backoff_coefficient: float = 2.0
    maximum_interval: timedelta | None = None
    maximum_attempts: int = 0
    non_retryable_error_types: Sequence[str] | None = None

    def validate(self) -> None:
        """Refuse a policy that can't be followed; `InvalidArgumentError` names the field."""
        if self.maximum_attempts == 1:
            return  # never retries: the rest does not matter
        if self.initial_interval <= timedelta(0):
            raise InvalidArgumentError("RetryPolicy: initial_interval must be above 0")
        if not (self.backoff_coefficient >= 1 and math.isfinite(self.backoff_coefficient)):
            raise InvalidArgumentError("RetryPolicy: backoff_coefficient must be at least 1")
        if self.maximum_interval is not None and self.maximum_interval < self.initial_interval:
            raise InvalidArgumentError(
                "RetryPolicy: maximum_interval must not be below initial_interval"
            )
        if not 0 <= self.maximum_attempts <= _MAX_ATTEMPTS:
            raise InvalidArgumentError("RetryPolicy: maximum_attempts must be from 0 to 2**31 - 1")

    def to_wire(self) -> Wire:
        """`temporal.api.common.v1.RetryPolicy`; `InvalidArgumentError` if it can't be followed."""
        self.validate()
        if isinstance(self.non_retryable_error_types, str):
            raise InvalidArgumentError(
                "RetryPolicy: non_retryable_error_types is a list of names, not one string"
            )
        wire: Wire = {
            "initial_interval": self.initial_interval,
            "backoff_coefficient": float(self.backoff_coefficient),
        }
        if self.maximum_interval is not None:
            wire["maximum_interval"] = self.maximum_interval
        if self.maximum_attempts:
            wire["maximum_attempts"] = self.maximum_attempts
        if self.non_retryable_error_types:
            wire["non_retryable_error_types"] = list(self.non_retryable_error_types)
        return wire

    @staticmethod
    def from_wire(wire: Mapping[str, Any]) -> RetryPolicy:
        """From `temporal.api.common.v1.RetryPolicy`."""
        return RetryPolicy(
            initial_interval=wire.get("initial_interval", timedelta(0)),
            backoff_coefficient=wire.get("backoff_coefficient", 0.0),
            maximum_interval=wire.get("maximum_interval"),
            maximum_attempts=wire.get("maximum_attempts", 0),
            non_retryable_error_types=wire.get("non_retryable_error_types"),
        )


class WorkflowIDReusePolicy(IntEnum):
    """Reuse of the id of a *closed* workflow; values are the protocol's."""

    ALLOW_DUPLICATE = 1
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    REJECT_DUPLICATE = 3
    TERMINATE_IF_RUNNING = 4
    """Deprecated by the protocol: `WorkflowIDConflictPolicy.TERMINATE_EXISTING` says it better."""


class WorkflowIDConflictPolicy(IntEnum):
    """Treatment of an id that belongs to a *running* workflow; values are the protocol's."""

    UNSPECIFIED = 0
    """As FAIL, unless the reuse policy is TERMINATE_IF_RUNNING."""
    FAIL = 1
    USE_EXISTING = 2
    TERMINATE_EXISTING = 3


class ActivityIDReusePolicy(IntEnum):
    """Reuse of the id of a *closed* standalone activity; values are the protocol's."""

    UNSPECIFIED = 0
    """As ALLOW_DUPLICATE."""
    ALLOW_DUPLICATE = 1
    ALLOW_DUPLICATE_FAILED_ONLY = 2
    REJECT_DUPLICATE = 3


class ActivityIDConflictPolicy(IntEnum):
    """Treatment of an id that is a *running* standalone activity's; the protocol's values."""

    UNSPECIFIED = 0
    """As FAIL."""
    FAIL = 1
    USE_EXISTING = 2


class QueryRejectCondition(IntEnum):
    """When a query is refused because of the workflow's state; values are the protocol's."""

    NONE = 1
    NOT_OPEN = 2
    NOT_COMPLETED_CLEANLY = 3


@dataclass(frozen=True)
class Priority:
    """The order of tasks of a queue: by `priority_key` (low is early), then fairness."""

    default: ClassVar[Priority]

    priority_key: int | None = None
    fairness_key: str | None = None
    fairness_weight: float | None = None

    def __post_init__(self) -> None:
        key = self.priority_key
        if key is not None and not isinstance(key, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentTypeError(f"Priority: priority_key must be an integer, not {key!r}")
        if key is not None and key < 1:
            raise InvalidArgumentError("Priority: priority_key must be at least 1")

    def to_wire(self) -> Wire | None:
        """`temporal.api.common.v1.Priority`; None when it says nothing."""
        wire: Wire = {
            name: value
            for name, value in (
                ("priority_key", self.priority_key),
                ("fairness_key", self.fairness_key),
                ("fairness_weight", self.fairness_weight),
            )
            if value is not None
        }
        return wire or None

    @staticmethod
    def from_wire(wire: Mapping[str, Any] | None) -> Priority:
        """From `temporal.api.common.v1.Priority`."""
        if not wire:
            return Priority.default
        return Priority(
            priority_key=wire.get("priority_key") or None,
            fairness_key=wire.get("fairness_key") or None,
            fairness_weight=wire.get("fairness_weight") or None,
        )


Priority.default = Priority()


@dataclass(frozen=True)
class RawValue:
    """A payload that is passed on as it is: no converter reads or makes it."""

    payload: Payload
