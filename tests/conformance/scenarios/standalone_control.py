"""Activities without a workflow that are paused, let go on, begun anew and changed (trap 29)."""

from typing import Any

from tests.conformance.activity_runs import ONCE, QUICK
from tests.conformance.alone import Alone, begun
from tests.conformance.commands import Wire, failure, text
from tests.conformance.driver import World
from tests.conformance.table import scenario

LATER: Wire = {"initial_interval": 60}


async def update(w: World, alone: Alone, label: str, *paths: str, **options: Any) -> None:
    """Change options, and have compared what they are then."""
    call = w.call(
        "UpdateActivityExecutionOptions",
        **alone.target,
        activity_options=options,
        update_mask={"paths": list(paths)},
    )
    w.note(f"{label} options", await w.answer(label, call))


async def failed(w: World, **options: Any) -> Alone:
    """Start an activity whose first attempt fails."""
    alone = await begun(w, schedule_to_close_timeout=100, **options)
    activity = await w.activity()
    await activity.heartbeat(details=text("half"))
    await activity.fail(failure=failure("first"))
    return alone


@scenario(29)
async def an_activity_by_itself_is_paused(w: World) -> None:
    waits = await begun(w, "waits", task_queue={"name": w.id("nobody")})
    await waits.call("Pause", reason="stop", identity="me", request_id="one")
    await waits.note("paused")
    await w.answer("the same", waits.call("Pause", request_id="one"))
    await w.answer("another", waits.call("Pause", request_id="two"))
    await waits.call("Unpause", request_id="three")
    await waits.note("let go on")
    await w.answer("the same again", waits.call("Unpause", request_id="three"))
    await w.answer("go on again", waits.call("Unpause", request_id="four"))
    await waits.call("Pause")
    await waits.call("RequestCancel", reason="no need")
    await waits.outcome("cancelled")
    for rpc in ("Pause", "Unpause", "Reset"):
        await w.answer(f"{rpc} what is closed", waits.call(rpc))


@scenario(29)
async def a_running_activity_by_itself_is_paused(w: World) -> None:
    alone = await begun(w, retry_policy=QUICK)
    activity = await w.activity()
    await alone.call("Pause", reason="stop", identity="me")
    await alone.note("asked")
    w.note("heartbeat", await activity.heartbeat(details=text("half")))
    await activity.fail(failure=failure("it"))
    await alone.note("paused")
    await w.no_task(rpc="PollActivityTaskQueue")
    await alone.call("Unpause")
    again = await w.activity()
    again.note("again")
    await alone.call("Pause")
    await alone.call("Unpause")
    await alone.note("runs on")
    await alone.call("Pause")
    await again.complete(result=text("done"))
    await alone.outcome()


@scenario(29)
async def a_pause_of_an_activity_by_itself_ends_nothing_else(w: World) -> None:
    once = await begun(w, "once", retry_policy=ONCE)
    activity = await w.activity()
    await once.call("Pause")
    await activity.fail(failure=failure("it"))
    await once.outcome("once")
    slow = await begun(w, "slow", schedule_to_close_timeout=1)
    await slow.call("Pause")
    await slow.outcome("slow")
    attempt = await begun(w, "attempt", start_to_close_timeout=1, retry_policy=QUICK)
    await w.activity()
    await attempt.call("Pause")
    change = await attempt.call("Describe")
    await attempt.call("Describe", long_poll_token=change["long_poll_token"])
    await attempt.note("its attempt timed out")
    asked = await begun(w, "asked")
    activity = await w.activity()
    await asked.call("Pause")
    await asked.call("RequestCancel")
    await asked.note("asked")
    w.note("asked heartbeat", await activity.heartbeat())
    await w.answer("pause", asked.call("Pause"))
    await w.answer("reset", asked.call("Reset"))
    await activity.canceled()
    await asked.outcome("asked to stop")


