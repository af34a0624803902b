"""Finding workflows: lists that are fetched page by page, and counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client._execution import WorkflowExecution, execution_of
from hourglass.client._pages import Pages

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._calls import Calls
    from hourglass.client._history import WorkflowHistory

_Metadata = Mapping[str, str]


class WorkflowExecutionAsyncIterator(Pages[WorkflowExecution]):
    """Workflows, fetched page by page as the iteration goes on. For one iteration."""

    async def _list(self, request: Wire) -> Wire:
        return await self._client.connection.call(
            "ListWorkflowExecutions", request, self._rpc_metadata, self._rpc_timeout
        )

    def _found(self, info: Wire) -> WorkflowExecution:
        return execution_of(info, self._client.namespace, self._client.data_converter)

    async def map_histories(
        self,
        *,
        skip_archival: bool = False,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> AsyncIterator[WorkflowHistory]:
        """The histories of the workflows, one by one: what a `Replayer` takes.

        Arguments are those of `WorkflowHandle.fetch_history`.
        """
        async for found in self:
            handle = self._client.get_workflow_handle(found.id, run_id=found.run_id)
            yield await handle.fetch_history(
                skip_archival=skip_archival,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )


@dataclass(frozen=True)
class WorkflowExecutionCountAggregationGroup:
    """How many workflows have these values of what was grouped by."""

    count: int
    group_values: Sequence[Any]


@dataclass(frozen=True)
class WorkflowExecutionCount:
    """How many workflows there are."""

    count: int
    groups: Sequence[WorkflowExecutionCountAggregationGroup]
    """Where the query says ``GROUP BY``."""


class Finding:
    """What a client can do to find workflows."""

    if TYPE_CHECKING:

        @property
        def calls(self) -> Calls: ...

    def list_workflows(
        self,
        query: str | None = None,
        *,
        limit: int | None = None,
        page_size: int = 1000,
        next_page_token: bytes | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowExecutionAsyncIterator:
        """Workflows that a query finds, newest first; nothing is fetched before the iteration.

        Args:
            query: A visibility query, ``WorkflowType = 'Order' AND ExecutionStatus = 'Running'``;
                all workflows without one.
            limit: At most that many.
            page_size: How many are fetched at a time.
            next_page_token: Where another iteration stopped.

        Raises (in the iteration):
            RPCError: INVALID_ARGUMENT for a query that can't be read.
        """
        return self.calls.list_workflows(
            query=query,
            limit=limit,
            page_size=page_size,
            next_page_token=next_page_token,
            rpc_metadata=rpc_metadata,
            rpc_timeout=rpc_timeout,
        )

    async def count_workflows(
        self,
        query: str | None = None,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowExecutionCount:
        """How many workflows a query finds, also in groups. Raises as `list_workflows` does."""
        return await self.calls.count_workflows(
            query=query, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
        )


def count_of(response: Wire) -> WorkflowExecutionCount:
    """From CountWorkflowExecutions's answer."""
    groups = [
        WorkflowExecutionCountAggregationGroup(count, values)
        for count, values in groups_of(response)
    ]
    return WorkflowExecutionCount(response.get("count", 0), groups)


def groups_of(response: Wire) -> list[tuple[int, list[Any]]]:
    """How many there are of what, in an answer to a count with groups."""
    return [
        (group.get("count", 0), [_json(value) for value in group.get("group_values", [])])
        for group in response.get("groups", [])
    ]


def _json(payload: Payload) -> Any:
    """The service's own JSON: no converter or codec ever sees it."""
    return json.loads(payload.data)
