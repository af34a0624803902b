"""What a workflow says about itself to user interfaces: a query that every workflow answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hourglass._bridge import Payload
from hourglass.common import RawValue
from hourglass.workflow._runtime.context import current

if TYPE_CHECKING:
    from hourglass.workflow._definition.definition import HandlerDefinition
    from hourglass.workflow._runtime.instance import WorkflowInstance

METADATA = "__temporal_workflow_metadata"


def get_current_details() -> str:
    """What `set_current_details` set; empty before."""
    return current().current_details


def set_current_details(description: str) -> None:
    """Say where the workflow stands, as text with Markdown for user interfaces. Not recorded."""
    running = current()
    running.loop.check_writable("set its details")
    running.current_details = description


def metadata(instance: WorkflowInstance) -> RawValue:
    """The answer to the query: `temporal.api.sdk.v1.WorkflowMetadata` as protobuf JSON."""
    handlers = instance.handlers
    definition = {
        "type": instance.workflow_type,
        "queryDefinitions": _interactions(handlers.queries.values()),
        "signalDefinitions": _interactions(handlers.signals.values()),
        "updateDefinitions": _interactions(instance.updates.updates.values()),
    }
    content = {"definition": definition, "currentDetails": instance.current_details}
    kinds = {
        "encoding": b"json/protobuf",
        "messageType": b"temporal.api.sdk.v1.WorkflowMetadata",
    }
    return RawValue(Payload(metadata=kinds, data=json.dumps(content).encode()))


def _interactions(definitions: Iterable[HandlerDefinition]) -> list[dict[str, Any]]:
    """By name, the dynamic one (which has none) first."""
    found = [{"name": one.name or "", "description": one.description or ""} for one in definitions]
    return sorted(found, key=lambda one: one["name"])
