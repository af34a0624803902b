"""What an update sends, what its answers mean, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowAlreadyStartedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from hourglass.client._requests import execute_multi_operation, update_workflow_execution
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.converter import DataConverter
from hourglass.exceptions import (
    ApplicationError,
    DefinitionError,
    InternalError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
)

converter = DataConverter.default
payload = converter.payload_converter.to_payload


@workflow.defn
class Target:
    @workflow.run
    async def run(self) -> None: ...

    @workflow.update(dynamic=True)
    def any(self, name: str, args: Any) -> None: ...


async def test_an_update_holds_what_was_given() -> None:
    assert await update_workflow_execution.request(
        "w",
        None,
        "change",
        args=[1],
        update_id="u",
        stage=3,
        identity="me",
        first_execution_run_id="f",
        converter=converter,
    ) == {
        "workflow_execution": {"workflow_id": "w", "run_id": ""},
        "first_execution_run_id": "f",
        "wait_policy": {"lifecycle_stage": 3},
        "request": {
            "meta": {"update_id": "u", "identity": "me"},
            "input": {"name": "change", "args": {"payloads": [payload(1)]}},
        },
    }
    assert update_workflow_execution.poll_request("w", "r", "u", 3) == {
        "update_ref": {
            "workflow_execution": {"workflow_id": "w", "run_id": "r"},
            "update_id": "u",
        },
        "wait_policy": {"lifecycle_stage": 3},
    }


async def test_an_outcome_is_a_value_or_a_failure_with_its_cause() -> None:
    value = update_workflow_execution.value
    success = {"success": {"payloads": [payload([1])]}}
    assert await value(success, tuple[int, ...], converter) == (1,)
    assert await value({"success": {}}, int, converter) is None
    failure = {"message": "no", "application_failure_info": {"type": "T"}}
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await value({"failure": failure}, None, converter)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.message == "no"


def test_a_start_and_an_update_are_complete_requests_of_their_own() -> None:
    wire = execute_multi_operation.request("n", "me", {"workflow_id": "w"}, {"request": {}})
    start, update = wire["operations"]
    assert start["start_workflow"].pop("request_id")
    assert start == {"start_workflow": {"namespace": "n", "identity": "me", "workflow_id": "w"}}
    assert update == {"update_workflow": {"namespace": "n", "request": {}}}
    with pytest.raises(InternalError):
        execute_multi_operation.answers({"responses": []})


def test_the_operation_that_failed_says_why_both_did() -> None:
    aborted = {
        "code": 10,
        "message": "aborted",
        "details": [{"@type": "x/temporal.api.failure.v1.MultiOperationExecutionAborted"}],
    }
    taken = {
        "code": 6,
        "message": "taken",
        "details": [{"@type": "x/WorkflowExecutionAlreadyStartedFailure", "run_id": "r"}],
    }
    kind = "x/temporal.api.errordetails.v1.MultiOperationExecutionFailure"

    def refused(*statuses: Any) -> RPCError:
        detail = {"@type": kind, "statuses": list(statuses)}
        return RPCError("multi", RPCStatusCode.ABORTED, [detail])

    error = execute_multi_operation.error(refused(taken, aborted), "w", "T")
    assert isinstance(error, WorkflowAlreadyStartedError)
    assert error.run_id == "r"
    missing = {"code": 5, "message": "gone", "details": []}
    error = execute_multi_operation.error(refused(aborted, missing), "w", "T")
    assert isinstance(error, RPCError)
    assert (error.status, error.message) == (RPCStatusCode.NOT_FOUND, "gone")
    plain = RPCError("no", RPCStatusCode.UNAVAILABLE)
    assert execute_multi_operation.error(plain, "w", "T") is None


async def test_what_can_not_be_sent_is_refused_before_anything_is() -> None:
    client: Any = await Client.connect("sqlite://", lazy=True)
    handle = client.get_workflow_handle("w")
    accepted = WorkflowUpdateStage.ACCEPTED
    with pytest.raises(InvalidArgumentError, match="ADMITTED can't be waited for"):
        await handle.start_update("x", wait_for_stage=WorkflowUpdateStage.ADMITTED)
    with pytest.raises(InvalidArgumentError, match="dynamic"):
        await handle.execute_update(Target.any, args=["x", []])
    with pytest.raises(DefinitionError, match="not an update"):
        await handle.start_update(Target.run, wait_for_stage=accepted)
    with pytest.raises(TypeError, match="'idd'"):
        await handle.execute_update("x", idd="y")
    with pytest.raises(InvalidArgumentError, match="not both"):
        await handle.execute_update("x", 1, args=[2])


async def test_an_operation_says_what_it_needs_and_is_used_once() -> None:
    here: Any = {"id": "w", "task_queue": "q"}
    with pytest.raises(InvalidArgumentError, match="id_conflict_policy"):
        WithStartWorkflowOperation(Target.run, **here)
    here["id_conflict_policy"] = WorkflowIDConflictPolicy.FAIL
    with pytest.raises(InvalidArgumentError, match="start_signal"):
        WithStartWorkflowOperation(Target.run, start_signal="x", **here)
    operation: Any = WithStartWorkflowOperation(Target.run, **here)
    client: Any = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(InvalidArgumentError, match="ADMITTED"):
        await client.start_update_with_start_workflow(
            "x", start_workflow_operation=operation, wait_for_stage=WorkflowUpdateStage.ADMITTED
        )
    with pytest.raises(InvalidArgumentError, match="ADMITTED"):
        await operation.workflow_handle()
    with pytest.raises(RuntimeError, match="only once"):
        await client.execute_update_with_start_workflow("x", start_workflow_operation=operation)
