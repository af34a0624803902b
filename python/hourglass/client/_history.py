"""The history of a run: whole, event by event, or as Temporal's JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, cast

from hourglass import _bridge
from hourglass.client._inputs import FetchWorkflowHistoryEventsInput
from hourglass.client._requests._parts import compact, execution
from hourglass.client._service import LongCall, Pages, Service
from hourglass.exceptions import from_bridge

if TYPE_CHECKING:
    from hourglass._bridge import Wire


class WorkflowHistoryEventFilterType(IntEnum):
    """The part of a history that is meant; values are the protocol's."""

    ALL_EVENT = 1
    CLOSE_EVENT = 2


ALL_EVENT = WorkflowHistoryEventFilterType.ALL_EVENT


class WorkflowHistory:
    """The events of a run, in order."""

    def __init__(self, native: _bridge.History) -> None:
        self.native = native
        """The native form, as a replayer takes it."""

    @property
    def workflow_id(self) -> str:
        """The id of the workflow."""
        return self.native.workflow_id

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.native.run_id

    @property
    def events(self) -> Sequence[Wire]:
        """`temporal.api.history.v1.HistoryEvent` as wire values."""
        return self.native.events()

    def __len__(self) -> int:
        return len(self.native)

    @staticmethod
    def from_json(workflow_id: str, history: str | Mapping[str, Any]) -> WorkflowHistory:
        """Read JSON of Temporal's CLI or UI or of `to_json`; `HistoryError` if it is malformed."""
        text = history if isinstance(history, str) else json.dumps(history)
        try:
            return WorkflowHistory(_bridge.History.from_json(workflow_id, text))
        except _bridge.BridgeError as error:
            raise from_bridge(error) from None

    @staticmethod
    def from_events(workflow_id: str, events: Sequence[Wire]) -> WorkflowHistory:
        """Make a history from events as wire values (`events`), whose times have microseconds."""
        return WorkflowHistory.from_json(workflow_id, {"events": [_json(one) for one in events]})

    def to_json(self) -> str:
        """Write the history as Temporal's CLI and UI do."""
        return self.native.to_json()

    def to_json_dict(self) -> dict[str, Any]:
        """Write the history as a dictionary of `to_json`."""
        content: dict[str, Any] = json.loads(self.native.to_json())
        return content


def _json(value: Any) -> Any:
    """Write wire values as protobuf's JSON has them."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _json(member) for name, member in members.items()}
    if isinstance(value, list):
        return [_json(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, _bridge.Payload):
        return {"metadata": _json(dict(value.metadata)), "data": _json(value.data)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.total_seconds():.9f}s" if isinstance(value, timedelta) else value


class WorkflowHistoryEventAsyncIterator(Pages["Wire"]):
    """Events as wire values, fetched page by page as the iteration goes on. For one iteration."""

    def __init__(self, service: Service, given: FetchWorkflowHistoryEventsInput) -> None:
        super().__init__(given.next_page_token, page_size=given.page_size or None, limit=None)
        self._service = service
        self._given = given

    async def _fetch(self, page_size: int | None, token: bytes | None) -> Wire:
        given = self._given
        request = {
            "execution": execution(given.id, given.run_id),
            "wait_new_event": given.wait_new_event,
            "history_event_filter_type": int(given.event_filter_type),
            "skip_archival": given.skip_archival,
            "maximum_page_size": page_size,
            "next_page_token": token,
        }
        rpc = "GetWorkflowExecutionHistory"
        if given.wait_new_event and given.rpc_timeout is None:
            news = LongCall(self._service, given, f"news of workflow {given.id!r}")
            return await news.send(rpc, compact(request))
        return await self._service.call(rpc, compact(request), given)

    def _found(self, answer: Wire) -> Sequence[Wire]:
        events: Sequence[Wire] = answer.get("history", {}).get("events", [])
        return events


async def fetch_history(
    service: Service,
    workflow_id: str,
    run_id: str | None,
    *,
    skip_archival: bool,
    rpc_metadata: Mapping[str, str] | None,
    rpc_timeout: timedelta | None,
) -> WorkflowHistory:
    """Fetch all events of a run. Natively where nothing else is asked for: times are exact then."""
    asked = rpc_metadata or rpc_timeout is not None or skip_archival
    if not asked and not service.intercepted:
        return WorkflowHistory(
            await service.connection.use(
                "client_fetch_history",
                lambda native: native.fetch_history(workflow_id, run_id or ""),
            )
        )
    events = service.outbound.fetch_workflow_history_events(
        FetchWorkflowHistoryEventsInput(
            workflow_id,
            run_id,
            page_size=None,
            next_page_token=None,
            wait_new_event=False,
            event_filter_type=ALL_EVENT,
            skip_archival=skip_archival,
            rpc_metadata=rpc_metadata or {},
            rpc_timeout=rpc_timeout,
        )
    )
    return WorkflowHistory.from_events(workflow_id, [event async for event in events])
