"""A client's calls about standalone activities, done at once: see `_calls`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from hourglass.client._activity_execution import ActivityExecutionDescription, description_of
from hourglass.client._activity_list import ActivityExecutionAsyncIterator, count_of
from hourglass.client._activity_options import (
    ActivityExecutionOptions,
    ActivityOptionsUpdate,
    changes,
    options_of,
)
from hourglass.client._activity_rpc import call, reference
from hourglass.client._requests import start_activity_execution as start
from hourglass.client._requests._parts import duration
from hourglass.exceptions import RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._activity_handle import ActivityHandle
    from hourglass.client._activity_list import ActivityExecutionCount
    from hourglass.client._client import Client
    from hourglass.client._requests.start_activity_execution import StartActivityOptions

_Metadata = Mapping[str, str]


class StandaloneCalls:
    """Everything about standalone activities that interceptors may see."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def _call(
        self,
        rpc: str,
        request: Mapping[str, Any],
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> Wire:
        return await call(self._client, rpc, request, rpc_metadata, rpc_timeout)

    async def start_activity(
        self,
        *,
        activity_type: str,
        args: Sequence[Any],
        result_type: Any = None,
        headers: Mapping[str, Payload] | None = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]:
        """Start it; its handle."""
        client, rpc = self._client, "StartActivityExecution"
        metadata, timeout = options.get("rpc_metadata"), options.get("rpc_timeout")
        request = await start.request(
            activity_type, args, options, client.data_converter, headers=headers
        )
        try:
            response = await self._call(rpc, request, metadata, timeout)
        except RPCError as refused:
            if refused.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
            raise start.already_started(refused, options["id"], activity_type) from refused
        return client.handle_of_started_activity(options["id"], response["run_id"], result_type)

    async def cancel_activity(
        self,
        *,
        activity_id: str,
        activity_run_id: str | None,
        reason: str | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Ask it to cancel itself."""
        request = reference(activity_id, activity_run_id, reason=reason)
        await self._call("RequestCancelActivityExecution", request, rpc_metadata, rpc_timeout)

    async def terminate_activity(
        self,
        *,
        activity_id: str,
        activity_run_id: str | None,
        reason: str | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """End it at once."""
        request = reference(activity_id, activity_run_id, reason=reason)
        await self._call("TerminateActivityExecution", request, rpc_metadata, rpc_timeout)

    async def describe_activity(
        self,
        *,
        activity_id: str,
        activity_run_id: str | None,
        include_input: bool,
        include_outcome: bool,
        include_heartbeat_details: bool,
        include_last_failure: bool,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> ActivityExecutionDescription:
        """What the service knows about it."""
        client, rpc = self._client, "DescribeActivityExecution"
        request = reference(
            activity_id,
            activity_run_id,
            include_input=include_input,
            include_outcome=include_outcome,
            include_heartbeat_details=include_heartbeat_details,
            include_last_failure=include_last_failure,
        )
        response = await self._call(rpc, request, rpc_metadata, rpc_timeout)
        return description_of(response, client.namespace, client.data_converter)

    async def pause_activity(
        self,
        *,
        activity_id: str,
        activity_run_id: str | None,
        reason: str | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Have it begin no further attempt."""
        request = reference(activity_id, activity_run_id, reason=reason)
        await self._call("PauseActivityExecution", request, rpc_metadata, rpc_timeout)

    async def unpause_activity(
        self,
        *,
        activity_id: str,
        activity_run_id: str | None,
        reason: str | None,
        jitter: timedelta | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        """Let it go on."""
        given = {"reason": reason, "jitter": duration("jitter", jitter)}
        request = reference(activity_id, activity_run_id, **given)
        await self._call("UnpauseActivityExecution", request, rpc_metadata, rpc_timeout)

    async def update_activity_options(
        self,
        *,
        activity_id: str,
        activity_run_id: str | None,
        updates: Sequence[ActivityOptionsUpdate[Any]],
        restore_original: bool,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> ActivityExecutionOptions:
        """Change some of its options, or undo every change."""
        given = {"restore_original": True} if restore_original else changes(updates)
        request = reference(activity_id, activity_run_id, **given)
        rpc = "UpdateActivityExecutionOptions"
        return options_of(await self._call(rpc, request, rpc_metadata, rpc_timeout))

    def list_activities(
        self,
        *,
        query: str | None,
        page_size: int,
        next_page_token: bytes | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
        limit: int | None,
    ) -> ActivityExecutionAsyncIterator:
        """Those that a query finds."""
        return ActivityExecutionAsyncIterator(
            self._client,
            query,
            limit=limit,
            page_size=page_size,
            next_page_token=next_page_token,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def count_activities(
        self, *, query: str | None, rpc_metadata: _Metadata | None, rpc_timeout: timedelta | None
    ) -> ActivityExecutionCount:
        """How many those are."""
        rpc, request = "CountActivityExecutions", {"query": query or ""}
        return count_of(await self._call(rpc, request, rpc_metadata, rpc_timeout))
