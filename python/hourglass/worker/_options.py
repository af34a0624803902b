"""A worker's options, checked, and as the native worker takes them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.exceptions import DefinitionError, InvalidArgumentError

if TYPE_CHECKING:
    from hourglass.subsystem.worker_spec import Completions
    from hourglass.worker._definitions import ActivityTable
    from hourglass.worker._interceptor import Interceptor
    from hourglass.workflow._definition.definition import WorkflowDefinition

_AT_LEAST_ONE = (
    "max_concurrent_workflow_tasks",
    "max_concurrent_activities",
    "max_concurrent_local_activities",
    "max_concurrent_workflow_task_polls",
    "max_concurrent_activity_task_polls",
)
_DEFAULT_ACTIVITIES = 100
_USUALLY = {"max_eager_activity_reservations_per_workflow_task": 3, "no_remote_activities": False}
"""What core does unless told; only what differs is said."""
_DURATIONS = (
    "sticky_queue_schedule_to_start_timeout",
    "max_heartbeat_throttle_interval",
    "default_heartbeat_throttle_interval",
    "graceful_shutdown_timeout",
)


@dataclass
class WorkerOptions:
    """Everything about a worker except its client."""

    task_queue: str
    activities: ActivityTable
    workflows: list[WorkflowDefinition]
    activity_executor: Executor | None
    identity: str | None
    build_id: str
    max_cached_workflows: int
    max_concurrent_workflow_tasks: int
    max_concurrent_activities: int
    max_concurrent_local_activities: int
    max_concurrent_workflow_task_polls: int
    max_concurrent_activity_task_polls: int
    nonsticky_to_sticky_poll_ratio: float
    sticky_queue_schedule_to_start_timeout: timedelta
    max_heartbeat_throttle_interval: timedelta
    default_heartbeat_throttle_interval: timedelta
    max_activities_per_second: float | None
    max_task_queue_activities_per_second: float | None
    graceful_shutdown_timeout: timedelta
    workflow_failure_exception_types: Sequence[type[BaseException]]
    deadlock_timeout: timedelta | None
    on_fatal_error: Callable[[BaseException], Awaitable[None]] | None
    completions: Completions
    interceptors: Sequence[Interceptor]
    disable_eager_activity_execution: bool
    no_remote_activities: bool
    max_eager_activity_reservations_per_workflow_task: int

    def check(self) -> None:
        """Refuse what can't work; `InvalidArgumentError` names the option."""
        if not self.task_queue:
            raise InvalidArgumentError("task_queue is empty")
        if not self.activities and not self.workflows:
            raise InvalidArgumentError("a worker needs at least one workflow or activity")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise InvalidArgumentError(f"{name} has to be at least 1")
        if self.max_cached_workflows < 0:
            raise InvalidArgumentError("max_cached_workflows has to be at least 0")
        for name in _DURATIONS:
            value = getattr(self, name)
            if not isinstance(value, timedelta) or value < timedelta(0):
                raise InvalidArgumentError(f"{name} has to be a timedelta of at least 0")
        limit = self.deadlock_timeout
        if limit is not None and (not isinstance(limit, timedelta) or limit <= timedelta(0)):
            raise InvalidArgumentError("deadlock_timeout has to be a timedelta above 0, or None")
        self._check_choices()

    def _check_choices(self) -> None:
        if self.completions not in ("ordered", "serial"):
            raise InvalidArgumentError(
                f"completions is {self.completions!r}; it has to be 'ordered' or 'serial'"
            )
        if self.max_eager_activity_reservations_per_workflow_task < 1:
            raise InvalidArgumentError(
                "max_eager_activity_reservations_per_workflow_task has to be at least 1; "
                "disable_eager_activity_execution=True keeps none"
            )
        if self.no_remote_activities and not self.workflows:
            raise InvalidArgumentError(
                "no_remote_activities leaves local activities only, which need workflows"
            )
        self._check_executor()

    def _warn_of_few_threads(self, threads: int) -> None:
        """Warn if more activities were asked for than can run. The default is no such wish."""
        wanted = self.max_concurrent_activities
        synchronous = any(not definition.is_async for definition, _ in self.activities.values())
        if synchronous and wanted > threads and wanted != _DEFAULT_ACTIVITIES:
            warnings.warn(
                f"max_concurrent_activities is {wanted}, but activity_executor runs only "
                f"{threads} synchronous ones at once",
                stacklevel=5,
            )

    def _check_executor(self) -> None:
        executor = self.activity_executor
        threads = getattr(executor, "_max_workers", None)
        if threads is not None:
            self._warn_of_few_threads(threads)
        if executor is None or isinstance(executor, ThreadPoolExecutor):
            return
        from concurrent.futures import ProcessPoolExecutor  # multiprocessing: slow to import

        if not isinstance(executor, ProcessPoolExecutor):
            raise InvalidArgumentError(
                "activity_executor has to be a ThreadPoolExecutor or a ProcessPoolExecutor, not "
                f"{type(executor).__name__}"
            )
        for definition, function in self.activities.values():
            if definition.is_async:
                continue
            try:
                pickle.dumps(function)
            except Exception as error:
                raise DefinitionError(
                    f"activity {definition.name!r} can't run in a process of activity_executor "
                    f"({error}); define it at the top level of a module"
                ) from error

    @property
    def local_activities(self) -> frozenset[str] | None:
        """The names that workflows may call locally; None with a dynamic one: any."""
        names = frozenset(name for name in self.activities if name is not None)
        return None if None in self.activities else names

    @property
    def activity_slots(self) -> int:
        """The activities to take at once: no more than there are threads to run them."""
        threads = getattr(self.activity_executor, "_max_workers", None)
        synchronous = all(not definition.is_async for definition, _ in self.activities.values())
        if threads is None or not synchronous:
            return self.max_concurrent_activities
        return min(self.max_concurrent_activities, int(threads))

    def native(self) -> dict[str, Any]:
        """Keywords for the native worker."""
        types = self.workflow_failure_exception_types
        return {
            "task_queue": self.task_queue,
            "workflows": bool(self.workflows),
            "activities": bool(self.activities),
            "identity": self.identity,
            "build_id": self.build_id,
            "max_cached_workflows": self.max_cached_workflows,
            "max_outstanding_workflow_tasks": self.max_concurrent_workflow_tasks,
            "max_outstanding_activities": self.activity_slots,
            "max_outstanding_local_activities": self.max_concurrent_local_activities,
            "max_concurrent_workflow_task_polls": self.max_concurrent_workflow_task_polls,
            "max_concurrent_activity_task_polls": self.max_concurrent_activity_task_polls,
            "nonsticky_to_sticky_poll_ratio": self.nonsticky_to_sticky_poll_ratio,
            **{name: getattr(self, name).total_seconds() for name in _DURATIONS},
            "max_activities_per_second": self.max_activities_per_second,
            "max_task_queue_activities_per_second": self.max_task_queue_activities_per_second,
            **{
                name: getattr(self, name)
                for name, usual in _USUALLY.items()
                if getattr(self, name) != usual
            },
            "nondeterminism_as_workflow_fail": _covers_nondeterminism(types),
            "nondeterminism_as_workflow_fail_types": [
                definition.name
                for definition in self.workflows
                if definition.name and _covers_nondeterminism(definition.failure_exception_types)
            ],
        }


def _covers_nondeterminism(types: Sequence[type[BaseException]]) -> bool:
    from hourglass.exceptions import NondeterminismError

    return any(issubclass(NondeterminismError, one) for one in types)
