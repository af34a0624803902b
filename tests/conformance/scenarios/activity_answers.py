"""Activities given eagerly, ended by id, or badly asked for (3.4)."""

from tests.conformance.activity_runs import ONCE, SCHEDULED, begun, end
from tests.conformance.commands import (
    Wire,
    cancel_activity,
    command,
    complete,
    failure,
    schedule_activity,
    text,
)
from tests.conformance.driver import Activity, Run, World
from tests.conformance.table import scenario


@scenario(27)
async def an_eager_activity_comes_with_the_answer(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(schedule_activity(w.queue, request_eager_execution=True))
    (eager,) = task.ends[-1]["activity_tasks"]
    activity = Activity(w, eager)
    activity.note()
    await activity.complete()
    await end(w)


@scenario(27)
async def an_activity_that_was_not_asked_for_is_not_eager(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(schedule_activity(w.queue))
    w.note("eager", len(task.ends[-1].get("activity_tasks", [])))
    await (await w.activity()).complete()
    await end(w)


@scenario(27)
async def an_eager_activity_of_a_task_that_closes_is_none(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(schedule_activity(w.queue, request_eager_execution=True), complete())
    w.note("eager", len(task.ends[-1].get("activity_tasks", [])))


@scenario(27)
async def an_eager_activity_that_is_cancelled_by_its_task_is_none(w: World) -> None:
    await w.start()
    task = await w.poll()
    eager = schedule_activity(w.queue, request_eager_execution=True)
    await task.complete(eager, cancel_activity(SCHEDULED))
    w.note("eager", len(task.ends[-1].get("activity_tasks", [])))
    await end(w)


@scenario(29)
async def an_activity_is_completed_by_id(w: World) -> None:
    run = await begun(w)
    await w.activity()
    await w.call(
        "RespondActivityTaskCompletedById", **by_id(run), activity_id="a", result=text("out")
    )
    await end(w)


@scenario(29)
async def an_activity_is_failed_by_id(w: World) -> None:
    run = await begun(w, retry_policy=ONCE)
    await w.activity()
    await w.call(
        "RespondActivityTaskFailedById", **by_id(run), activity_id="a", failure=failure("by id")
    )
    await end(w)


@scenario(29)
async def an_activity_is_cancelled_by_id(w: World) -> None:
    run = await begun(w)
    await w.activity()
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    await w.call(
        "RespondActivityTaskCanceledById", **by_id(run), activity_id="a", details=text("by id")
    )
    await end(w)


@scenario(29)
async def a_heartbeat_by_id_tells_of_the_cancelling(w: World) -> None:
    run = await begun(w)
    await w.activity()
    rpc = "RecordActivityTaskHeartbeatById"
    w.note("before", await w.call(rpc, **by_id(run), activity_id="a"))
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    w.note("after", await w.call(rpc, **by_id(run), activity_id="a"))
    await run.terminate(reason="over")


@scenario(29)
async def ids_that_name_no_running_activity_are_refused(w: World) -> None:
    run = await begun(w)
    rpc = "RespondActivityTaskCompletedById"
    await w.answer("not started", w.call(rpc, **by_id(run), activity_id="a"))
    await w.answer("unknown id", w.call(rpc, **by_id(run), activity_id="b"))
    await w.answer("no id", w.call(rpc, **by_id(run)))
    elsewhere: Wire = {"workflow_id": w.id("nobody"), "run_id": "", "activity_id": "a"}
    await w.answer("unknown workflow", w.call(rpc, **elsewhere))
    await run.terminate(reason="over")
    await w.answer("closed", w.call(rpc, **by_id(run), activity_id="a"))


def by_id(run: Run) -> Wire:
    """Name the run as the RPCs by id do."""
    return {"workflow_id": run.workflow_id, "run_id": run.run_id}


@scenario(10)
async def an_activity_id_in_use_is_a_bad_command(w: World) -> None:
    await w.start()
    task = await w.poll()
    await w.answer("twice", task.complete(schedule_activity(w.queue), schedule_activity(w.queue)))
    await end(w)


@scenario(10)
async def activities_with_attributes_that_cannot_be_meant(w: World) -> None:
    good = schedule_activity(w.queue)["schedule_activity_task_command_attributes"]
    bad: dict[str, Wire] = {
        "no id": {"activity_id": ""},
        "no type": {"activity_type": {}},
        "no time": {"schedule_to_close_timeout": 0},
        "negative whole": {"schedule_to_close_timeout": -1},
        "negative start": {"schedule_to_start_timeout": -1},
        "negative close": {"start_to_close_timeout": -1},
        "negative heartbeat": {"heartbeat_timeout": -1},
        "long id": {"activity_id": "a" * 1001},
        "long type": {"activity_type": {"name": "a" * 1001}},
    }
    await w.refused(
        {
            what: command("schedule_activity_task", **{**good, **other})
            for what, other in bad.items()
        }
    )


@scenario(10)
async def activities_that_the_server_refuses_without_failing_the_task(w: World) -> None:
    good = schedule_activity(w.queue)["schedule_activity_task_command_attributes"]
    policy = "retry_policy"
    bad: dict[str, Wire] = {
        "no queue": {"task_queue": {}},
        "long queue": {"task_queue": {"name": "a" * 1001}},
        "negative interval": {policy: {"initial_interval": -1}},
        "coefficient": {policy: {"initial_interval": 1, "backoff_coefficient": 0.5}},
        "negative maximum": {policy: {"initial_interval": 1, "maximum_interval": -1}},
        "small maximum": {policy: {"initial_interval": 2, "maximum_interval": 1}},
        "negative attempts": {policy: {"initial_interval": 1, "maximum_attempts": -1}},
    }
    await w.refused(
        {
            what: command("schedule_activity_task", **{**good, **other})
            for what, other in bad.items()
        }
    )


@scenario(10)
async def the_times_of_an_activity_follow_from_each_other(w: World) -> None:
    times: list[Wire] = [
        {"schedule_to_close_timeout": 10},
        {"schedule_to_close_timeout": 0, "start_to_close_timeout": 5},
        {"schedule_to_close_timeout": 10, "start_to_close_timeout": 50},
        {"schedule_to_close_timeout": 10, "schedule_to_start_timeout": 50},
        {"schedule_to_close_timeout": 10, "heartbeat_timeout": 50},
        {"schedule_to_close_timeout": 0, "schedule_to_start_timeout": 3},
        {"schedule_to_close_timeout": 100, "start_to_close_timeout": 200},
    ]
    run = await w.start(workflow_run_timeout=60)
    for n, time in enumerate(times):
        task = await w.poll()
        await w.answer(f"{n}", task.complete(schedule_activity(w.queue, f"a{n}", **time)))
        await run.signal()
    await run.terminate(reason="over")
