"""Standalone activities as the service describes, lists and counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import compact
from hourglass.client._requests.activity_execution import explained
from hourglass.client._service import Pages, Service
from hourglass.client._workflow_execution import groups_of
from hourglass.common import Priority, RetryPolicy, TypedSearchAttributes

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._inputs import ListActivitiesInput
    from hourglass.converter import DataConverter


class ActivityExecutionStatus(IntEnum):
    """The state of a standalone activity; values are the protocol's."""

    UNSPECIFIED = 0
    RUNNING = 1
    """Open: running, or waiting for a worker or for its next attempt."""
    COMPLETED = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    TIMED_OUT = 6
    PAUSED = 7


class PendingActivityState(IntEnum):
    """The state of an activity that is not closed; values are the protocol's."""

    UNSPECIFIED = 0
    SCHEDULED = 1
    """Waiting for a worker, or for its next attempt."""
    STARTED = 2
    CANCEL_REQUESTED = 3
    PAUSED = 4
    PAUSE_REQUESTED = 5
    """Paused as soon as this attempt is over."""


@dataclass(frozen=True)
class ActivityExecution:
    """A run of a standalone activity. Times are UTC."""

    activity_id: str
    activity_run_id: str | None
    activity_type: str
    close_time: datetime | None
    execution_duration: timedelta | None
    """The time from its start to its end, through all attempts."""
    execution_time: datetime | None
    """The time when its first attempt was, or is, due: after `schedule_time` with a delay."""
    namespace: str
    schedule_time: datetime
    """The time when its caller started it."""
    status: ActivityExecutionStatus
    task_queue: str
    typed_search_attributes: TypedSearchAttributes
    raw_info: Wire
    """`temporal.api.activity.v1.ActivityExecutionListInfo`, or `…ActivityExecutionInfo`"""


@dataclass(frozen=True)
class ActivityExecutionDescription(ActivityExecution):
    """A run of a standalone activity, with everything `describe` says about it."""

    attempt: int
    canceled_reason: str | None
    """The reason that was given for its cancellation."""
    current_retry_interval: timedelta | None
    """The wait before its next attempt."""
    expiration_time: datetime | None
    """The time when its `schedule_to_close_timeout` is over."""
    heartbeat_timeout: timedelta | None
    last_attempt_complete_time: datetime | None
    last_heartbeat_time: datetime | None
    last_started_time: datetime | None
    last_worker_identity: str | None
    next_attempt_schedule_time: datetime | None
    priority: Priority
    retry_policy: RetryPolicy | None
    run_state: PendingActivityState | None
    """The state while it is not closed."""
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    start_delay: timedelta | None
    total_heartbeat_count: int
    """The number of heartbeats over all attempts."""
    raw_description: Wire
    """`temporal.api.workflowservice.v1.DescribeActivityExecutionResponse`"""
    data_converter: DataConverter

    def has_input(self) -> bool:
        """Tell whether `input` has it: `describe` was asked to include it."""
        return "input" in self.raw_description

    async def input(self, type_hints: Sequence[type] | None = None) -> list[Any] | None:
        """Decode its arguments; None unless `describe` was asked to include them."""
        return await self._values(self.raw_description.get("input"), type_hints)

    def has_result(self) -> bool:
        """Tell whether `result` has it: it completed, and `describe` was asked for the outcome."""
        return "result" in self._outcome

    async def result(self, type_hint: type | None = None) -> Any:
        """Decode its result; None unless it completed and `describe` was asked for the outcome."""
        hints = None if type_hint is None else [type_hint]
        values = await self._values(self._outcome.get("result"), hints)
        return values[0] if values else None

    def has_outcome_failure(self) -> bool:
        """Tell whether `outcome_failure` has it: it failed, and `describe` was asked for it."""
        return "failure" in self._outcome

    async def outcome_failure(self) -> BaseException | None:
        """Decode its failure; None unless it closed with one and `describe` was asked for it."""
        return await self._error(self._outcome.get("failure"))

    def has_heartbeat_details(self) -> bool:
        """Tell whether `heartbeat_details` has them: there are any, and `describe` was asked to."""
        return "heartbeat_details" in self.raw_info

    async def heartbeat_details(self, type_hints: Sequence[type] | None = None) -> list[Any] | None:
        """Decode the details of its last heartbeat; None unless `describe` was asked for them."""
        return await self._values(self.raw_info.get("heartbeat_details"), type_hints)

    def has_last_failure(self) -> bool:
        """Tell whether `last_failure` has it: an attempt failed, and `describe` was asked to."""
        return "last_failure" in self.raw_info

    async def last_failure(self) -> BaseException | None:
        """Decode the failure of its last attempt; None unless `describe` was asked for it."""
        return await self._error(self.raw_info.get("last_failure"))

    @property
    def _outcome(self) -> Wire:
        outcome: Wire = self.raw_description.get("outcome", {})
        return outcome

    async def _values(
        self, payloads: Wire | None, hints: Sequence[type] | None
    ) -> list[Any] | None:
        if payloads is None:
            return None
        values: list[Payload] = payloads.get("payloads", [])
        return await self.data_converter.decode(values, hints)

    async def _error(self, failure: Wire | None) -> BaseException | None:
        return None if failure is None else await self.data_converter.decode_failure(failure)


