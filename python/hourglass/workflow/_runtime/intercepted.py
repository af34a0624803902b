"""A run's jobs and calls, handed to the first interceptor of a chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from hourglass.workflow._runtime.activities import resolve_activity_type
from hourglass.workflow._runtime.children import resolve_workflow_type
from hourglass.workflow._runtime.continue_as_new import type_name
from hourglass.workflow._runtime.external import signal_name
from hourglass.workflow._runtime.interceptors import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from hourglass._bridge import DoUpdate, QueryWorkflow, SignalWorkflow, Wire
    from hourglass.workflow._runtime.activities import ActivityHandle
    from hourglass.workflow._runtime.children import ChildWorkflowConfig, ChildWorkflowHandle
    from hourglass.workflow._runtime.info import Info
    from hourglass.workflow._runtime.local_activities import (
        LocalActivityConfig,
        LocalActivityHandle,
    )
    from hourglass.workflow._runtime.state import RunState


class InterceptedJobs:
    """The jobs of a run, through the chain."""

    __slots__ = ("_first",)

    def __init__(self, first: WorkflowInboundInterceptor) -> None:
        self._first = first

    def run(self, state: RunState, args: Sequence[Any]) -> Awaitable[Any]:
        """The run method."""
        definition = state.definition
        return self._first.execute_workflow(
            ExecuteWorkflowInput(definition.cls, definition.run_fn, args, state.headers)
        )

    def signal(self, job: SignalWorkflow, args: Sequence[Any]) -> Coroutine[Any, Any, None]:
        """A signal handler."""
        return self._first.handle_signal(HandleSignalInput(job.signal_name, args, job.headers))

    def query(self, job: QueryWorkflow, args: Sequence[Any]) -> Coroutine[Any, Any, Any]:
        """A query handler."""
        given = HandleQueryInput(job.query_id, job.query_type, args, job.headers)
        return self._first.handle_query(given)

    def validate(self, job: DoUpdate, args: Sequence[Any]) -> None:
        """An update's validator."""
        given = HandleUpdateInput(job.id, job.name, args, job.headers)
        self._first.handle_update_validator(given)

    def update(self, job: DoUpdate, args: Sequence[Any]) -> Awaitable[Any]:
        """An update's handler."""
        given = HandleUpdateInput(job.id, job.name, args, job.headers)
        return self._first.handle_update_handler(given)


class InterceptedCalls:
    """The calls of `Calls`, through the chain: names and types are found before it."""

    __slots__ = ("_first",)

    def __init__(self, first: WorkflowOutboundInterceptor) -> None:
        self._first = first

    def continue_as_new(
        self,
        state: RunState,
        workflow: Callable[..., Any] | str | None,
        arguments: Sequence[Any],
        **options: Any,
    ) -> NoReturn:
        state.loop.check_writable("continue as new")
        self._first.continue_as_new(ContinueAsNewInput(type_name(workflow), arguments, **options))

    def info(self, state: RunState) -> Info:
        return self._first.info()

    async def send_signal(
        self, state: RunState, target: Wire, signal: Any, arguments: Sequence[Any]
    ) -> None:
        name, first = signal_name(signal), self._first
        if "child_workflow_id" in target:
            child = SignalChildWorkflowInput(name, arguments, target["child_workflow_id"])
            await first.signal_child_workflow(child)
            return
        to: Wire = target["workflow_execution"]
        await first.signal_external_workflow(
            SignalExternalWorkflowInput(
                name, arguments, to["namespace"], to["workflow_id"], to["run_id"] or None
            )
        )

    def start_activity(
        self,
        state: RunState,
        activity: Any,
        arguments: Sequence[Any],
        *,
        result_type: Any = None,
        **options: Any,
    ) -> ActivityHandle[Any]:
        name, declared = resolve_activity_type(activity)
        return self._first.start_activity(
            StartActivityInput(
                name,
                arguments,
                disable_eager_execution=state.disable_eager_activities,
                ret_type=declared if result_type is None else result_type,
                **options,
            )
        )

    async def start_child_workflow(
        self,
        state: RunState,
        workflow: str | Callable[..., Any],
        arguments: Sequence[Any],
        result_type: Any,
        options: ChildWorkflowConfig,
    ) -> ChildWorkflowHandle[Any, Any]:
        name, declared = resolve_workflow_type(workflow)
        given: dict[str, Any] = {
            **options,
            "id": options.get("id") or str(state.randomness.uuid4()),
        }
        return await self._first.start_child_workflow(
            StartChildWorkflowInput(
                name,
                arguments,
                ret_type=declared if result_type is None else result_type,
                **given,
            )
        )

    def start_local_activity(
        self,
        state: RunState,
        activity: Any,
        arguments: Sequence[Any],
        result_type: Any,
        options: LocalActivityConfig,
    ) -> LocalActivityHandle[Any]:
        name, declared = resolve_activity_type(activity)
        handle = self._first.start_local_activity(
            StartLocalActivityInput(
                name,
                arguments,
                ret_type=declared if result_type is None else result_type,
                **options,
            )
        )
        return cast("LocalActivityHandle[Any]", handle)
