"""An update from outside: sent, waited for, found again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hourglass.client._errors import WorkflowUpdateRPCTimeoutOrCancelledError
from hourglass.client._requests import update_workflow_execution
from hourglass.client._waiting import Waiting
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.client._client import Client

R = TypeVar("R")
_Metadata = Mapping[str, str]


class WorkflowUpdateStage(IntEnum):
    """How far an update has come; values are the protocol's."""

    ADMITTED = 1
    """The service has it; nothing is recorded yet. It can't be waited for."""
    ACCEPTED = 2
    """Its validator let it pass: it is recorded, and its handler runs."""
    COMPLETED = 3
    """Its handler has ended."""


class UpdateWaiting(Waiting):
    """Waiting for what becomes of an update."""

    expired = WorkflowUpdateRPCTimeoutOrCancelledError


class WorkflowUpdateHandle(Generic[R]):
    """An update by id. Making one asks nothing; the update may not exist."""

    def __init__(
        self,
        client: Client,
        id: str,  # noqa: A002 - the convention's name
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        result_type: Any = None,
        known_outcome: Wire | None = None,
    ) -> None:
        self._client = client
        self._id = id
        self._workflow_id = workflow_id
        self._workflow_run_id = workflow_run_id
        self._result_type = result_type
        self._outcome = known_outcome

    def __repr__(self) -> str:
        return f"<WorkflowUpdateHandle {self._id!r} of workflow {self._workflow_id!r}>"

    @property
    def id(self) -> str:
        """The update's id."""
        return self._id

    @property
    def workflow_id(self) -> str:
        """The workflow it was sent to."""
        return self._workflow_id

    @property
    def workflow_run_id(self) -> str | None:
        """The run it was sent to, as far as that is known."""
        return self._workflow_run_id

    async def result(
        self, *, rpc_metadata: _Metadata | None = None, rpc_timeout: timedelta | None = None
    ) -> R:
        """Wait for the handler to end; what it returned.

        Args:
            rpc_timeout: Give up after that long; the update goes on.

        Raises:
            WorkflowUpdateFailedError: It was rejected, or its handler failed: see `cause`.
            WorkflowUpdateRPCTimeoutOrCancelledError: `rpc_timeout` is over.
            RPCError: NOT_FOUND if there is no such update.
        """
        if self._outcome is None:
            waiting = UpdateWaiting(
                self._client, rpc_metadata, rpc_timeout, f"result of update {self._id!r}"
            )
            self._outcome = await self._poll(waiting)
        result: R = await update_workflow_execution.value(
            self._outcome, self._result_type, self._client.data_converter
        )
        return result

    async def _poll(self, waiting: UpdateWaiting) -> Wire:
        completed = int(WorkflowUpdateStage.COMPLETED)
        request = update_workflow_execution.poll_request(
            self._workflow_id, self._workflow_run_id, self._id, completed
        )
        while True:
            answer = await waiting.call("PollWorkflowExecutionUpdate", request)
            outcome: Wire | None = answer.get("outcome")
            if outcome is not None:
                return outcome
            if answer.get("stage", 0) >= completed:
                raise update_workflow_execution.lost(self._id)


async def start_update(
    client: Client,
    workflow_id: str,
    run_id: str | None,
    name: str,
    *,
    args: Sequence[Any],
    wait_for_stage: WorkflowUpdateStage,
    id: str | None,  # noqa: A002 - the convention's name
    result_type: Any,
    first_execution_run_id: str | None,
    headers: Mapping[str, Payload] | None,
    rpc_metadata: _Metadata | None,
    rpc_timeout: timedelta | None,
) -> WorkflowUpdateHandle[Any]:
    """Send an update, and send it again (under its id, which makes it one) until it is answered."""
    stage = check_stage(wait_for_stage)
    update_id = id or str(uuid.uuid4())
    request = await update_workflow_execution.request(
        workflow_id,
        run_id,
        name,
        args=args,
        update_id=update_id,
        stage=stage,
        identity=client.identity,
        first_execution_run_id=first_execution_run_id,
        converter=client.data_converter,
        headers=headers,
    )
    waiting = UpdateWaiting(client, rpc_metadata, rpc_timeout, f"answer to update {name!r}")
    while True:
        answer = await waiting.call("UpdateWorkflowExecution", request)
        if answer.get("stage", 0) >= WorkflowUpdateStage.ACCEPTED:
            return handle_of(client, workflow_id, update_id, answer, result_type)


def time_left(rpc_timeout: timedelta | None, begun: float) -> timedelta | None:
    """What is left of a limit that runs since `begun` (of `time.monotonic`)."""
    if rpc_timeout is None:
        return None
    return max(rpc_timeout - timedelta(seconds=time.monotonic() - begun), timedelta(0))


def check_stage(stage: WorkflowUpdateStage) -> int:
    """The stage to wait for, as the protocol has it."""
    if stage == WorkflowUpdateStage.ADMITTED:
        raise InvalidArgumentError(
            "wait_for_stage: ADMITTED can't be waited for; use ACCEPTED or COMPLETED"
        )
    return int(WorkflowUpdateStage(stage))


def handle_of(
    client: Client, workflow_id: str, update_id: str, answer: Wire, result_type: Any
) -> WorkflowUpdateHandle[Any]:
    """The handle from an answer, which may hold the outcome already."""
    execution = answer.get("update_ref", {}).get("workflow_execution", {})
    return WorkflowUpdateHandle(
        client,
        update_id,
        workflow_id,
        workflow_run_id=execution.get("run_id") or None,
        result_type=result_type,
        known_outcome=answer.get("outcome"),
    )


def update_name(update: Any) -> tuple[str, Any]:
    """The update's name and declared answer. `DefinitionError` if it isn't one."""
    if isinstance(update, str):
        return update, None
    from hourglass.workflow._definition.definition import UpdateDefinition

    definition = UpdateDefinition.of(update)
    if definition.name is None:
        raise InvalidArgumentError(
            f"{definition.fn.__qualname__} is a dynamic handler: say which name to send"
        )
    return definition.name, definition.ret_type
