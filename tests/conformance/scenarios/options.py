"""What is changed of a run, or of one of its activities, while it goes on (3.6, 3.4)."""

from typing import Any

from tests.conformance.commands import Wire, complete, failure, schedule_activity, start_timer
from tests.conformance.driver import Run, World
from tests.conformance.scenarios.reset import reset
from tests.conformance.table import scenario

AUTO: Wire = {"versioning_override": {"auto_upgrade": True}}
VERSIONING = ("versioning_override",)


async def update(run: Run, options: Wire | None, *fields: str, **more: Any) -> Wire:
    """Update a run's options; what they are now."""
    request = {"workflow_execution": run.execution, "update_mask": {"paths": fields}, **more}
    if options is not None:
        request["workflow_execution_options"] = options
    answer = await run.world.call("UpdateWorkflowExecutionOptions", **request)
    options = answer["workflow_execution_options"]
    return options or {}


async def note(run: Run, label: str) -> None:
    """Note what Describe says of the versions of workers that a run is for."""
    info = (await run.describe())["workflow_execution_info"]
    override = info.get("versioning_info", {}).get("versioning_override", {})
    run.world.note(label, override.get("auto_upgrade"))


@scenario(35)
async def the_options_of_a_run_are_changed(w: World) -> None:
    run = await w.start()
    w.note("set", await update(run, AUTO, *VERSIONING))
    w.note("no change", await update(run, AUTO, *VERSIONING))
    await note(run, "is set")
    task = await w.poll()
    w.note("unset", await update(run, {}, *VERSIONING))
    await note(run, "is unset")
    await task.complete()
    await w.no_task()
    await run.terminate()
    await w.answer("closed", update(run, AUTO, *VERSIONING))


@scenario(35)
async def options_that_can_not_be_changed_so(w: World) -> None:
    run = await w.start()
    await w.answer("no options", update(run, None, *VERSIONING))
    await w.answer("no mask", update(run, AUTO, update_mask=None))
    await w.answer("no behavior", update(run, {"versioning_override": {}}, *VERSIONING))
    await w.answer("no id", update(run, AUTO, *VERSIONING, workflow_execution={}))
    other = {"workflow_id": w.id("nobody")}
    await w.answer("unknown", update(run, AUTO, *VERSIONING, workflow_execution=other))
    await run.terminate()


@scenario(49)
async def a_reset_changes_the_options(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await update(run, AUTO, *VERSIONING)
    await run.signal("s")
    await (await w.poll()).complete(start_timer("t2", 60))
    again = await reset(run, 4)
    await note(again, "reapplied")
    then = {"workflow_execution_options": {}, "update_mask": {"paths": VERSIONING}}
    last = await reset(again, 4, post_reset_operations=[{"update_workflow_options": then}])
    await note(last, "unset after the reset")
    await (await w.poll()).complete()
    signal = {"signal_workflow": {"signal_name": "s"}}
    await w.answer("a signal", reset(last, 4, post_reset_operations=[signal]))
    await w.answer("nothing", reset(last, 4, post_reset_operations=[{}]))
    await last.terminate()


async def of_activity(run: Run, options: Wire, *fields: str, **more: Any) -> Wire:
    """Update the options of the activity ``a``; what they are now."""
    request: Wire = {"execution": run.execution, "id": "a", "activity_options": options}
    request |= {"update_mask": {"paths": fields}} if fields else {}
    answer = await run.world.call("UpdateActivityOptions", **{**request, **more})
    found: Wire = answer["activity_options"]
    return {**found, "task_queue": found["task_queue"]["name"]}


@scenario(24)
async def an_activity_backs_off_no_longer(w: World) -> None:
    run = await w.start()
    policy = {"initial_interval": 600, "non_retryable_error_types": ["Never"]}
    await (await w.poll()).complete(
        schedule_activity(w.queue, schedule_to_close_timeout=3600, retry_policy=policy)
    )
    await (await w.activity()).fail(failure=failure("first"))
    fields = ("retry_policy.initial_interval", "retry_policy.maximum_attempts")
    wanted = {"retry_policy": {"initial_interval": 0.1, "maximum_attempts": 2}}
    w.note("options", await of_activity(run, wanted, *fields))
    again = await w.activity()
    w.note("attempt", again.answer["attempt"])
    await again.fail(failure=failure("second"))
    await (await w.poll()).complete(complete())


@scenario(24)
async def an_activity_goes_to_another_queue_and_back(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(schedule_activity(w.queue, start_to_close_timeout=5))
    wanted = {
        "task_queue": {"name": w.id("other")},
        "start_to_close_timeout": 60,
        "heartbeat_timeout": 30,
    }
    fields = ("task_queue.name", "start_to_close_timeout", "heartbeat_timeout")
    w.note("options", await of_activity(run, wanted, *fields))
    await w.no_task(rpc="PollActivityTaskQueue")
    activity = await w.activity("other")
    w.note("there", {key: activity.answer[key] for key in ("attempt", *fields[1:])})
    w.note("restored", await of_activity(run, {}, restore_original=True))
    await activity.fail(failure=failure("first"))
    again = await w.activity()
    w.note("here", {key: again.answer.get(key) for key in ("attempt", *fields[1:])})
    await again.complete()
    await (await w.poll()).complete(complete())


@scenario(24)
async def options_of_activities_that_can_not_be_changed_so(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(schedule_activity(w.queue))
    await w.answer("no mask", of_activity(run, {"heartbeat_timeout": 1}))
    both = {"restore_original": True}
    await w.answer("both", of_activity(run, {}, "heartbeat_timeout", **both))
    await w.answer("unknown", of_activity(run, {}, "heartbeat_timeout", id="b"))
    await w.answer("no queue", of_activity(run, {}, "task_queue.name"))
    await w.answer("no policy", of_activity(run, {}, "retry_policy.maximum_attempts"))
    await w.answer("no timeouts", of_activity(run, {}, "schedule_to_close_timeout"))
    await run.terminate()
    await w.answer("closed", of_activity(run, {}, "heartbeat_timeout"))
