"""The interceptor of a time-skipping environment, and the handles that it gives out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from hourglass.client import (
    ActivityHandle,
    Interceptor,
    OutboundInterceptor,
    StartActivityInput,
    StartWorkflowInput,
    StartWorkflowUpdateWithStartInput,
    WorkflowHandle,
    WorkflowUpdateHandle,
)
from hourglass.exceptions import ApplicationError
from hourglass.worker import (
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from hourglass.worker import Interceptor as WorkerInterceptor

if TYPE_CHECKING:
    from hourglass.testing._embedded import TimeSkippingEnvironment

SelfT = TypeVar("SelfT")
ResultT = TypeVar("ResultT")


class AssertionInterceptor(WorkflowInboundInterceptor):
    """Fails a workflow whose assertion fails: retried, its task would fail again, and a test that
    waits for the result with time skipping would never end."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Run the run method."""
        try:
            return await super().execute_workflow(input)
        except AssertionError as error:
            raise _failure_of(error) from error

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Call a signal handler."""
        try:
            await super().handle_signal(input)
        except AssertionError as error:
            raise _failure_of(error) from error

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        """Call an update's handler."""
        try:
            return await super().handle_update_handler(input)
        except AssertionError as error:
            raise _failure_of(error) from error


def _failure_of(error: AssertionError) -> ApplicationError:
    return ApplicationError(str(error), type="AssertionError", non_retryable=True)


class TimeSkippingInterceptor(Interceptor, WorkerInterceptor):
    """The interceptor of such an environment: time skips during `result` of what was started, and
    failed assertions fail workflows."""

    environment: TimeSkippingEnvironment

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        """Have the workers of its clients fail workflows whose assertions fail."""
        del input
        return AssertionInterceptor

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Put this before `next`."""
        return TimeSkippingOutbound(next, self)


class TimeSkippingOutbound(OutboundInterceptor):
    """Gives out handles that let time skip."""

    def __init__(self, next: OutboundInterceptor, interceptor: TimeSkippingInterceptor) -> None:
        super().__init__(next)
        self._interceptor = interceptor

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        """Start a workflow."""
        return self._skipping(await super().start_workflow(input))

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        """Start a workflow with an update."""
        tell = input.on_start
        input.on_start = lambda handle: tell(self._skipping(handle))
        return await super().start_update_with_start_workflow(input)

    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        """Start a standalone activity."""
        return TimeSkippingActivityHandle(
            await super().start_activity(input), self._interceptor.environment
        )

    def _skipping(self, handle: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
        return TimeSkippingHandle(handle, self._interceptor.environment)


class TimeSkippingHandle(WorkflowHandle[SelfT, ResultT]):
    """The handle of a workflow that was started on such an environment."""

    def __init__(
        self, handle: WorkflowHandle[SelfT, ResultT], environment: TimeSkippingEnvironment
    ) -> None:
        self.__dict__.update(vars(handle))
        self._environment = environment

    async def result(
        self,
        *,
        follow_runs: bool = True,
        rpc_metadata: Mapping[str, str] | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ResultT:
        """Wait for the workflow to close while time may skip; its result."""
        async with self._environment.unlocked():
            return await super().result(
                follow_runs=follow_runs, rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout
            )


class TimeSkippingActivityHandle(ActivityHandle[ResultT]):
    """The handle of a standalone activity that was started on such an environment."""

    def __init__(
        self, handle: ActivityHandle[ResultT], environment: TimeSkippingEnvironment
    ) -> None:
        self.__dict__.update(vars(handle))
        self._environment = environment

    async def result(
        self,
        *,
        rpc_metadata: Mapping[str, str] | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ResultT:
        """Wait for the activity to close while time may skip; its result."""
        async with self._environment.unlocked():
            return await super().result(rpc_metadata=rpc_metadata, rpc_timeout=rpc_timeout)
