"""A client's calls for activities that complete from outside, done at once: see `_calls`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.activity._cancellation import ActivityCancellationDetails
from hourglass.client._async_activity import AsyncActivityCancelledError
from hourglass.client._requests import activity_task
from hourglass.client._requests._parts import UNSET, compact, payloads

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client
    from hourglass.client._requests.activity_task import AsyncActivityIDReference

    _Reference = AsyncActivityIDReference | bytes

_Metadata = Mapping[str, str]


class CompletingCalls:
    """Everything that interceptors may see of activities that complete from outside."""

    if TYPE_CHECKING:
        _client: Client

    async def heartbeat_async_activity(
        self,
        *,
        id_or_token: _Reference,
        details: Sequence[Any],
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Tell that it is alive. `AsyncActivityCancelledError` when it shall stop."""
        content = {"details": await payloads(self._client.data_converter, details)}
        rpc = "RecordActivityTaskHeartbeat"
        answer = await self._tell(rpc, id_or_token, content, rpc_metadata, rpc_timeout)
        told = ActivityCancellationDetails(
            cancel_requested=answer.get("cancel_requested", False),
            paused=answer.get("activity_paused", False),
            reset=answer.get("activity_reset", False),
        )
        if told.cancel_requested or told.paused or told.reset:
            raise AsyncActivityCancelledError(told)

    async def complete_async_activity(
        self,
        *,
        id_or_token: _Reference,
        result: Any,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Complete it."""
        values = () if result is UNSET else (result,)
        content = {"result": await payloads(self._client.data_converter, values)}
        rpc = "RespondActivityTaskCompleted"
        await self._tell(rpc, id_or_token, content, rpc_metadata, rpc_timeout)

    async def fail_async_activity(
        self,
        *,
        id_or_token: _Reference,
        error: Exception,
        last_heartbeat_details: Sequence[Any],
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Fail this attempt."""
        converter = self._client.data_converter
        content = {
            "failure": await converter.encode_failure(error),
            "last_heartbeat_details": await payloads(converter, last_heartbeat_details),
        }
        rpc = "RespondActivityTaskFailed"
        await self._tell(rpc, id_or_token, content, rpc_metadata, rpc_timeout)

    async def report_cancellation_async_activity(
        self,
        *,
        id_or_token: _Reference,
        details: Sequence[Any],
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Say that it has honoured its cancellation."""
        content = {"details": await payloads(self._client.data_converter, details)}
        rpc = "RespondActivityTaskCanceled"
        await self._tell(rpc, id_or_token, content, rpc_metadata, rpc_timeout)

    async def _tell(
        self,
        rpc: str,
        id_or_token: _Reference,
        content: Mapping[str, Any],
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> Wire:
        name, which = activity_task.call(rpc, id_or_token)
        request = {**which, **compact(content)}
        return await self._client.connection.call(name, request, rpc_metadata, rpc_timeout)
