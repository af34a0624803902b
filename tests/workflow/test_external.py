"""Signals and cancellation to workflows that are no children."""

from __future__ import annotations

from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import OtherCommand, OtherJob
from hourglass.exceptions import ApplicationError
from tests.workflow.harness import Run, cancel, names, payload, query, result_of


@workflow.defn
class Target:
    @workflow.run
    async def run(self) -> None: ...

    @workflow.signal(name="renamed")
    def take(self, number: int) -> None: ...

    @workflow.signal(dynamic=True)
    def anything(self, name: str, args: Any) -> None: ...


@workflow.defn
class Sender:
    @workflow.query
    def meddle(self) -> Any:
        return workflow.get_external_workflow_handle("x").signal("y").send(None)

    @workflow.run
    async def run(self) -> list[str]:
        handle = workflow.get_external_workflow_handle_for(Target.run, "target", run_id="r")
        try:
            await handle.signal(Target.take, 3)
            await handle.cancel(reason="enough")
        except ApplicationError as error:
            return [str(error.type)]
        return [handle.id, str(handle.run_id)]


def resolved(what: str, seq: int = 1, failure: dict[str, Any] | None = None) -> OtherJob:
    fields = {"seq": seq} if failure is None else {"seq": seq, "failure": failure}
    return OtherJob(variant=f"resolve_{what}_external_workflow", fields=fields)


def test_an_external_workflow_is_signalled_then_cancelled() -> None:
    run = Run(Sender)
    execution = {"namespace": "default", "workflow_id": "target", "run_id": "r"}
    [sent] = run.start().commands
    assert isinstance(sent, OtherCommand)
    assert (sent.variant, sent.fields) == (
        "signal_external_workflow_execution",
        {
            "seq": 1,
            "workflow_execution": execution,
            "signal_name": "renamed",
            "args": [payload(3)],
        },
    )
    [asked] = run.send(resolved("signal")).commands
    assert isinstance(asked, OtherCommand)
    assert (asked.variant, asked.fields) == (
        "request_cancel_external_workflow_execution",
        {"seq": 1, "workflow_execution": execution, "reason": "enough"},
    )
    assert result_of(run.send(resolved("request_cancel"))) == ["target", "r"]


@pytest.mark.parametrize("what", ["signal", "request_cancel"])
def test_a_workflow_that_is_not_there_is_a_typed_error(what: str) -> None:
    run = Run(Sender)
    run.start()
    if what == "request_cancel":
        run.send(resolved("signal"))
    failure = {"message": "not found", "application_failure_info": {"type": "NotFound"}}
    assert result_of(run.send(resolved(what, failure=failure))) == ["NotFound"]


def test_a_request_to_cancel_can_not_be_taken_back_but_need_not_be_waited_for() -> None:
    run = Run(Sender)
    run.start()
    run.send(resolved("signal"))
    assert names(run.send(cancel())) == ["CancelWorkflowExecution"]
    assert names(run.send(resolved("request_cancel"))) == []


def test_a_query_can_not_signal() -> None:
    run = Run(Sender)
    run.start()
    [answer] = run.send(query("meddle")).commands
    failure: Any = getattr(answer, "failure", None)
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"


@workflow.defn
class Wrong:
    @workflow.run
    async def run(self) -> list[str]:
        found: list[str] = []
        handle = workflow.get_external_workflow_handle("x")
        for signal, args in ((Target.anything, ["a", []]), ("x", [object()])):
            try:
                await handle.signal(signal, args=args)
            except Exception as error:
                found.append(str(error))
        try:
            workflow.get_external_workflow_handle("")
        except ValueError as error:
            found.append(str(error))
        return found


def test_what_can_not_be_sent_is_refused_before_anything_is() -> None:
    completion = Run(Wrong).start()
    assert names(completion) == ["CompleteWorkflowExecution"]
    dynamic, unencodable, empty = result_of(completion)
    assert "dynamic" in dynamic
    assert "object" in unencodable
    assert "empty" in empty
