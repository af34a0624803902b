"""Limits of names, and of what a run may have pending."""

from collections.abc import Callable
from typing import Any

from tests.conformance.commands import (
    Wire,
    command,
    schedule_activity,
    signal_external,
    start_child,
)
from tests.conformance.driver import World
from tests.conformance.table import scenario

LONG = "n" * 1001
MOST = 2000
"""The most things of a kind that a run may have pending."""


@scenario(33)
async def starts_with_names_that_are_too_long(w: World) -> None:
    too_long: dict[str, Wire] = {
        "type": {"workflow_type": {"name": LONG}},
        "queue": {"task_queue": {"name": LONG}},
        "request": {"request_id": LONG},
        "identity": {"identity": LONG},
    }
    for label, requests in too_long.items():
        await w.answer(label, w.start(f"start {label}", **requests))
        await w.answer(
            f"signal with start: {label}",
            w.call(
                "SignalWithStartWorkflowExecution",
                **{
                    "workflow_id": w.id(f"signal {label}"),
                    "workflow_type": {"name": "T"},
                    "task_queue": {"name": w.queue},
                    "signal_name": "s",
                    **requests,
                },
            ),
        )
    await w.answer(
        "signal with start: signal",
        w.call(
            "SignalWithStartWorkflowExecution",
            workflow_id=w.id("signal signal"),
            workflow_type={"name": "T"},
            task_queue={"name": w.queue},
            signal_name=LONG,
        ),
    )


@scenario(33)
async def calls_about_a_run_with_names_that_are_too_long(w: World) -> None:
    run = await w.start()

    async def ask(label: str, rpc: str, **request: Any) -> None:
        execution = {"workflow_id": run.workflow_id, "run_id": run.run_id}
        await w.answer(label, w.call(rpc, **{"workflow_execution": execution, **request}))

    other = {"workflow_execution": {"workflow_id": LONG}}
    signal: dict[str, Any] = {"signal_name": "s"}
    await ask("signal: name", "SignalWorkflowExecution", signal_name=LONG)
    await ask("signal: request", "SignalWorkflowExecution", **signal, request_id=LONG)
    await ask("signal: id", "SignalWorkflowExecution", **signal, **other)
    await ask("cancel: request", "RequestCancelWorkflowExecution", request_id=LONG)
    await ask("cancel: id", "RequestCancelWorkflowExecution", **other)
    await ask("terminate: id", "TerminateWorkflowExecution", **other)
    await ask("delete: id", "DeleteWorkflowExecution", **other)
    await ask(
        "reset: request",
        "ResetWorkflowExecution",
        request_id=LONG,
        workflow_task_finish_event_id=3,
    )
    await w.answer(
        "describe: id", w.call("DescribeWorkflowExecution", execution={"workflow_id": LONG})
    )
    await w.answer(
        "query: id",
        w.call("QueryWorkflow", execution={"workflow_id": LONG}, query={"query_type": "q"}),
    )
    await w.answer(
        "history: id", w.call("GetWorkflowExecutionHistory", execution={"workflow_id": LONG})
    )
    await run.terminate(reason="enough")


@scenario(33)
async def updates_with_names_that_are_too_long(w: World) -> None:
    run = await w.start()

    async def update(label: str, update_id: str, name: str) -> None:
        call = w.call(
            "UpdateWorkflowExecution",
            workflow_execution={"workflow_id": run.workflow_id, "run_id": run.run_id},
            wait_policy={"lifecycle_stage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED"},
            request={"meta": {"update_id": update_id}, "input": {"name": name}},
        )
        await w.answer(label, call)

    await update("id", LONG, "u")
    await run.terminate(reason="enough")


@scenario(33)
async def polls_with_names_that_are_too_long(w: World) -> None:
    for rpc in ("PollWorkflowTaskQueue", "PollActivityTaskQueue"):
        queue = {"name": w.queue}
        await w.answer(f"{rpc}: queue", w.call(rpc, task_queue={"name": LONG}))
        await w.answer(f"{rpc}: identity", w.call(rpc, task_queue=queue, identity=LONG))
    await w.answer(
        "describe", w.call("DescribeTaskQueue", task_queue={"name": LONG}, task_queue_type=1)
    )


async def _more_than_allowed(w: World, one: Callable[[int], Wire]) -> None:
    """Order as many as may be pending and one more, and note what comes of it."""
    await w.start()
    task = await w.poll()
    await w.answer("one too many", task.complete(*map(one, range(MOST + 1))))
    await w.note_next("one too many")


@scenario(10)
async def more_activities_than_may_be_pending(w: World) -> None:
    await _more_than_allowed(w, lambda number: schedule_activity(w.queue, f"a{number}"))


@scenario(10)
async def more_children_than_may_be_pending(w: World) -> None:
    await _more_than_allowed(w, lambda number: start_child(w.id(f"child-{number}")))


@scenario(10)
async def more_signals_than_may_be_pending(w: World) -> None:
    await _more_than_allowed(w, lambda number: signal_external(w.id(f"other-{number}"), "s"))


@scenario(10)
async def more_cancellations_than_may_be_pending(w: World) -> None:
    kind = "request_cancel_external_workflow_execution"
    await _more_than_allowed(w, lambda number: command(kind, workflow_id=w.id(f"o-{number}")))
