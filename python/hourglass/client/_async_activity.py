"""Completing activities from outside: for those that left with `activity.raise_complete_async`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.client._inputs import (
    CompleteAsyncActivityInput,
    FailAsyncActivityInput,
    HeartbeatAsyncActivityInput,
    ReportCancellationAsyncActivityInput,
)
from hourglass.client._requests._parts import UNSET
from hourglass.exceptions import TemporalError

if TYPE_CHECKING:
    from hourglass.client._requests.activity_task import AsyncActivityIDReference
    from hourglass.client._service import Service

_Metadata = Mapping[str, str]


class AsyncActivityCancelledError(TemporalError):
    """A heartbeat was told that the activity shall stop. Not `CancelledError`: it may go on."""

    def __init__(self, details: ActivityCancellationDetails) -> None:
        super().__init__("Activity cancelled")
        self.details = details


class AsyncActivityHandle:
    """An activity that is completed from here. Making one asks nothing; it may not exist.

    Every method raises RPCError NOT_FOUND when the service does not wait for it (any more), or
    FAILED_PRECONDITION for a standalone activity that is given by its ids and is closed.
    """

    def __init__(self, service: Service, id_or_token: AsyncActivityIDReference | bytes) -> None:
        self._service = service
        self._id_or_token = id_or_token

    def __repr__(self) -> str:
        return f"<AsyncActivityHandle {self._id_or_token!r}>"

    async def heartbeat(
        self,
        *details: Any,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Tell that it is alive, and what the next attempt should know.

        Raises:
            AsyncActivityCancelledError: It shall stop: answer with `report_cancellation`.
        """
        await self._service.outbound.heartbeat_async_activity(
            HeartbeatAsyncActivityInput(self._id_or_token, details, rpc_metadata or {}, rpc_timeout)
        )

    async def complete(
        self,
        result: Any = UNSET,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Complete it, with a result unless there is none."""
        await self._service.outbound.complete_async_activity(
            CompleteAsyncActivityInput(self._id_or_token, result, rpc_metadata or {}, rpc_timeout)
        )

    async def fail(
        self,
        error: Exception,
        *,
        last_heartbeat_details: Sequence[Any] = (),
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Fail this attempt; its retry policy says whether there is another."""
        await self._service.outbound.fail_async_activity(
            FailAsyncActivityInput(
                self._id_or_token, error, last_heartbeat_details, rpc_metadata or {}, rpc_timeout
            )
        )

    async def report_cancellation(
        self,
        *details: Any,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Say that it has honoured its cancellation. Only after that was asked for."""
        await self._service.outbound.report_cancellation_async_activity(
            ReportCancellationAsyncActivityInput(
                self._id_or_token, details, rpc_metadata or {}, rpc_timeout
            )
        )
