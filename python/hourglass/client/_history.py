"""A run's history, as fetched or as read from Temporal's JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from hourglass import _bridge
from hourglass.exceptions import from_bridge

if TYPE_CHECKING:
    from hourglass._bridge import Wire


class WorkflowHistory:
    """The events of one run, in order."""

    def __init__(self, native: _bridge.History) -> None:
        self.native = native
        """The native form, as a replayer takes it."""

    @property
    def workflow_id(self) -> str:
        """Whose history it is."""
        return self.native.workflow_id

    @property
    def run_id(self) -> str:
        """Of which run."""
        return self.native.run_id

    @property
    def events(self) -> Sequence[Wire]:
        """`temporal.api.history.v1.HistoryEvent` as wire values."""
        return self.native.events()

    def __len__(self) -> int:
        return len(self.native)

    @staticmethod
    def from_json(workflow_id: str, history: str | Mapping[str, Any]) -> WorkflowHistory:
        """From what Temporal's CLI, UI or `to_json` wrote; `HistoryError` if it is malformed."""
        text = history if isinstance(history, str) else json.dumps(history)
        try:
            return WorkflowHistory(_bridge.History.from_json(workflow_id, text))
        except _bridge.BridgeError as error:
            raise from_bridge(error) from error

    @staticmethod
    def from_events(workflow_id: str, events: Sequence[Wire]) -> WorkflowHistory:
        """From events as wire values (`events`). Their times have microseconds only."""
        return WorkflowHistory.from_json(workflow_id, {"events": [_json(one) for one in events]})

    def to_json(self) -> str:
        """As Temporal's CLI and UI write it."""
        return self.native.to_json()

    def to_json_dict(self) -> dict[str, Any]:
        """The same as a dictionary."""
        content: dict[str, Any] = json.loads(self.native.to_json())
        return content


def _json(value: Any) -> Any:
    """Wire values as protobuf's JSON has them."""
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
