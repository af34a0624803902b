"""Update-with-start: a workflow is started, unless it runs, and updated, in one step."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from typing_extensions import Unpack

from hourglass._typing import ParamT, RunAnyParams, RunNoParam, RunOneParam
from hourglass._updates import UpdateMethod
from hourglass.client._requests import execute_multi_operation
from hourglass.client._requests import start_workflow_execution as start
from hourglass.client._requests import update_workflow_execution as update_rpc
from hourglass.client._requests._parts import UNSET, arguments
from hourglass.client._requests.start_workflow_execution import StartOptions
from hourglass.client._update import (
    UpdateWaiting,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
    check_stage,
    handle_of,
    time_left,
    update_name,
)
from hourglass.client._update_calls import UpdateOptions, check_update_options
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.exceptions import InvalidArgumentError, RPCError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client
    from hourglass.client._handle import WorkflowHandle
    from hourglass.client._interceptor import StartWorkflowUpdateWithStartInput

SelfT = TypeVar("SelfT")
R = TypeVar("R")
UpdateR = TypeVar("UpdateR")


class WithStartWorkflowOperation(Generic[SelfT, R]):
    """How to start the workflow of an update-with-start. For one use.

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
            raise InvalidArgumentError(
                "id_conflict_policy: an update with start has to say what happens when the"
                " workflow runs already"
            )
        if options.get("start_signal"):
            raise InvalidArgumentError("start_signal: an update with start can't signal too")
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

    def begin(self) -> None:
        """Mark it as used; RuntimeError the second time."""
        if self._used:
            raise RuntimeError("a WithStartWorkflowOperation can be used only once")
        self._used = True

    def started(self, handle: WorkflowHandle[SelfT, R]) -> None:
        """Tell who waits for the handle."""
        future = self._future()
        if not future.done():
            future.set_result(handle)

    def failed(self, error: BaseException) -> None:
        """Tell who waits for the handle that there will be none."""
        future = self._future()
        if not future.done():
            future.set_exception(error)
            future.exception()  # whoever waits raises it; if nobody does, the caller has it


AnyOperation = WithStartWorkflowOperation[Any, Any]


class WithStartCalls:
    """What a client can do with update-with-start."""

    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [], Any, UpdateR],
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        **options: Unpack[UpdateOptions],
    ) -> UpdateR: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [ParamT], Any, UpdateR],
        arg: ParamT,
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        **options: Unpack[UpdateOptions],
    ) -> UpdateR: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, ..., Any, UpdateR],
        *,
        args: Sequence[Any],
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        **options: Unpack[UpdateOptions],
    ) -> UpdateR: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        start_workflow_operation: AnyOperation,
        result_type: type | None = ...,
        **options: Unpack[UpdateOptions],
    ) -> Any: ...
    async def execute_update_with_start_workflow(
        self,
        update: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        start_workflow_operation: AnyOperation,
        result_type: type | None = None,
        **options: Unpack[UpdateOptions],
    ) -> Any:
        """Start a workflow unless it runs, update it, and wait for what the handler returns.

        Both happen or none does. Raises as `start_workflow` and `execute_update` do.
        """
        begun = time.monotonic()
        handle = await _start(
            self,
            update,
            args=arguments(arg, args),
            operation=start_workflow_operation,
            stage=WorkflowUpdateStage.COMPLETED,
            result_type=result_type,
            options=options,
        )
        return await handle.result(
            rpc_metadata=options.get("rpc_metadata"),
            rpc_timeout=time_left(options.get("rpc_timeout"), begun),
        )

    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [], Any, UpdateR],
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[UpdateR]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [ParamT], Any, UpdateR],
        arg: ParamT,
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[UpdateR]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, ..., Any, UpdateR],
        *,
        args: Sequence[Any],
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[UpdateR]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        start_workflow_operation: AnyOperation,
        wait_for_stage: WorkflowUpdateStage,
        result_type: type | None = ...,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]: ...
    async def start_update_with_start_workflow(
        self,
        update: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        start_workflow_operation: AnyOperation,
        wait_for_stage: WorkflowUpdateStage,
        result_type: type | None = None,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]:
        """The same, but wait until the update is ACCEPTED or COMPLETED; its handle."""
        return await _start(
            self,
            update,
            args=arguments(arg, args),
            operation=start_workflow_operation,
            stage=wait_for_stage,
            result_type=result_type,
            options=options,
        )


