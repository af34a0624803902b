"""Finding workflows: lists that are fetched page by page, and counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from hourglass.client._execution import WorkflowExecution, execution_of
from hourglass.client._requests._parts import compact
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._client import Client
    from hourglass.client._history import WorkflowHistory

_Metadata = Mapping[str, str]


class WorkflowExecutionAsyncIterator:
    """Workflows, fetched page by page as the iteration goes on. For one iteration."""

    def __init__(
        self,
        client: Client,
        query: str | None,
        *,
        limit: int | None,
        page_size: int,
        next_page_token: bytes | None,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        if page_size < 1:
            raise InvalidArgumentError(f"page_size has to be at least 1, not {page_size}")
        self._client = client
        self._query = query or ""
        self._left = limit
        self._page_size = page_size
        self._next_page_token = next_page_token
        self._rpc_metadata = rpc_metadata
        self._rpc_timeout = rpc_timeout
        self._current_page: Sequence[WorkflowExecution] | None = None
        self._index = 0

    @property
    def current_page_index(self) -> int:
        """The place of the next workflow in `current_page`."""
        return self._index

    @property
    def current_page(self) -> Sequence[WorkflowExecution] | None:
        """What was fetched last; None before the first page."""
        return self._current_page

    @property
    def next_page_token(self) -> bytes | None:
        """Where the next page begins; None when there is none."""
        return self._next_page_token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Fetch the next page, whether this one was iterated over or not."""
        size = self._page_size if page_size is None else page_size
        if self._left is not None:
            size = min(size, self._left)
        request = compact(
            {"query": self._query, "page_size": size, "next_page_token": self._next_page_token}
        )
        client = self._client
        response = await client.connection.call(
            "ListWorkflowExecutions", request, self._rpc_metadata, self._rpc_timeout
        )
        self._index = 0
        self._next_page_token = response.get("next_page_token") or None
        self._current_page = [
            execution_of(info, client.namespace, client.data_converter)
            for info in response.get("executions", [])
        ]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WorkflowExecution:
        if self._left == 0:
            raise StopAsyncIteration
        while self._current_page is None or self._index >= len(self._current_page):
            if self._current_page is not None and self._next_page_token is None:
                raise StopAsyncIteration
            await self.fetch_next_page()
        found = self._current_page[self._index]
        self._index += 1
        if self._left is not None:
            self._left -= 1
        return found

    async def map_histories(self) -> AsyncIterator[WorkflowHistory]:
        """The histories of the workflows, one by one: what a `Replayer` takes."""
        async for found in self:
            handle = self._client.get_workflow_handle(found.id, run_id=found.run_id)
            yield await handle.fetch_history()


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
        client: Any = self
        return WorkflowExecutionAsyncIterator(
            client,
            query,
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
        client: Any = self
        response: Wire = await client.connection.call(
            "CountWorkflowExecutions", {"query": query or ""}, rpc_metadata, rpc_timeout
        )
        groups = [
            WorkflowExecutionCountAggregationGroup(
                group.get("count", 0), [_json(value) for value in group.get("group_values", [])]
            )
            for group in response.get("groups", [])
        ]
        return WorkflowExecutionCount(response.get("count", 0), groups)


def _json(payload: Payload) -> Any:
    """The service's own JSON: no converter or codec ever sees it."""
    return json.loads(payload.data)
