"""Activities that are cancelled: unstarted, running, twice, too late (3.4)."""

from tests.conformance.activity_runs import QUICK, SCHEDULED, begun, end, pending
from tests.conformance.commands import (
    cancel_activity,
    complete,
    failure,
    schedule_activity,
    text,
)
from tests.conformance.driver import World
from tests.conformance.table import scenario


@scenario(26)
async def an_unstarted_activity_is_cancelled_at_once(w: World) -> None:
    run = await begun(w)
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    await end(w)


@scenario(26)
async def an_activity_that_backs_off_is_cancelled_at_once(w: World) -> None:
    run = await begun(w, retry_policy={"initial_interval": 5})
    await (await w.activity()).fail(failure=failure("first"))
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    await end(w)


@scenario(26)
async def a_started_activity_hears_of_its_cancelling(w: World) -> None:
    run = await begun(w)
    activity = await w.activity()
    w.note("before", await activity.heartbeat())
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    w.note("after", await activity.heartbeat())
    w.note("pending", pending(await run.describe()))
    await activity.canceled(details=text("stopped"))
    await end(w)


@scenario(26)
async def a_cancelled_activity_may_complete_all_the_same(w: World) -> None:
    run = await begun(w)
    activity = await w.activity()
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    await activity.complete(result=text("done"))
    await end(w)


@scenario(26)
async def a_cancelled_activity_that_fails_is_not_repeated(w: World) -> None:
    run = await begun(w, retry_policy=QUICK)
    activity = await w.activity()
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    await activity.fail(failure=failure("on the way"))
    await end(w)


@scenario(26)
async def cancelling_twice_is_written_once(w: World) -> None:
    run = await begun(w)
    await w.activity()
    await run.signal()
    await (await w.poll()).complete(cancel_activity(SCHEDULED))
    await run.signal()
    task = await w.poll()
    await w.answer("again", task.complete(cancel_activity(SCHEDULED), complete()))


@scenario(26)
async def an_activity_is_cancelled_by_the_task_that_schedules_it(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(schedule_activity(w.queue), cancel_activity(SCHEDULED))
    await end(w)


@scenario(26)
async def nobody_asked_for_the_cancelling(w: World) -> None:
    await begun(w)
    activity = await w.activity()
    await w.answer("canceled", activity.canceled())
    await w.answer("complete", activity.complete())
    await end(w)


@scenario(10, 26)
async def an_activity_that_is_not_known_cannot_be_cancelled(w: World) -> None:
    await w.start()
    await w.answer("unknown", (await w.poll()).complete(cancel_activity(77)))
    await end(w)


@scenario(26)
async def an_activity_of_a_closed_run_has_nobody_to_tell(w: World) -> None:
    run = await begun(w)
    activity = await w.activity()
    await run.terminate(reason="over")
    await w.answer("heartbeat", activity.heartbeat())
    await w.answer("complete", activity.complete())
    await w.answer("fail", activity.fail(failure=failure("late")))
    await w.answer("canceled", activity.canceled())
