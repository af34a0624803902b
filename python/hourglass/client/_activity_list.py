"""Finding standalone activities: lists that are fetched page by page, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client import _activity_rpc
from hourglass.client._activity_execution import ActivityExecution, execution_of
from hourglass.client._list import groups_of
from hourglass.client._pages import Pages

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._calls import Calls

_Metadata = Mapping[str, str]


class ActivityExecutionAsyncIterator(Pages[ActivityExecution]):
    """Standalone activities, fetched page by page as the iteration goes on. For one iteration."""

    async def _list(self, request: Wire) -> Wire:
        rpc = "ListActivityExecutions"
        return await _activity_rpc.call(
            self._client, rpc, request, self._rpc_metadata, self._rpc_timeout
        )

    def _found(self, info: Wire) -> ActivityExecution:
        return execution_of(info, self._client.namespace)


@dataclass(frozen=True)
class ActivityExecutionCountAggregationGroup:
    """How many standalone activities have these values of what was grouped by."""

    count: int
    group_values: Sequence[Any]


@dataclass(frozen=True)
class ActivityExecutionCount:
    """How many standalone activities there are."""

    count: int
    groups: Sequence[ActivityExecutionCountAggregationGroup]
    """Where the query says ``GROUP BY``."""


class FindingActivities:
    """What a client can do to find standalone activities."""

    if TYPE_CHECKING:

        @property
        def calls(self) -> Calls: ...

    def list_activities(
        self,
        query: str | None = None,
        *,
        limit: int | None = None,
        page_size: int = 1000,
        next_page_token: bytes | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionAsyncIterator:
        """Standalone activities that a query finds; nothing is fetched before the iteration.

        Activities that a workflow called are not among them.

        Args:
            query: A visibility query, ``ActivityType = 'charge' AND ExecutionStatus = 'Running'``;
                all standalone activities without one.
            limit: At most that many.
            page_size: How many are fetched at a time.
            next_page_token: Where another iteration stopped.

        Raises (in the iteration):
            RPCError: INVALID_ARGUMENT for a query that can't be read.
        """
        return self.calls.list_activities(
            query=query,
            limit=limit,
            page_size=page_size,
            next_page_token=next_page_token,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def count_activities(
        self,
        query: str | None = None,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionCount:
        """How many a query finds, also in groups. Raises as `list_activities` does."""
        return await self.calls.count_activities(
            query=query, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
        )


def count_of(response: Wire) -> ActivityExecutionCount:
    """From CountActivityExecutions's answer."""
    groups = [
        ActivityExecutionCountAggregationGroup(count, values)
        for count, values in groups_of(response)
    ]
    return ActivityExecutionCount(response.get("count", 0), groups)
