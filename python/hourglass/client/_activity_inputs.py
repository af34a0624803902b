"""What interceptors are given of calls about activities. Public in `hourglass.client`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import UNSET, no_headers, no_metadata
from hourglass.common import ActivityIDConflictPolicy, ActivityIDReusePolicy, Priority

if TYPE_CHECKING:
    from hourglass._bridge import Payload
    from hourglass.client._activity_options import ActivityOptionsUpdate
    from hourglass.client._requests.activity_task import AsyncActivityIDReference
    from hourglass.common import RetryPolicy, TypedSearchAttributes


@dataclass
class StartActivityInput:
    """For `OutboundInterceptor.start_activity`."""

    activity_type: str
    args: Sequence[Any]
    id: str
    task_queue: str
    result_type: Any = None
    schedule_to_close_timeout: timedelta | None = None
    schedule_to_start_timeout: timedelta | None = None
    start_to_close_timeout: timedelta | None = None
    heartbeat_timeout: timedelta | None = None
    id_reuse_policy: ActivityIDReusePolicy = ActivityIDReusePolicy.ALLOW_DUPLICATE
    id_conflict_policy: ActivityIDConflictPolicy = ActivityIDConflictPolicy.FAIL
    retry_policy: RetryPolicy | None = None
    priority: Priority = Priority.default
    search_attributes: TypedSearchAttributes | None = None
    summary: str | None = None
    start_delay: timedelta | None = None
    headers: Mapping[str, Payload] = field(default_factory=no_headers)
    rpc_metadata: Mapping[str, str] = field(default_factory=no_metadata)
    rpc_timeout: timedelta | None = None


@dataclass
class CancelActivityInput:
    """For `OutboundInterceptor.cancel_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class TerminateActivityInput:
    """For `OutboundInterceptor.terminate_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class DescribeActivityInput:
    """For `OutboundInterceptor.describe_activity`."""

    activity_id: str
    activity_run_id: str | None
    include_input: bool
    include_outcome: bool
    include_heartbeat_details: bool
    include_last_failure: bool
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class PauseActivityInput:
    """For `OutboundInterceptor.pause_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class UnpauseActivityInput:
    """For `OutboundInterceptor.unpause_activity`."""

    activity_id: str
    activity_run_id: str | None
    reason: str | None
    jitter: timedelta | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class UpdateActivityOptionsInput:
    """For `OutboundInterceptor.update_activity_options`."""

    activity_id: str
    activity_run_id: str | None
    updates: Sequence[ActivityOptionsUpdate[Any]]
    restore_original: bool
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class ListActivitiesInput:
    """For `OutboundInterceptor.list_activities`."""

    query: str | None
    page_size: int
    next_page_token: bytes | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
    limit: int | None


@dataclass
class CountActivitiesInput:
    """For `OutboundInterceptor.count_activities`."""

    query: str | None
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class HeartbeatAsyncActivityInput:
    """For `OutboundInterceptor.heartbeat_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class CompleteAsyncActivityInput:
    """For `OutboundInterceptor.complete_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    result: Any = UNSET
    rpc_metadata: Mapping[str, str] = field(default_factory=no_metadata)
    rpc_timeout: timedelta | None = None


@dataclass
class FailAsyncActivityInput:
    """For `OutboundInterceptor.fail_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    error: Exception
    last_heartbeat_details: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class ReportCancellationAsyncActivityInput:
    """For `OutboundInterceptor.report_cancellation_async_activity`."""

    id_or_token: AsyncActivityIDReference | bytes
    details: Sequence[Any]
    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None
