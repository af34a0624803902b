"""The metadata query, which every workflow answers: its type and handlers, for user interfaces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hourglass._bridge import Payload
from hourglass.common import RawValue
from hourglass.workflow._definition.definition import HandlerDefinition

if TYPE_CHECKING:
    from hourglass.workflow._runtime.state import RunState

METADATA = "__temporal_workflow_metadata"
Table = Mapping[str | None, HandlerDefinition]


def metadata(state: RunState, signals: Table, queries: Table, updates: Table) -> RawValue:
    """Answer the query: `temporal.api.sdk.v1.WorkflowMetadata` as protobuf JSON."""
    definition = {
        "type": state.workflow_type,
        "queryDefinitions": _interactions(queries.values()),
        "signalDefinitions": _interactions(signals.values()),
        "updateDefinitions": _interactions(updates.values()),
    }
    content = {"definition": definition, "currentDetails": state.current_details}
    kinds = {
        "encoding": b"json/protobuf",
        "messageType": b"temporal.api.sdk.v1.WorkflowMetadata",
    }
    return RawValue(Payload(metadata=kinds, data=json.dumps(content).encode()))


def _interactions(definitions: Iterable[HandlerDefinition]) -> list[dict[str, Any]]:
    """By name, the dynamic one (which has none) first."""
    found = [{"name": one.name or "", "description": one.description or ""} for one in definitions]
    return sorted(found, key=lambda one: one["name"])
