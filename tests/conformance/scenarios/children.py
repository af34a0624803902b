"""Children: two phases, ends, parents that close (3.8)."""

from typing import Any

from tests.conformance.commands import (
    Wire,
    cancel,
    command,
    complete,
    continue_as_new,
    fail,
    start_child,
    start_timer,
    text,
)
from tests.conformance.driver import Run, Task, World
from tests.conformance.table import scenario


def _child(w: World, name: str = "child", **more: Any) -> Wire:
    queue = {"name": w.id("children")}
    child_id = more.pop("workflow_id", w.id(name))
    return start_child(child_id, task_queue=queue, **{"input": text("i"), **more})


async def _parent(w: World, *commands: Wire, **request: Any) -> Run:
    run = await w.start(**request)
    await (await w.poll()).complete(*commands)
    return run


async def _both(w: World, **more: Any) -> tuple[Run, Task]:
    """Start a parent with a child, and take the child's first task."""
    run = await _parent(w, _child(w, **more))
    await (await w.poll()).complete(start_timer("t", 60))
    return run, await w.poll("children")


@scenario(44)
async def a_child_completes(w: World) -> None:
    _, child = await _both(w)
    child.note("child")
    await child.complete(complete("r"))
    task = await w.poll()
    task.note()
    await task.complete(complete())


@scenario(44, 45)
async def a_child_fails(w: World) -> None:
    _, child = await _both(w)
    await child.complete(fail("broken"))
    await (await w.poll()).complete(complete())


@scenario(45)
async def a_child_is_retried(w: World) -> None:
    policy = {"initial_interval": 0.1, "maximum_attempts": 2}
    _, child = await _both(w, retry_policy=policy)
    await child.complete(fail("one"))
    await (await w.poll("children")).complete(fail("two"))
    await (await w.poll()).complete(complete())


@scenario(45)
async def a_child_goes_on_as_new(w: World) -> None:
    _, child = await _both(w)
    await child.complete(continue_as_new())
    await (await w.poll("children")).complete(complete("r"))
    await (await w.poll()).complete(complete())


@scenario(45)
async def a_child_times_out(w: World) -> None:
    _, child = await _both(w, workflow_run_timeout=1)
    await child.complete(start_timer("t", 60))
    await (await w.poll()).complete(complete())


@scenario(45)
async def a_child_is_terminated(w: World) -> None:
    _, child = await _both(w)
    execution = child.answer["workflow_execution"]
    await child.complete(start_timer("t", 60))
    await w.call("TerminateWorkflowExecution", workflow_execution=execution, reason="enough")
    await (await w.poll()).complete(complete())


@scenario(44)
async def an_id_that_runs_already_is_refused(w: World) -> None:
    other = await w.start("child", task_queue={"name": w.id("children")})
    await _parent(w, _child(w))
    task = await w.poll()
    task.note()
    await task.complete(complete())
    await other.terminate()


@scenario(44)
async def an_id_that_may_not_be_used_again_is_refused(w: World) -> None:
    await w.start("child", task_queue={"name": w.id("children")})
    await (await w.poll("children")).complete(complete())
    await _parent(
        w, _child(w, workflow_id_reuse_policy="WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE")
    )
    await (await w.poll()).complete(complete())


@scenario(44)
async def a_child_with_everything_that_there_is_to_say(w: World) -> None:
    _, child = await _both(
        w,
        workflow_execution_timeout=100,
        workflow_run_timeout=50,
        workflow_task_timeout=5,
        retry_policy={"maximum_attempts": 2},
        memo={"fields": {"note": text("m")["payloads"][0]}},
        header={"fields": {"trace": text("h")["payloads"][0]}},
        priority={"priority_key": 2},
        parent_close_policy="PARENT_CLOSE_POLICY_ABANDON",
    )
    await child.complete(complete())
    await (await w.poll()).complete(complete())


async def _closes(w: World, policy: str, *end: Wire) -> None:
    _, child = await _both(w, parent_close_policy=f"PARENT_CLOSE_POLICY_{policy}")
    execution = child.answer["workflow_execution"]
    await child.complete(start_timer("t", 60))
    parent = Run(w, w.id(), "")
    await parent.signal()
    await (await w.poll()).complete(*end)
    run = w.run(execution["run_id"], "child")
    if policy == "TERMINATE":
        await run.until("WorkflowExecutionTerminated")
    elif policy == "REQUEST_CANCEL":
        await run.until("WorkflowExecutionCancelRequested")
        await (await w.poll("children")).complete(cancel())
    else:
        w.note("child", (await run.describe())["workflow_execution_info"]["status"])
        await run.terminate()


@scenario(45)
async def a_parent_that_completes_terminates_its_child(w: World) -> None:
    await _closes(w, "TERMINATE", complete())


@scenario(45)
async def a_parent_that_fails_cancels_its_child(w: World) -> None:
    await _closes(w, "REQUEST_CANCEL", fail("broken"))


@scenario(45)
async def a_parent_abandons_its_child(w: World) -> None:
    await _closes(w, "ABANDON", complete())


@scenario(45)
async def a_parent_that_goes_on_as_new_terminates_its_child(w: World) -> None:
    await _closes(w, "TERMINATE", continue_as_new())
    await (await w.poll()).complete(complete())


@scenario(45)
async def a_parent_that_is_terminated_terminates_its_child(w: World) -> None:
    run, child = await _both(w)
    await child.complete(start_timer("t", 60))
    execution = child.answer["workflow_execution"]
    await run.terminate(reason="enough")
    await w.run(execution["run_id"], "child").until("WorkflowExecutionTerminated")


@scenario(46)
async def a_parent_cancels_its_child(w: World) -> None:
    run, child = await _both(w)
    await child.complete(start_timer("t", 60))
    await run.signal()
    request = command(
        "request_cancel_external_workflow_execution",
        workflow_id=w.id("child"),
        child_workflow_only=True,
        reason="not needed",
    )
    await (await w.poll()).complete(request)
    cancelled = await w.poll("children")
    cancelled.note("child")
    await (await w.poll()).complete(start_timer("u", 60))
    await cancelled.complete(cancel("as asked"))
    await (await w.poll()).complete(complete())