@scenario(29)
async def an_activity_by_itself_begins_anew(w: World) -> None:
    alone = await failed(w, retry_policy=LATER)
    await alone.call("Reset", request_id="one")
    again = await w.activity()
    again.note("again")
    await alone.note("again, described")
    await alone.call("Reset", request_id="two", reset_heartbeat=True)
    await alone.note("asked")
    await w.answer("the same", alone.call("Reset", request_id="two"))
    await w.answer("another", alone.call("Reset", request_id="three"))
    await w.answer("pause", alone.call("Pause"))
    w.note("heartbeat", await again.heartbeat(details=text("most")))
    await again.fail(failure=failure("final", non_retryable=True))
    third = await w.activity()
    third.note("third")
    await third.complete()
    await alone.outcome()


@scenario(29)
async def an_activity_by_itself_begins_anew_and_stays_paused(w: World) -> None:
    alone = await failed(w, retry_policy=LATER)
    await alone.call("Pause")
    await alone.call("Reset", keep_paused=True, reset_heartbeat=True)
    await alone.note("waits")
    await alone.call("Unpause")
    activity = await w.activity()
    activity.note("unpaused")
    await alone.call("Pause")
    await alone.call("Reset", keep_paused=True)
    await alone.note("runs")
    w.note("heartbeat", await activity.heartbeat())
    await activity.fail(failure=failure("it"))
    await alone.note("over")
    await alone.call("Reset")
    (await w.activity()).note("not kept")


@scenario(29)
async def options_of_an_activity_by_itself_are_changed(w: World) -> None:
    alone = await begun(w, task_queue={"name": w.id("nobody")}, priority={"priority_key": 2})
    await update(w, alone, "queue", "task_queue.name", task_queue={"name": w.queue})
    await alone.note("moved")
    activity = await w.activity()
    await update(
        w,
        alone,
        "several",
        "schedule_to_close_timeout",
        "heartbeat_timeout",
        "retry_policy",
        schedule_to_close_timeout=20,
        heartbeat_timeout=30,
        start_to_close_timeout=1,
        retry_policy={"maximum_attempts": 3},
    )
    await update(
        w, alone, "part", "retryPolicy.initialInterval", retry_policy={"initial_interval": 9}
    )
    await update(w, alone, "priority", "priority.fairness_key", priority={"fairness_key": "k"})
    await update(w, alone, "no priority", "priority")
    await alone.note("changed")
    await activity.fail(failure=failure("it"))
    await alone.note("backs off")
    await update(w, alone, "sooner", "retry_policy", retry_policy={"initial_interval": 0.5})
    await alone.note("sooner, described")
    (await w.activity()).note("again")
    restored = await w.call("UpdateActivityExecutionOptions", **alone.target, restore_original=True)
    w.note("restored", restored)
    await alone.note("restored, described")


@scenario(29)
async def changes_of_options_that_cannot_be_meant(w: World) -> None:
    alone = await begun(w, task_queue={"name": w.id("nobody")})
    await update(w, alone, "unknown", "nonsense")
    await update(w, alone, "whole queue", "task_queue", task_queue={"name": "x"})
    await update(w, alone, "no queue", "task_queue.name")
    await update(w, alone, "empty queue", "task_queue.name", task_queue={"name": ""})
    await update(w, alone, "negative", "heartbeat_timeout", heartbeat_timeout=-1)
    await update(w, alone, "no timeouts", "schedule_to_close_timeout", "start_to_close_timeout")
    await update(w, alone, "no policy", "retry_policy.maximum_attempts")
    await update(w, alone, "attempts", "retry_policy", retry_policy={"maximum_attempts": -1})
    await update(w, alone, "nothing")
    both = w.call(
        "UpdateActivityExecutionOptions",
        **alone.target,
        restore_original=True,
        update_mask={"paths": ["priority"]},
    )
    await w.answer("both", both)
    await w.answer("no options", w.call("UpdateActivityExecutionOptions", **alone.target))
    await update(w, alone, "delay", "start_delay", start_delay=5)
    await alone.call("Terminate")
    await update(w, alone, "closed", "priority")