def description_of(
    response: Wire, namespace: str, converter: DataConverter
) -> ActivityExecutionDescription:
    """Read the answer of DescribeActivityExecution."""
    info: Wire = response.get("info", {})
    retry_policy = info.get("retry_policy")
    state = info.get("run_state", 0)
    optional: dict[str, Any] = {name: info.get(name) or None for name in _OPTIONAL}
    return ActivityExecutionDescription(
        **_members(info, namespace),
        **optional,
        attempt=info.get("attempt", 0),
        priority=Priority.from_wire(info.get("priority")),
        retry_policy=None if retry_policy is None else RetryPolicy.from_wire(retry_policy),
        run_state=PendingActivityState(state) if state else None,
        total_heartbeat_count=info.get("total_heartbeat_count", 0),
        raw_description=response,
        data_converter=converter,
    )


_OPTIONAL = (
    "canceled_reason",
    "current_retry_interval",
    "expiration_time",
    "heartbeat_timeout",
    "last_attempt_complete_time",
    "last_heartbeat_time",
    "last_started_time",
    "last_worker_identity",
    "next_attempt_schedule_time",
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
    "start_delay",
)
"""The fields in which a missing value, no text and no time all mean that there is none."""


def _members(info: Wire, namespace: str) -> dict[str, Any]:
    indexed: dict[str, Payload] = info.get("search_attributes", {}).get("indexed_fields", {})
    return {
        "activity_id": info.get("activity_id", ""),
        "activity_run_id": info.get("run_id") or None,
        "activity_type": info.get("activity_type", {}).get("name", ""),
        "close_time": info.get("close_time"),
        "execution_duration": info.get("execution_duration"),
        "execution_time": info.get("execution_time"),
        "namespace": namespace,
        "schedule_time": info.get("schedule_time"),
        "status": ActivityExecutionStatus(info.get("status", 0)),
        "task_queue": info.get("task_queue", ""),
        "typed_search_attributes": TypedSearchAttributes.from_fields(indexed),
        "raw_info": info,
    }


class ActivityExecutionAsyncIterator(Pages[ActivityExecution]):
    """Standalone activities, fetched page by page as the iteration goes on. For one iteration."""

    def __init__(self, service: Service, given: ListActivitiesInput) -> None:
        super().__init__(given.next_page_token, page_size=given.page_size, limit=given.limit)
        self._service = service
        self._given = given

    async def _fetch(self, page_size: int | None, token: bytes | None) -> Wire:
        request = {"query": self._given.query, "page_size": page_size, "next_page_token": token}
        with explained(self._service):
            return await self._service.call("ListActivityExecutions", compact(request), self._given)

    def _found(self, answer: Wire) -> Sequence[ActivityExecution]:
        infos: Sequence[Wire] = answer.get("executions", [])
        return [ActivityExecution(**_members(info, self._service.namespace)) for info in infos]


@dataclass(frozen=True)
class ActivityExecutionCountAggregationGroup:
    """A group of standalone activities with the same values, and their number."""

    count: int
    group_values: Sequence[Any]


@dataclass(frozen=True)
class ActivityExecutionCount:
    """The number of standalone activities that a query finds."""

    count: int
    groups: Sequence[ActivityExecutionCountAggregationGroup]
    """The groups, where the query says ``GROUP BY``."""


def count_of(response: Wire) -> ActivityExecutionCount:
    """Read the answer of CountActivityExecutions."""
    groups = [
        ActivityExecutionCountAggregationGroup(count, values)
        for count, values in groups_of(response)
    ]
    return ActivityExecutionCount(response.get("count", 0), groups)
