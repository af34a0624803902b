"""The chains of interceptors of one run, from the outside to what does it in the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from hourglass.workflow._runtime.calls import Calls
from hourglass.workflow._runtime.handlers import BUILT_IN
from hourglass.workflow._runtime.intercepted import InterceptedCalls, InterceptedJobs
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
    from hourglass.workflow._runtime.activities import ActivityHandle
    from hourglass.workflow._runtime.children import ChildWorkflowConfig, ChildWorkflowHandle
    from hourglass.workflow._runtime.info import Info
    from hourglass.workflow._runtime.instance import WorkflowInstance
    from hourglass.workflow._runtime.local_activities import (
        LocalActivityConfig,
    )


def intercept(
    instance: WorkflowInstance, classes: Sequence[type[WorkflowInboundInterceptor]]
) -> None:
    """Give a run its chains; the first class is the outermost of what comes in."""
    first: WorkflowInboundInterceptor = _InboundEnd(instance)
    for interceptor in reversed(classes):
        first = interceptor(first)
    instance.handlers.inbound = InterceptedJobs(first)
    first.init(_OutboundEnd(instance))


def _options(given: Any) -> dict[str, Any]:
    """The fields of an input, without those that only tell."""
    options = {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}
    options.pop("arg_types", None)
    return options


class _InboundEnd(WorkflowInboundInterceptor):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        instance = self._instance
        instance.calls = InterceptedCalls(outbound)
        instance.send_signal = instance.calls.send_signal

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
        handlers = self._instance.handlers.updates
        definition = handlers.get(input.update) or handlers.get(None)
        if definition is not None:
            self._instance.updates.validate(definition, input.args)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        updates = self._instance.handlers.updates
        return await self._call(updates, "update", input.update, input.args)

    async def _call(
        self, handlers: Mapping[str | None, Any], kind: str, name: str, args: Sequence[Any]
    ) -> Any:
        definition = handlers.get(name) or handlers.get(None)
        if definition is None:
            raise LookupError(f"there is no {kind} {name!r}: an interceptor gave it this name")
        result = self._instance.handlers.bound(definition)(*args)
        return await result if definition.is_async else result


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
