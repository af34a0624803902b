"""Activities that somebody pauses, lets go on, or has begin anew (3.4, trap 28)."""

from typing import Any

from tests.conformance.commands import Wire, complete, failure, schedule_activity, text
from tests.conformance.driver import Run, World
from tests.conformance.table import scenario

LIMITS = {"start_to_close_timeout": 60, "schedule_to_close_timeout": 60}
QUICK = {"initial_interval": 0.1, "backoff_coefficient": 1.0}


async def scheduled(w: World, *ids: str, **more: Any) -> Run:
    """Start a workflow that schedules activities of type ``A`` with those ids."""
    run = await w.start()
    options = {**LIMITS, "retry_policy": QUICK, **more}
    commands = [schedule_activity(w.queue, name, **options) for name in ids]
    await (await w.poll()).complete(*commands)
    return run


async def do(run: Run, rpc: str, **request: Any) -> Wire:
    """Do something to an activity by hand."""
    return await run.world.call(rpc, **{"execution": run.execution, **request})


async def note(run: Run, label: str, *, state: bool = True) -> None:
    """Note what Describe says of the activities."""
    told = ["activity_id", "attempt", "paused", "pause_info", "last_failure"]
    told += ["state"] if state else []
    answer = await run.describe()
    activities = [
        {key: found.get(key) for key in told} for found in answer.get("pending_activities", [])
    ]
    attributes = answer["workflow_execution_info"].get("search_attributes", {})
    pause = attributes.get("indexed_fields", {}).get("TemporalPauseInfo")
    run.world.note(label, [sorted(activities, key=lambda each: each["activity_id"]), pause])


async def no_activity(w: World) -> None:
    await w.no_task(rpc="PollActivityTaskQueue")


@scenario(28)
async def a_paused_activity_waits_for_somebody(w: World) -> None:
    run = await scheduled(w, "a")
    await do(run, "PauseActivity", id="a", identity="operator", reason="lunch")
    await note(run, "paused")
    await no_activity(w)
    await do(run, "UnpauseActivity", id="a")
    # The poll that was given up may be on its way out still, and be offered the activity.
    await note(run, "going on", state=False)
    activity = await w.activity()
    await activity.complete(result=text("done"))
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_worker_hears_that_its_activity_is_paused(w: World) -> None:
    run = await scheduled(w, "a")
    activity = await w.activity()
    w.note("before", await activity.heartbeat(details=text("1")))
    await do(run, "PauseActivity", type="A")
    await note(run, "pause requested")
    w.note("after", await activity.heartbeat(details=text("2")))
    await activity.fail(failure=failure("paused"))
    await note(run, "paused")
    await no_activity(w)
    await do(run, "UnpauseActivity", type="A")
    again = await w.activity()
    w.note("attempt", [again.answer["attempt"], again.answer.get("heartbeat_details")])
    await again.complete()
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_pause_that_ends_while_a_worker_is_at_it(w: World) -> None:
    run = await scheduled(w, "a")
    activity = await w.activity()
    await do(run, "PauseActivity", id="a")
    await w.answer("again", do(run, "PauseActivity", id="a", reason="twice is once"))
    await w.answer("other", do(run, "PauseActivity", id="a", request_id="another"))
    await do(run, "UnpauseActivity", id="a", reset_heartbeat=True, reset_attempts=True)
    w.note("heartbeat", await activity.heartbeat())
    await do(run, "UnpauseActivity", id="a")
    await activity.complete()
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_paused_activity_can_still_end(w: World) -> None:
    run = await scheduled(w, "a", "b")
    both = [await w.activity(), await w.activity()]
    first, second = sorted(both, key=lambda each: str(each.answer["activity_id"]))
    await do(run, "PauseActivity", type="A")
    await note(run, "both")
    await first.complete()
    await second.fail(failure=failure("for good", non_retryable=True))
    await run.until("ActivityTaskFailed")
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_paused_activity_backs_off_no_more(w: World) -> None:
    policy = {**QUICK, "initial_interval": 60}
    run = await scheduled(w, "a", retry_policy=policy, schedule_to_close_timeout=600)
    activity = await w.activity()
    await activity.fail(failure=failure("first"), last_heartbeat_details=text("here"))
    await do(run, "PauseActivity", id="a")
    await note(run, "paused")
    await do(run, "UnpauseActivity", id="a", reset_attempts=True, reset_heartbeat=True)
    again = await w.activity()
    w.note("again", [again.answer["attempt"], again.answer.get("heartbeat_details")])
    await again.complete()
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_reset_activity_begins_anew(w: World) -> None:
    policy = {**QUICK, "initial_interval": 60}
    run = await scheduled(w, "a", retry_policy=policy, schedule_to_close_timeout=600)
    activity = await w.activity()
    await activity.fail(failure=failure("first"), last_heartbeat_details=text("here"))
    await note(run, "backing off")
    await do(run, "ResetActivity", id="a")
    again = await w.activity()
    w.note("again", [again.answer["attempt"], again.answer.get("heartbeat_details")])
    w.note("running", await again.heartbeat(details=text("there")))
    await do(run, "ResetActivity", id="a", reset_heartbeat=True)
    w.note("reset", await again.heartbeat(details=text("then")))
    await note(run, "reset while it runs")
    await again.fail(failure=failure("reset"))
    await do(run, "ResetActivity", type="A", restore_original_options=True)
    last = await w.activity()
    w.note("last", [last.answer["attempt"], last.answer.get("heartbeat_details")])
    await last.complete()
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_later_attempt_that_is_reset_is_given_up(w: World) -> None:
    run = await scheduled(w, "a")
    await (await w.activity()).fail(failure=failure("first"))
    second = await w.activity()
    w.note("attempt", second.answer["attempt"])
    await do(run, "ResetActivity", id="a")
    await w.answer("heartbeat", second.heartbeat())
    await w.answer("completion", second.complete())
    await note(run, "nobody's")
    await run.terminate()


@scenario(28)
async def a_reset_keeps_the_pause_if_it_is_to(w: World) -> None:
    run = await scheduled(w, "a")
    await do(run, "PauseActivity", id="a")
    await do(run, "ResetActivity", id="a", keep_paused=True)
    await note(run, "kept")
    await no_activity(w)
    await do(run, "ResetActivity", id="a")
    await (await w.activity()).complete()
    await (await w.poll()).complete(complete())


@scenario(28)
async def a_paused_activity_is_cancelled(w: World) -> None:
    run = await scheduled(w, "a")
    await do(run, "PauseActivity", id="a")
    await run.request_cancel()
    await run.terminate()
    await w.answer("closed", do(run, "UnpauseActivity", id="a"))


@scenario(28)
async def nobody_is_paused(w: World) -> None:
    run = await scheduled(w, "a")
    for rpc in "PauseActivity", "UnpauseActivity", "ResetActivity":
        await w.answer(f"{rpc} of an unknown id", do(run, rpc, id="b"))
        await w.answer(f"{rpc} of an unknown type", do(run, rpc, type="B"))
        await w.answer(f"{rpc} of nothing", do(run, rpc))
        await w.answer(f"{rpc} of no workflow", do(run, rpc, id="a", execution={}))
        other = {"workflow_id": w.id("nobody")}
        await w.answer(f"{rpc} elsewhere", do(run, rpc, id="a", execution=other))
    await w.answer("goes on already", do(run, "UnpauseActivity", id="a"))
    await (await w.activity()).complete()
    await (await w.poll()).complete(complete())
