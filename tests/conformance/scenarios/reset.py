"""A run goes back to one of its workflow tasks, as a run of its own (3.9, trap 49)."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from hourglass._bridge import Payload
from tests.conformance.commands import (
    Wire,
    command,
    complete,
    continue_as_new,
    schedule_activity,
    start_child,
    start_timer,
    text,
)
from tests.conformance.driver import Run, Task, World
from tests.conformance.table import scenario

SIGNALS = "RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL"
UPDATES = "RESET_REAPPLY_EXCLUDE_TYPE_UPDATE"
PACKAGE = "temporal.api.update.v1"


async def reset(run: Run, until: int, **request: Any) -> Run:
    """Reset a run to before that event; the run that goes on."""
    request = {"reason": "again", "workflow_task_finish_event_id": until, **request}
    answer = await run.world.call(
        "ResetWorkflowExecution", **{"workflow_execution": run.execution, **request}
    )
    name = run.workflow_id.removesuffix(f"-{run.world.token}")
    return run.world.run(answer["run_id"], name)


async def described(run: Run, label: str) -> None:
    """Note what Describe says that has to do with resets."""
    answer = await run.describe()
    extended = answer["workflow_extended_info"]
    run.world.note(
        label,
        {
            "status": answer["workflow_execution_info"]["status"],
            "first": answer["workflow_execution_info"].get("first_run_id"),
            "by": extended.get("reset_run_id"),
            "reset": bool(extended.get("last_reset_time")),
            "activities": [
                {key: found.get(key) for key in ("activity_id", "state", "attempt")}
                for found in answer.get("pending_activities", [])
            ],
            "children": [
                {key: found.get(key) for key in ("workflow_id", "run_id", "initiated_id")}
                for found in answer.get("pending_children", [])
            ],
        },
    )


@scenario(49)
async def a_reset_to_a_completed_task_reapplies_signals(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal("first", input=text("a"), identity="me")
    await (await w.poll()).complete()
    await run.signal("second")
    await (await w.poll()).complete()
    await run.signal("third")
    new = await reset(run, 4)
    task = await w.poll()
    task.note("the task after the reset")
    await described(run, "the old run")
    await described(new, "the new run")
    await task.complete(complete())


@scenario(49)
async def a_reset_takes_over_what_is_pending(w: World) -> None:
    run = await w.start(memo={"fields": {"a": Payload(metadata={}, data=b"1")}})
    await (await w.poll()).complete(
        start_timer("late", 60),
        start_timer("soon", 0.2),
        schedule_activity(w.queue, "a"),
    )
    await run.until("TimerFired")
    await (await w.poll()).complete(start_timer("after", 60))
    new = await reset(run, 10)
    activity = await w.activity()
    w.note("activity", [activity.answer[key] for key in ("activity_id", "attempt")])
    await described(new, "the new run")
    await (await w.poll()).complete()
    await activity.complete(result=text("done"))
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_reset_to_a_scheduled_and_to_a_started_task(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(complete())
    scheduled = await reset(run, 3)
    await (await w.poll()).complete(complete())
    started = await reset(scheduled, 4)
    await described(started, "the last run")
    await (await w.poll()).complete(complete())
    await described(run, "the first run")


@scenario(49)
async def a_signal_that_waits_for_a_task_outlives_a_reset(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal("before")
    task = await w.poll()
    await run.signal("during")
    await reset(run, 4)
    await w.answer("the old task", task.complete())
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_reset_leaves_out_what_it_is_told(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal("s")
    await (await w.poll()).complete(complete())
    await reset(run, 4, reset_reapply_exclude_types=[SIGNALS])
    await (await w.poll()).complete(complete())
    await reset(run, 4, reset_reapply_type="RESET_REAPPLY_TYPE_NONE")
    await (await w.poll()).complete(complete())
    await reset(run, 4, reset_reapply_type="RESET_REAPPLY_TYPE_SIGNAL")
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_reset_of_a_chain_reapplies_the_signals_of_all_its_runs(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal("in the first")
    await (await w.poll()).complete(continue_as_new())
    second = Run(w, w.id(), "")
    await (await w.poll()).complete()
    await second.signal("in the second")
    await reset(run, 4)
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_reset_after_failed_attempts(w: World) -> None:
    run = await w.start()
    await (await w.poll()).fail()
    await (await w.poll()).fail()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal("s")
    at_completed = await reset(run, 7)
    await (await w.poll()).complete(complete())
    await described(at_completed, "the run from the third attempt")
    await reset(run, 5)
    await (await w.poll()).complete(complete())


def accepted(update_id: str, sequencing: int) -> tuple[list[Wire], list[Wire]]:
    """Make what a worker says that accepts and completes an update: commands, and messages."""
    kinds: dict[str, Wire] = {
        "Acceptance": {
            "accepted_request_message_id": f"{update_id}/request",
            "accepted_request_sequencing_event_id": sequencing,
        },
        "Response": {
            "meta": {"update_id": update_id},
            "outcome": {"success": text("updated")},
        },
    }
    ids = [f"{update_id}/{kind}" for kind in kinds]
    messages = [
        {
            "id": f"{update_id}/{kind}",
            "protocol_instance_id": update_id,
            "body": {"@type": f"{PACKAGE}.{kind}", **body},
        }
        for kind, body in kinds.items()
    ]
    return [command("protocol_message", message_id=name) for name in ids], messages


def update(run: Run, update_id: str) -> Awaitable[Wire]:
    """Ask for an update and wait for its outcome."""
    return run.world.call(
        "UpdateWorkflowExecution",
        workflow_execution={"workflow_id": run.workflow_id},
        request={"meta": {"update_id": update_id}, "input": {"name": "u", "args": text("x")}},
        wait_policy={"lifecycle_stage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"},
    )


@scenario(49, 18)
async def an_update_is_admitted_again_by_a_reset(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    waiting = asyncio.ensure_future(update(run, "one"))
    task = await w.poll()
    commands, messages = accepted("one", 5)
    await task.complete(*commands, messages=messages)
    w.note("outcome", (await waiting)["outcome"])
    for excluded in [], [UPDATES]:
        new = await reset(run, 4, reset_reapply_exclude_types=excluded)
        task = await w.poll()
        task.note(f"without {excluded}")
        if not excluded:
            commands, messages = accepted("one", 5)
            waiting = asyncio.ensure_future(update(new, "one"))
            await task.complete(*commands, messages=messages)
            w.note("outcome", (await waiting)["outcome"])
            await reset(new, (await new.types()).index("WorkflowTaskCompleted", 5) + 1)
            task = await w.poll()
            await task.complete(*commands, complete(), messages=messages)
        else:
            await task.complete(complete())


@scenario(49, 18)
async def what_is_refused(w: World) -> None:
    run = await w.start()
    await w.answer("before the first task", reset(run, 2))
    await (await w.poll()).complete(start_timer("t", 60))
    await w.answer("first event", reset(run, 1))
    await w.answer("no event", reset(run, 0))
    await w.answer("past the end", reset(run, 6))
    await w.answer("after a task", reset(run, 5))
    await w.answer("at its schedule", reset(run, 2))
    unknown = {"workflow_id": w.id("nobody")}
    await w.answer("unknown", reset(run, 4, workflow_execution=unknown))
    await w.answer("no execution", reset(run, 4, workflow_execution={}))
    await w.answer("bad run", reset(run, 4, workflow_execution={**run.execution, "run_id": "x"}))


@scenario(49)
async def a_child_belongs_to_the_run_after_the_reset(w: World) -> None:
    run = await w.start()
    child = start_child(w.id("child"), task_queue={"name": w.id("children")})
    await (await w.poll()).complete(child)
    await run.until("ChildWorkflowExecutionStarted")
    await (await w.poll()).complete(start_timer("t", 60))
    leaf = await w.poll("children")
    types = await run.types()
    new = await reset(run, types.index("WorkflowTaskCompleted", 5) + 1)
    await described(new, "with a child")
    await (await w.poll()).complete()
    await leaf.complete(complete("grown up"))
    await new.until("ChildWorkflowExecutionCompleted")
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_child_that_ended_since_ends_again(w: World) -> None:
    run = await w.start()
    child = start_child(w.id("child"), task_queue={"name": w.id("children")})
    await (await w.poll()).complete(child)
    await run.until("ChildWorkflowExecutionStarted")
    task: Task = await w.poll()
    await task.complete()
    await (await w.poll("children")).complete(complete("grown up"))
    await run.until("ChildWorkflowExecutionCompleted")
    await (await w.poll()).complete(complete())
    await reset(run, (await run.types()).index("WorkflowTaskCompleted", 5) + 1)
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_child_is_reset_and_its_parent_hears_of_its_end(w: World) -> None:
    run = await w.start()
    child = start_child(w.id("child"), task_queue={"name": w.id("children")})
    await (await w.poll()).complete(child)
    await run.until("ChildWorkflowExecutionStarted")
    await (await w.poll()).complete()
    await (await w.poll("children")).complete(start_timer("t", 60))
    leaf = Run(w, w.id("child"), "")
    await reset(leaf, 4)
    await (await w.poll("children")).complete(complete("at last"))
    await run.until("ChildWorkflowExecutionCompleted")
    await (await w.poll()).complete(complete())


@scenario(49, 14)
async def each_version_of_the_workers_is_a_point_to_reset_to(w: World) -> None:
    run = await w.start()
    versions: list[Wire] = [
        {"worker_version_stamp": {"build_id": "one"}},
        {"worker_version_stamp": {"build_id": "two"}},
        {"worker_version_stamp": {"build_id": "one"}},
        {"binary_checksum": "three"},
        {},
    ]
    for at, version in enumerate(versions):
        await (await w.poll()).complete(start_timer(f"t{at}", 60), **version)
        await points(run, f"after {version}")
        await run.signal()
    await (await w.poll()).complete(continue_as_new())
    await (await w.poll()).complete(**versions[0])
    new = Run(w, w.id(), "")
    await points(new, "after the next run's first task")
    await new.terminate()
    await points(await reset(run, 4), "of the run after a reset")
    await (await w.poll()).complete(complete())


async def points(run: Run, label: str) -> None:
    """Note what Describe says of where a run may be reset to."""
    info = (await run.describe())["workflow_execution_info"]
    run.world.note(label, info.get("auto_reset_points", {}).get("points"))


@scenario(49, 35)
async def what_was_attached_is_attached_to_the_run_after_a_reset(w: World) -> None:
    run = await w.start(request_id="first")
    await (await w.poll()).complete(start_timer("t", 60))
    attached: dict[str, Any] = {
        "request_id": "attached",
        "workflow_id_conflict_policy": "WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING",
        "on_conflict_options": {"attach_request_id": True},
    }
    await w.start(**attached)
    new = await reset(run, 4, request_id="reset")
    known = (await new.describe())["workflow_extended_info"]["request_id_infos"]
    w.note("known", known.get("attached"))
    again = await w.start(**attached)
    w.note("found", again.run_id == new.run_id)
    await (await w.poll()).complete(complete())


@scenario(49)
async def a_sticky_queue_is_forgotten(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60), sticky="sticky")
    await w.answer("forget", w.call("ResetStickyTaskQueue", execution=run.execution))
    await run.signal()
    await (await w.poll()).complete(complete())
    await w.answer("closed", w.call("ResetStickyTaskQueue", execution=run.execution))


@scenario(49)
async def a_child_that_was_let_go_before_a_reset_is_not_heard_of(w: World) -> None:
    run = await w.start()
    child = start_child(w.id("child"), task_queue={"name": w.id("children")})
    await (await w.poll()).complete(child)
    await run.until("ChildWorkflowExecutionStarted")
    await (await w.poll()).complete(complete())
    leaf = Run(w, w.id("child"), "")
    await leaf.until("WorkflowExecutionTerminated")
    new = await reset(run, (await run.types()).index("WorkflowTaskCompleted", 5) + 1)
    await described(new, "with a child that is over")
    await new.signal()
    await (await w.poll()).complete(complete())


async def _with_a_child_seen(w: World) -> Run:
    """A run that has started a child, and has completed a task since."""
    run = await w.start()
    child = start_child(w.id("child"), task_queue={"name": w.id("children")})
    await (await w.poll()).complete(child)
    await run.until("ChildWorkflowExecutionStarted")
    await (await w.poll()).complete()
    return run


@scenario(49)
async def a_child_that_a_reset_left_out_ends_unheard_by_a_later_one(w: World) -> None:
    run = await _with_a_child_seen(w)
    second = (await run.types()).index("WorkflowTaskCompleted", 5) + 1
    grandchild = start_child(w.id("grandchild"), task_queue={"name": w.id("leaves")})
    await (await w.poll("children")).complete(grandchild)
    child = Run(w, w.id("child"), "")
    await child.until("ChildWorkflowExecutionStarted")
    without = await reset(run, 4)
    await described(without, "before the child")
    await child.terminate()
    # A run that ends tells its parent before it ends its children.
    await Run(w, w.id("grandchild"), "").until("WorkflowExecutionTerminated")
    new = await reset(run, second)
    await described(new, "with a child that is over")
    await new.signal()
    await (await w.poll()).complete(complete())


@scenario(49)
async def the_end_of_a_child_that_one_reset_heard_of_is_not_told_to_the_next(w: World) -> None:
    run = await _with_a_child_seen(w)
    second = (await run.types()).index("WorkflowTaskCompleted", 5) + 1
    first = await reset(run, second)
    await Run(w, w.id("child"), "").terminate()
    await first.until("ChildWorkflowExecutionTerminated")
    new = await reset(run, second)
    await described(new, "with a child that is over")
    await new.signal()
    await (await w.poll()).complete(complete())
