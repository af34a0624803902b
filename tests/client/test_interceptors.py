"""Interceptors that do not pass a call on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hourglass.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateWithStartInput,
    WithStartWorkflowOperation,
    WorkflowUpdateStage,
)
from hourglass.common import WorkflowIDConflictPolicy


class Answers(Interceptor):
    """Answers an update with start by itself."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return AnswersOutbound(next)


class AnswersOutbound(OutboundInterceptor):
    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> Any:
        return "answered"


async def test_an_operation_that_an_interceptor_did_not_pass_on_has_no_handle() -> None:
    client: Any = await Client.connect("sqlite://", lazy=True, interceptors=[Answers()])
    operation: Any = WithStartWorkflowOperation(
        "W", id="w", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    waits = asyncio.ensure_future(operation.workflow_handle())
    stage = WorkflowUpdateStage.ACCEPTED
    assert (
        await client.start_update_with_start_workflow(
            "u", start_workflow_operation=operation, wait_for_stage=stage
        )
        == "answered"
    )
    with pytest.raises(RuntimeError, match="by an interceptor"):
        await waits
