"""The start of an update-with-start: a workflow is started, unless it runs, and updated at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from typing_extensions import Unpack

from hourglass._typing import ParamT, RunAnyParams, RunNoParam, RunOneParam
from hourglass.client._inputs import (
    StartWorkflowUpdateWithStartInput,
    UpdateWithStartStartWorkflowInput,
    UpdateWithStartUpdateWorkflowInput,
)
from hourglass.client._requests import start_workflow_execution as start
from hourglass.client._requests._parts import UNSET, arguments, check_handler_arguments, handler_of
from hourglass.client._requests.start_workflow_execution import StartOptions
from hourglass.client._update import UpdateOptions, check_update_options
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.exceptions import ArgumentTypeError

if TYPE_CHECKING:
    from hourglass.client._service import Service
    from hourglass.client._update import WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.client._workflow_handle import WorkflowHandle

SelfT = TypeVar("SelfT")
R = TypeVar("R")


_OF_THE_CALL = ("rpc_metadata", "rpc_timeout", "start_signal", "start_signal_args")
"""Options of a start that one with an update does not have of its own."""


class WithStartWorkflowOperation(Generic[SelfT, R]):
    """The start of an update-with-start. For one use.

    Options are those of `Client.start_workflow`; `id_conflict_policy` is required, since it says
    what happens when the workflow runs already.
    """

    @overload
    def __init__(self, workflow: RunNoParam[SelfT, R], **options: Unpack[StartOptions]) -> None: ...
    @overload
    def __init__(
        self,
        workflow: RunOneParam[SelfT, ParamT, R],
        arg: ParamT,
        **options: Unpack[StartOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: RunAnyParams[SelfT, R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type | None = ...,
        **options: Unpack[StartOptions],
    ) -> None: ...
    def __init__(
        self,
        workflow: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: type | None = None,
        **options: Unpack[StartOptions],
    ) -> None:
        start.check_options(options)
        policy = options.get("id_conflict_policy", WorkflowIDConflictPolicy.UNSPECIFIED)
        if policy is WorkflowIDConflictPolicy.UNSPECIFIED:
            raise ArgumentTypeError(
                "id_conflict_policy: an update with start has to say what happens when the"
                " workflow runs already"
            )
        if options.get("start_signal"):
            raise ArgumentTypeError("start_signal: an update with start can't signal too")
        self.workflow = workflow
        self.arguments = arguments(arg, args)
        self.options = options
        self.result_type = result_type
        self._used = False
        self._handle: asyncio.Future[WorkflowHandle[SelfT, R]] | None = None

    async def workflow_handle(self) -> WorkflowHandle[SelfT, R]:
        """The workflow's handle; waits for the update-with-start that this was given to.

        Raises what starting it failed with.
        """
        return await asyncio.shield(self._future())

    def _future(self) -> asyncio.Future[WorkflowHandle[SelfT, R]]:
        if self._handle is None:
            self._handle = asyncio.get_running_loop().create_future()
        return self._handle

    def start(self) -> UpdateWithStartStartWorkflowInput:
        """The start as an interceptor is given it. `DefinitionError` if it starts no workflow."""
        name, declared = start.type_of(self.workflow)
        options: Mapping[str, Any] = self.options
        given: Any = {key: value for key, value in options.items() if key not in _OF_THE_CALL}
        ret_type = declared if self.result_type is None else self.result_type
        return UpdateWithStartStartWorkflowInput(name, self.arguments, ret_type=ret_type, **given)

    def begin(self) -> None:
        """Mark it as used; RuntimeError the second time."""
        if self._used:
            raise RuntimeError("a WithStartWorkflowOperation can be used only once")
        self._used = True

    def started(self, handle: WorkflowHandle[SelfT, R]) -> None:
        """Give the handle to those that wait for it."""
        future = self._future()
        if not future.done():
            future.set_result(handle)

    def failed(self, error: BaseException) -> None:
        """Give the error to those that wait for the handle."""
        future = self._future()
        if not future.done():
            future.set_exception(error)
            future.exception()  # raised in those that wait; without any, the caller has it


AnyOperation = WithStartWorkflowOperation[Any, Any]


async def start_and_update(
    service: Service,
    update: Any,
    args: Sequence[Any],
    *,
    operation: AnyOperation,
    stage: WorkflowUpdateStage,
    result_type: Any,
    options: UpdateOptions,
) -> WorkflowUpdateHandle[Any]:
    """Send a start and an update as one call; the update's handle. The operation gets its own."""
    check_update_options(options)
    name, declared = handler_of("update", update)
    check_handler_arguments("update", update, args, service.data_converter)
    start.check_arguments(operation.workflow, operation.arguments, service.data_converter)
    operation.begin()
    try:
        given = UpdateWithStartUpdateWorkflowInput(
            options.get("id"),
            name,
            args,
            stage,
            declared if result_type is None else result_type,
        )
        handle: WorkflowUpdateHandle[Any]
        handle = await service.outbound.start_update_with_start_workflow(
            StartWorkflowUpdateWithStartInput(
                operation.start(),
                given,
                options.get("rpc_metadata") or {},
                options.get("rpc_timeout"),
                operation.started,
                operation.failed,
            )
        )
    except BaseException as error:
        operation.failed(error)
        raise
    # Of no effect where it has its handle, as it has unless an interceptor answered by itself.
    operation.failed(RuntimeError("the update was answered by an interceptor: nothing was started"))
    return handle
