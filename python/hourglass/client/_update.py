"""An update from outside: sent, waited for, found again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import TypedDict

from hourglass.client._errors import WorkflowUpdateRPCTimeoutOrCancelledError
from hourglass.client._requests import update_workflow_execution
from hourglass.client._requests._parts import member
from hourglass.client._service import CallOptions, HasOptions, LongCall, Service
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._inputs import StartWorkflowUpdateInput

R = TypeVar("R")


class UpdateOptions(TypedDict, total=False):
    """The keywords of every way to send an update."""

    id: str | None
    """The update's id, a fresh one by default. Updates with one id are one update."""
    rpc_metadata: Mapping[str, str] | None
    rpc_timeout: timedelta | None
    """The limit for waiting; the update goes on after it."""


class WorkflowUpdateStage(IntEnum):
    """The stage of an update; values are the protocol's."""

    ADMITTED = 1
    """Known to the service, not recorded yet. It can't be waited for."""
    ACCEPTED = 2
    """Recorded: its validator let it pass, and its handler runs."""
    COMPLETED = 3
    """Ended: its handler has returned or failed."""


class WorkflowUpdateHandle(Generic[R]):
    """An update by id. Making one asks nothing; the update may not exist."""

    def __init__(
        self,
        service: Service,
        id: str,  # noqa: A002 - the convention's name
        workflow_id: str,
        *,
        workflow_run_id: str | None = None,
        result_type: Any = None,
        known_outcome: Wire | None = None,
    ) -> None:
        self._service = service
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
        self, *, rpc_metadata: Mapping[str, str] | None = None, rpc_timeout: timedelta | None = None
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
            options = CallOptions(rpc_metadata or {}, rpc_timeout)
            self._outcome = await self._poll(
                long_call(self._service, options, f"result of update {self._id!r}")
            )
        result: R = await update_workflow_execution.value(
            self._outcome, self._result_type, self._service.data_converter
        )
        return result

    async def _poll(self, call: LongCall) -> Wire:
        completed = int(WorkflowUpdateStage.COMPLETED)
        request = update_workflow_execution.poll_request(
            self._workflow_id, self._workflow_run_id, self._id, completed
        )
        while True:
            answer = await call.send("PollWorkflowExecutionUpdate", request)
            outcome: Wire | None = answer.get("outcome")
            if outcome is not None:
                return outcome
            if answer.get("stage", 0) >= completed:
                raise update_workflow_execution.lost(self._id)


async def start_update(
    service: Service, given: StartWorkflowUpdateInput
) -> WorkflowUpdateHandle[Any]:
    """Send an update, and send it again (under its id, which makes it one) until it is answered."""
    stage = check_stage(given.wait_for_stage)
    update_id = given.update_id or str(uuid.uuid4())
    request = await update_workflow_execution.request(
        given.id,
        given.run_id,
        given.update,
        args=given.args,
        update_id=update_id,
        stage=stage,
        identity=service.identity,
        first_execution_run_id=given.first_execution_run_id,
        converter=service.data_converter,
        headers=given.headers,
    )
    call = long_call(service, given, f"answer to update {given.update!r}")
    while True:
        answer = await call.send("UpdateWorkflowExecution", request)
        if answer.get("stage", 0) >= WorkflowUpdateStage.ACCEPTED:
            return handle_of(service, given.id, update_id, answer, given.ret_type)


def long_call(service: Service, options: HasOptions, awaited: str) -> LongCall:
    """A call that waits for an update."""
    return LongCall(service, options, awaited, WorkflowUpdateRPCTimeoutOrCancelledError)


def time_left(rpc_timeout: timedelta | None, begun: float) -> timedelta | None:
    """The rest of a limit that runs since `begun` (of `time.monotonic`)."""
    if rpc_timeout is None:
        return None
    return max(rpc_timeout - timedelta(seconds=time.monotonic() - begun), timedelta(0))


def check_stage(stage: WorkflowUpdateStage) -> int:
    """The stage to wait for, as the protocol has it."""
    if stage == WorkflowUpdateStage.ADMITTED:
        raise InvalidArgumentError(
            "wait_for_stage: ADMITTED can't be waited for; use ACCEPTED or COMPLETED"
        )
    return member("wait_for_stage", WorkflowUpdateStage, stage)


def handle_of(
    service: Service, workflow_id: str, update_id: str, answer: Wire, result_type: Any
) -> WorkflowUpdateHandle[Any]:
    """The handle from an answer, which may hold the outcome already."""
    execution = answer.get("update_ref", {}).get("workflow_execution", {})
    return WorkflowUpdateHandle(
        service,
        update_id,
        workflow_id,
        workflow_run_id=execution.get("run_id") or None,
        result_type=result_type,
        known_outcome=answer.get("outcome"),
    )


_KNOWN = frozenset(UpdateOptions.__annotations__)


def check_update_options(options: Mapping[str, Any]) -> None:
    """Refuse an unknown keyword, as any call does."""
    if not options.keys() <= _KNOWN:
        unknown = min(options.keys() - _KNOWN)
        raise TypeError(f"an update got an unexpected keyword argument {unknown!r}")