async def _start(
    calls: WithStartCalls,
    update: Any,
    *,
    args: Sequence[Any],
    operation: AnyOperation,
    stage: WorkflowUpdateStage,
    result_type: Any,
    options: UpdateOptions,
) -> WorkflowUpdateHandle[Any]:
    client: Any = calls
    check_update_options(options)
    name, declared = update_name(update)
    operation.begin()
    try:
        given = _input(
            client,
            operation,
            options,
            update_id=options.get("id"),
            update=name,
            args=args,
            wait_for_stage=stage,
            ret_type=declared if result_type is None else result_type,
        )
        handle: WorkflowUpdateHandle[Any] = await client.calls.start_update_with_start_workflow(
            given
        )
    except BaseException as error:
        operation.failed(error)
        raise
    return handle


_OF_THE_CALL = ("rpc_metadata", "rpc_timeout", "start_signal", "start_signal_args")
"""Options of a start that one with an update does not have of its own."""


def _input(
    client: Client, operation: AnyOperation, options: UpdateOptions, **update: Any
) -> StartWorkflowUpdateWithStartInput:
    from hourglass.client._client import type_of
    from hourglass.client._interceptor import (
        StartWorkflowUpdateWithStartInput,
        UpdateWithStartStartWorkflowInput,
        UpdateWithStartUpdateWorkflowInput,
    )

    name, declared = type_of(operation.workflow)
    ret_type = declared if operation.result_type is None else operation.result_type
    given: Any = operation.options
    starting = UpdateWithStartStartWorkflowInput(
        name,
        operation.arguments,
        ret_type=ret_type,
        **{key: value for key, value in given.items() if key not in _OF_THE_CALL},
    )

    def started(answer: Wire) -> None:
        run_id: str = answer.get("run_id", "")
        operation.started(client.handle_of_started(starting.id, run_id, starting.ret_type))

    return StartWorkflowUpdateWithStartInput(
        starting,
        UpdateWithStartUpdateWorkflowInput(**update),
        options.get("rpc_metadata") or {},
        options.get("rpc_timeout"),
        started,
        operation.failed,
    )


async def start_update_with_start(
    client: Client, given: StartWorkflowUpdateWithStartInput
) -> WorkflowUpdateHandle[Any]:
    """Send it (again) until the update is answered; the workflow is there with the first answer."""
    start_input, update_input = given.start_workflow_input, given.update_workflow_input
    converter = client.data_converter
    options: Any = dict(vars(start_input))
    workflow, workflow_args, headers = (
        options.pop(name) for name in ("workflow", "args", "headers")
    )
    del options["ret_type"]
    starting = await start.request(workflow, workflow_args, options, converter, headers=headers)
    update_id = update_input.update_id or str(uuid.uuid4())
    updating = await update_rpc.request(
        start_input.id,
        None,
        update_input.update,
        args=update_input.args,
        update_id=update_id,
        stage=check_stage(update_input.wait_for_stage),
        identity=client.identity,
        first_execution_run_id=None,
        converter=converter,
        headers=update_input.headers,
    )
    request = execute_multi_operation.request(client.namespace, client.identity, starting, updating)
    what = f"answer to the update with start of {start_input.id!r}"
    waiting = UpdateWaiting(client, given.rpc_metadata, given.rpc_timeout, what)
    while True:
        try:
            response = await waiting.call("ExecuteMultiOperation", request)
        except RPCError as refused:
            raise execute_multi_operation.error(refused, start_input.id, workflow) from refused
        started, updated = execute_multi_operation.answers(response)
        given.on_start(started)
        if updated.get("stage", 0) >= WorkflowUpdateStage.ACCEPTED:
            return handle_of(client, start_input.id, update_id, updated, update_input.ret_type)
