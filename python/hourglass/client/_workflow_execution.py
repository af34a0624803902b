"""Workflow executions as the service describes, lists and counts them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hourglass.client._history import WorkflowHistory, fetch_history
from hourglass.client._requests._parts import compact
from hourglass.client._service import Pages, Service
from hourglass.common import TypedSearchAttributes

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._inputs import ListWorkflowsInput
    from hourglass.converter import DataConverter


class WorkflowExecutionStatus(IntEnum):
    """The state of a run; values are the protocol's."""

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
    """A run of a workflow. Times are UTC."""

    id: str
    run_id: str
    workflow_type: str
    task_queue: str
    namespace: str
    status: WorkflowExecutionStatus | None
    start_time: datetime
    execution_time: datetime | None
    """The time when its first task was, or is, due: after its start with a delay or a schedule."""
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
        """Decode the memo that the workflow was started with."""
        fields: dict[str, Payload] = self.raw_info.get("memo", {}).get("fields", {})
        decode = self.data_converter.decode
        return {key: (await decode([payload]))[0] for key, payload in fields.items()}

    async def memo_value(
        self, key: str, default: Any = KeyError, *, type_hint: type | None = None
    ) -> Any:
        """Decode an entry of the memo; KeyError if it isn't there and no default is given."""
        fields: dict[str, Payload] = self.raw_info.get("memo", {}).get("fields", {})
        if key not in fields:
            if default is KeyError:
                raise KeyError(f"workflow {self.id!r} has no memo {key!r}")
            return default
        hints = None if type_hint is None else [type_hint]
        return (await self.data_converter.decode([fields[key]], hints))[0]


@dataclass(frozen=True)
class WorkflowExecutionDescription(WorkflowExecution):
    """A run of a workflow, with everything `describe` says about it."""

    raw_description: Wire
    """`temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse`"""

    async def static_summary(self) -> str | None:
        """Decode the line about the workflow that it was started with."""
        return await self._metadata("summary")

    async def static_details(self) -> str | None:
        """Decode the text about the workflow that it was started with."""
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
    """Read the answer of DescribeWorkflowExecution."""
    info: Wire = response.get("workflow_execution_info", {})
    return WorkflowExecutionDescription(
        **_members(info, namespace, converter), raw_description=response
    )


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


class WorkflowExecutionAsyncIterator(Pages[WorkflowExecution]):
    """Workflows, fetched page by page as the iteration goes on. For one iteration."""

    def __init__(self, service: Service, given: ListWorkflowsInput) -> None:
        super().__init__(given.next_page_token, page_size=given.page_size, limit=given.limit)
        self._service = service
        self._given = given

    async def _fetch(self, page_size: int | None, token: bytes | None) -> Wire:
        request = {"query": self._given.query, "page_size": page_size, "next_page_token": token}
        return await self._service.call("ListWorkflowExecutions", compact(request), self._given)

    def _found(self, answer: Wire) -> Sequence[WorkflowExecution]:
        namespace, converter = self._service.namespace, self._service.data_converter
        infos: Sequence[Wire] = answer.get("executions", [])
        return [WorkflowExecution(**_members(info, namespace, converter)) for info in infos]

    async def map_histories(
        self,
        *,
        skip_archival: bool = False,
        rpc_metadata: Mapping[str, str] | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> AsyncIterator[WorkflowHistory]:
        """Fetch the histories of the workflows, one by one, for a `Replayer`.

        Arguments are those of `WorkflowHandle.fetch_history`.
        """
        async for found in self:
            yield await fetch_history(
                self._service,
                found.id,
                found.run_id,
                skip_archival=skip_archival,
                rpc_metadata=rpc_metadata,
                rpc_timeout=rpc_timeout,
            )


@dataclass(frozen=True)
class WorkflowExecutionCountAggregationGroup:
    """A group of workflows with the same values, and their number."""

    count: int
    group_values: Sequence[Any]


@dataclass(frozen=True)
class WorkflowExecutionCount:
    """The number of workflows that a query finds."""

    count: int
    groups: Sequence[WorkflowExecutionCountAggregationGroup]
    """The groups, where the query says ``GROUP BY``."""


def count_of(response: Wire) -> WorkflowExecutionCount:
    """Read the answer of CountWorkflowExecutions."""
    groups = [
        WorkflowExecutionCountAggregationGroup(count, values)
        for count, values in groups_of(response)
    ]
    return WorkflowExecutionCount(response.get("count", 0), groups)


def groups_of(response: Wire) -> list[tuple[int, list[Any]]]:
    """Read the groups in an answer to a count: their sizes and values."""
    return [
        (group.get("count", 0), [_json(value) for value in group.get("group_values", [])])
        for group in response.get("groups", [])
    ]


def _json(payload: Payload) -> Any:
    """Read the service's own JSON: no converter or codec ever sees it."""
    return json.loads(payload.data)
