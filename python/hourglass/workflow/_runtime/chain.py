"""The chains of interceptors of one run, from the outside to what does it in the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from hourglass.workflow._runtime.activities import resolve_activity_type
from hourglass.workflow._runtime.calls import Calls
from hourglass.workflow._runtime.children import resolve_workflow_type
from hourglass.workflow._runtime.continue_as_new import type_name
from hourglass.workflow._runtime.external import signal_name
from hourglass.workflow._runtime.handlers import BUILT_IN
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
    from hourglass.workflow._runtime.instance import WorkflowInstance
    from hourglass.workflow._runtime.local_activities import (
        LocalActivityConfig,
        LocalActivityHandle,
    )


def intercept(
    instance: WorkflowInstance, classes: Sequence[type[WorkflowInboundInterceptor]]
) -> None:
    """Give a run its chains; the first class is the outermost of what comes in."""
    first: WorkflowInboundInterceptor = _InboundEnd(instance)
    for interceptor in reversed(classes):
        first = interceptor(first)
    instance.inbound = InterceptedJobs(first)
    first.init(_OutboundEnd(instance))


def _options(given: Any) -> dict[str, Any]:
    """The fields of an input, without those that only tell."""
    options = {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}
    options.pop("arg_types", None)
    return options


# --- what comes in ---------------------------------------------------------------------------


class InterceptedJobs:
    """What happens to a run, through the chain."""

    __slots__ = ("_first",)

    def __init__(self, first: WorkflowInboundInterceptor) -> None:
        self._first = first

    def run(self, instance: WorkflowInstance, args: Sequence[Any]) -> Awaitable[Any]:
        """The run method."""
        definition = instance.definition
        return self._first.execute_workflow(
            ExecuteWorkflowInput(definition.cls, definition.run_fn, args, instance.headers)
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


class _InboundEnd(WorkflowInboundInterceptor):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self._instance.calls = InterceptedCalls(outbound)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        return await input.run_fn(self._instance.object, *input.args)

    async def handle_signal(self, input: HandleSignalInput) -> None:
        handlers = self._instance.handlers
        await self._call(handlers.signals, "signal", input.signal, input.args)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        handlers = self._instance.handlers
        if input.query in BUILT_IN:
            return handlers.built_in(input.query)
        return await self._call(handlers.queries, "query", input.query, input.args)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        updates = self._instance.updates
        definition = updates.updates.get(input.update) or updates.updates.get(None)
        if definition is not None:
            updates.validate(definition, input.args)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        updates = self._instance.updates.updates
        return await self._call(updates, "update", input.update, input.args)

    async def _call(
        self, handlers: Mapping[str | None, Any], kind: str, name: str, args: Sequence[Any]
    ) -> Any:
        definition = handlers.get(name) or handlers.get(None)
        if definition is None:
            raise LookupError(f"there is no {kind} {name!r}: an interceptor gave it this name")
        result = self._instance.handlers.bound(definition)(*args)
        return await result if definition.is_async else result


# --- what goes out ---------------------------------------------------------------------------


class InterceptedCalls:
    """The calls of `Calls`, through the chain: names and types are found before it."""

    __slots__ = ("_first",)

    def __init__(self, first: WorkflowOutboundInterceptor) -> None:
        self._first = first

    def continue_as_new(
        self,
        instance: WorkflowInstance,
        workflow: Callable[..., Any] | str | None,
        arguments: Sequence[Any],
        **options: Any,
    ) -> NoReturn:
        instance.loop.check_writable("continue as new")
        self._first.continue_as_new(ContinueAsNewInput(type_name(workflow), arguments, **options))

    def info(self, instance: WorkflowInstance) -> Info:
        return self._first.info()

    async def send_signal(
        self, instance: WorkflowInstance, target: Wire, signal: Any, arguments: Sequence[Any]
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
        instance: WorkflowInstance,
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
                disable_eager_execution=instance.disable_eager_activities,
                ret_type=declared if result_type is None else result_type,
                **options,
            )
        )

    async def start_child_workflow(
        self,
        instance: WorkflowInstance,
        workflow: str | Callable[..., Any],
        arguments: Sequence[Any],
        result_type: Any,
        options: ChildWorkflowConfig,
    ) -> ChildWorkflowHandle[Any, Any]:
        name, declared = resolve_workflow_type(workflow)
        given: dict[str, Any] = {
            **options,
            "id": options.get("id") or str(instance.randomness.uuid4()),
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
        instance: WorkflowInstance,
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


class _OutboundEnd(WorkflowOutboundInterceptor):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        options = _options(input)
        Calls.continue_as_new(
            self._instance, options.pop("workflow"), options.pop("args"), **options
        )

    def info(self) -> Info:
        return self._instance.info

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:
        target = {"child_workflow_id": input.child_workflow_id}
        await Calls.send_signal(
            self._instance, target, input.signal, input.args, headers=input.headers
        )

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:
        execution = {
            "namespace": input.namespace,
            "workflow_id": input.workflow_id,
            "run_id": input.workflow_run_id or "",
        }
        target = {"workflow_execution": execution}
        await Calls.send_signal(
            self._instance, target, input.signal, input.args, headers=input.headers
        )

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        options = _options(input)
        return Calls.start_activity(
            self._instance,
            options.pop("activity"),
            options.pop("args"),
            result_type=options.pop("ret_type"),
            **options,
        )

    async def start_child_workflow(
        self, input: StartChildWorkflowInput
    ) -> ChildWorkflowHandle[Any, Any]:
        options = _options(input)
        name, args, result_type, headers = _taken(options, "workflow")
        config = cast("ChildWorkflowConfig", options)
        return await Calls.start_child_workflow(
            self._instance, name, args, result_type, config, headers=headers
        )

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:
        options = _options(input)
        name, args, result_type, headers = _taken(options, "activity")
        config = cast("LocalActivityConfig", options)
        return Calls.start_local_activity(
            self._instance, name, args, result_type, config, headers=headers
        )


def _taken(options: dict[str, Any], name: str) -> tuple[Any, Any, Any, Any]:
    """Take out of the fields what is no option."""
    pop = options.pop
    return pop(name), pop("args"), pop("ret_type"), pop("headers")
