"""A run's events, fetched page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from typing_extensions import Self

from hourglass.client._requests._parts import compact, execution

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client


class WorkflowHistoryEventFilterType(IntEnum):
    """Which events of a history are meant; values are the protocol's."""

    ALL_EVENT = 1
    CLOSE_EVENT = 2


ALL_EVENT = WorkflowHistoryEventFilterType.ALL_EVENT


class WorkflowHistoryEventAsyncIterator:
    """Events as wire values, fetched page by page as the iteration goes on. For one iteration."""

    def __init__(
        self,
        client: Client,
        workflow_id: str,
        run_id: str | None,
        *,
        page_size: int | None,
        next_page_token: bytes | None,
        wait_new_event: bool,
        event_filter_type: WorkflowHistoryEventFilterType,
        skip_archival: bool,
        rpc_metadata: Mapping[str, str] | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        self._client = client
        self._request = {
            "execution": execution(workflow_id, run_id),
            "wait_new_event": wait_new_event,
            "history_event_filter_type": int(event_filter_type),
            "skip_archival": skip_archival,
        }
        self._page_size = page_size
        self._next_page_token = next_page_token
        self._rpc_metadata = rpc_metadata
        self._rpc_timeout = rpc_timeout
        self._current_page: Sequence[Wire] | None = None
        self._index = 0

    @property
    def current_page_index(self) -> int:
        """The place of the next event in `current_page`."""
        return self._index

    @property
    def current_page(self) -> Sequence[Wire] | None:
        """What was fetched last (`temporal.api.history.v1.HistoryEvent`); None before that."""
        return self._current_page

    @property
    def next_page_token(self) -> bytes | None:
        """Where the next page begins; None when there is none."""
        return self._next_page_token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Fetch the next page, whether this one was iterated over or not."""
        request = {
            **self._request,
            "maximum_page_size": self._page_size if page_size is None else page_size,
            "next_page_token": self._next_page_token,
        }
        response = await self._client.connection.call(
            "GetWorkflowExecutionHistory", compact(request), self._rpc_metadata, self._rpc_timeout
        )
        self._index = 0
        self._next_page_token = response.get("next_page_token") or None
        self._current_page = response.get("history", {}).get("events", [])

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Wire:
        while self._current_page is None or self._index >= len(self._current_page):
            if self._current_page is not None and self._next_page_token is None:
                raise StopAsyncIteration
            await self.fetch_next_page()
        event = self._current_page[self._index]
        self._index += 1
        return event


async def close_event(
    client: Client,
    workflow_id: str,
    run_id: str | None,
    *,
    follow_runs: bool,
    rpc_metadata: Mapping[str, str] | None,
) -> Wire:
    """Wait until it has closed; with `follow_runs`, in the last of its runs."""
    while True:
        events = client.calls.fetch_workflow_history_events(
            id=workflow_id,
            run_id=run_id,
            page_size=None,
            next_page_token=None,
            wait_new_event=True,
            event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT,
            skip_archival=True,
            rpc_metadata=rpc_metadata,
            rpc_timeout=None,
        )
        async for event in events:
            run_id = _next_run(event) if follow_runs else None
            if run_id is None:
                return event


def _next_run(event: Wire) -> str | None:
    """The run that went on after a close event."""
    for name, attributes in event.items():
        if name.endswith("_event_attributes"):
            return attributes.get("new_execution_run_id") or None
    return None
