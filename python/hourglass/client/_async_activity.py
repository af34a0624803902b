"""Completing activities from outside: for those that left with `activity.raise_complete_async`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.client._requests import activity_task
from hourglass.client._requests._parts import UNSET
from hourglass.exceptions import TemporalError

if TYPE_CHECKING:
    from hourglass.client._client import Client
    from hourglass.client._requests.activity_task import AsyncActivityIDReference

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

    def __init__(self, client: Client, id_or_token: AsyncActivityIDReference | bytes) -> None:
        self._client = client
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
        await self._client.calls.heartbeat_async_activity(
            id_or_token=self._id_or_token,
            details=details,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def complete(
        self,
        result: Any = UNSET,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Complete it, with a result unless there is none."""
        await self._client.calls.complete_async_activity(
            id_or_token=self._id_or_token,
            result=result,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
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
        await self._client.calls.fail_async_activity(
            id_or_token=self._id_or_token,
            error=error,
            last_heartbeat_details=last_heartbeat_details,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def report_cancellation(
        self,
        *details: Any,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Say that it has honoured its cancellation. Only after that was asked for."""
        await self._client.calls.report_cancellation_async_activity(
            id_or_token=self._id_or_token,
            details=details,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )


class AsyncActivityCalls:
    """What a client can do with activities that complete from outside."""

    @overload
    def get_async_activity_handle(
        self, *, workflow_id: str | None = ..., run_id: str | None = ..., activity_id: str
    ) -> AsyncActivityHandle: ...
    @overload
    def get_async_activity_handle(self, *, task_token: bytes) -> AsyncActivityHandle: ...
    def get_async_activity_handle(
        self,
        *,
        workflow_id: str | None = None,
        run_id: str | None = None,
        activity_id: str | None = None,
        task_token: bytes | None = None,
    ) -> AsyncActivityHandle:
        """The handle of an activity, by its task token or its ids (see `activity.info`).

        It is for whoever completes it; the caller of a standalone one has `get_activity_handle`.

        Args:
            workflow_id: The workflow that called it; None for a standalone activity.
            run_id: Which run of the workflow or of the standalone activity; None is the latest.
        """
        client: Any = self
        id_or_token = activity_task.reference(workflow_id, run_id, activity_id, task_token)
        return AsyncActivityHandle(client, id_or_token)
