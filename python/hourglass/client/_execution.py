"""What the service says about a workflow execution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hourglass.common import TypedSearchAttributes

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter


class WorkflowExecutionStatus(IntEnum):
    """Where a run stands; values are the protocol's."""

    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELED = 4
    TERMINATED = 5
    CONTINUED_AS_NEW = 6
    TIMED_OUT = 7
    PAUSED = 8


@dataclass(frozen=True)
class WorkflowExecution:
    """One run. Times are UTC."""

    id: str
    run_id: str
    workflow_type: str
    task_queue: str
    namespace: str
    status: WorkflowExecutionStatus | None
    start_time: datetime
    execution_time: datetime | None
    """When its first task was, or is, due: later than its start with a delay or a schedule."""
    close_time: datetime | None
    history_length: int
    parent_id: str | None
    parent_run_id: str | None
    root_id: str | None
    root_run_id: str | None
    search_attributes: Mapping[str, Any]
    typed_search_attributes: TypedSearchAttributes
    raw_info: Wire
    """`temporal.api.workflow.v1.WorkflowExecutionInfo`"""
    data_converter: DataConverter

    async def memo(self) -> dict[str, Any]:
        """The memo it was started with."""
        fields: dict[str, Payload] = self.raw_info.get("memo", {}).get("fields", {})
        decode = self.data_converter.decode
        return {key: (await decode([payload]))[0] for key, payload in fields.items()}

    async def memo_value(
        self, key: str, default: Any = KeyError, *, type_hint: type | None = None
    ) -> Any:
        """One entry of the memo; KeyError if it isn't there and no default is given."""
        fields: dict[str, Payload] = self.raw_info.get("memo", {}).get("fields", {})
        if key not in fields:
            if default is KeyError:
                raise KeyError(f"workflow {self.id!r} has no memo {key!r}")
            return default
        hints = None if type_hint is None else [type_hint]
        return (await self.data_converter.decode([fields[key]], hints))[0]


@dataclass(frozen=True)
class WorkflowExecutionDescription(WorkflowExecution):
    """One run, with everything `describe` says about it."""

    raw_description: Wire
    """`temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse`"""

    async def static_summary(self) -> str | None:
        """The one line about it that it was started with."""
        return await self._metadata("summary")

    async def static_details(self) -> str | None:
        """The text about it that it was started with."""
        return await self._metadata("details")

    async def _metadata(self, name: str) -> str | None:
        config: Wire = self.raw_description.get("execution_config", {})
        payload = config.get("user_metadata", {}).get(name)
        if payload is None:
            return None
        text: str | None = (await self.data_converter.decode([payload], [str]))[0]
        return text


def description_of(
    response: Wire, namespace: str, converter: DataConverter
) -> WorkflowExecutionDescription:
    """From DescribeWorkflowExecution's answer."""
    info: Wire = response.get("workflow_execution_info", {})
    return WorkflowExecutionDescription(
        **_members(info, namespace, converter), raw_description=response
    )


def execution_of(info: Wire, namespace: str, converter: DataConverter) -> WorkflowExecution:
    """From one entry of a list."""
    return WorkflowExecution(**_members(info, namespace, converter))


def _members(info: Wire, namespace: str, converter: DataConverter) -> dict[str, Any]:
    execution: Wire = info.get("execution", {})
    parent: Wire = info.get("parent_execution", {})
    root: Wire = info.get("root_execution", {})
    indexed: dict[str, Payload] = info.get("search_attributes", {}).get("indexed_fields", {})
    status = info.get("status", 0)
    return {
        "id": execution.get("workflow_id", ""),
        "run_id": execution.get("run_id", ""),
        "workflow_type": info.get("type", {}).get("name", ""),
        "task_queue": info.get("task_queue", ""),
        "namespace": namespace,
        "status": WorkflowExecutionStatus(status) if status else None,
        "start_time": info.get("start_time"),
        "execution_time": info.get("execution_time"),
        "close_time": info.get("close_time"),
        "history_length": info.get("history_length", 0),
        "parent_id": parent.get("workflow_id"),
        "parent_run_id": parent.get("run_id"),
        "root_id": root.get("workflow_id"),
        "root_run_id": root.get("run_id"),
        # The service's own JSON: no converter or codec ever sees search attributes.
        "search_attributes": {name: json.loads(value.data) for name, value in indexed.items()},
        "typed_search_attributes": TypedSearchAttributes.from_fields(indexed),
        "raw_info": info,
        "data_converter": converter,
    }
