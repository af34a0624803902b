"""`Info`: what a workflow may know about its own run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hourglass.common import Priority, RetryPolicy, TypedSearchAttributes
from hourglass.workflow._runtime.loop import running_host

if TYPE_CHECKING:
    from hourglass._bridge import InitializeWorkflow, Payload


@dataclass(frozen=True)
class ParentInfo:
    """The workflow that started this one as its child."""

    namespace: str
    run_id: str
    workflow_id: str


@dataclass(frozen=True)
class RootInfo:
    """The first workflow of the chain of parents."""

    run_id: str
    workflow_id: str


@dataclass(frozen=True)
class Info:
    """About the running workflow. Made by `workflow.info`, never by users."""

    attempt: int
    continued_run_id: str | None
    cron_schedule: str | None
    execution_timeout: timedelta | None
    first_execution_run_id: str
    headers: Mapping[str, Payload]
    namespace: str
    original_execution_run_id: str
    """The run id in the history's first event: a reset does not change it."""
    parent: ParentInfo | None
    root: RootInfo | None
    priority: Priority
    raw_memo: Mapping[str, Payload]
    """As the run was started with it and changed it since."""
    retry_policy: RetryPolicy | None
    run_id: str
    run_timeout: timedelta | None
    start_time: datetime
    """When the first task of the run was executed: `now` of its first activation."""
    task_queue: str
    task_timeout: timedelta
    typed_search_attributes: TypedSearchAttributes
    """As the run was started with them and changed them since."""
    workflow_id: str
    workflow_start_time: datetime
    """When the run was started."""
    workflow_type: str

    def get_current_history_length(self) -> int:
        """Count the events of the history, up to the current task."""
        return running_host().activation.history_length

    def get_current_history_size(self) -> int:
        """Return the bytes of the history, up to the current task."""
        return running_host().activation.history_size_bytes

    def is_continue_as_new_suggested(self) -> bool:
        """Tell whether the service finds the history long enough to continue as new."""
        return running_host().activation.continue_as_new_suggested


def make_info(
    init: InitializeWorkflow, *, run_id: str, namespace: str, task_queue: str, start_time: datetime
) -> Info:
    """Read the start job."""
    wire = init.info
    parent: dict[str, Any] | None = wire.get("parent_workflow_info")
    root: dict[str, Any] | None = wire.get("root_workflow")
    retry_policy = wire.get("retry_policy")
    first_run_id = wire.get("first_execution_run_id") or run_id
    return Info(
        attempt=init.attempt or 1,
        continued_run_id=wire.get("continued_from_execution_run_id") or None,
        cron_schedule=wire.get("cron_schedule") or None,
        execution_timeout=wire.get("workflow_execution_timeout"),
        first_execution_run_id=first_run_id,
        headers=init.headers,
        namespace=namespace,
        original_execution_run_id=wire.get("original_execution_run_id") or first_run_id,
        parent=_parent(parent) if parent else None,
        root=RootInfo(root.get("run_id", ""), root.get("workflow_id", "")) if root else None,
        priority=Priority.from_wire(wire.get("priority")),
        raw_memo=wire.get("memo", {}).get("fields", {}),
        retry_policy=RetryPolicy.from_wire(retry_policy) if retry_policy else None,
        run_id=run_id,
        run_timeout=wire.get("workflow_run_timeout"),
        start_time=start_time,
        task_queue=task_queue,
        task_timeout=wire.get("workflow_task_timeout", timedelta(0)),
        typed_search_attributes=TypedSearchAttributes.from_fields(
            wire.get("search_attributes", {}).get("indexed_fields", {})
        ),
        workflow_id=init.workflow_id,
        workflow_start_time=wire.get("start_time", start_time),
        workflow_type=init.workflow_type,
    )


def _parent(wire: Mapping[str, Any]) -> ParentInfo:
    return ParentInfo(
        namespace=wire.get("namespace", ""),
        run_id=wire.get("run_id", ""),
        workflow_id=wire.get("workflow_id", ""),
    )
