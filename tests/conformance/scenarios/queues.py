"""Queues, stickiness, and workers that leave (3.7)."""

import asyncio

from tests.conformance.commands import complete, schedule_activity, start_timer
from tests.conformance.driver import World
from tests.conformance.table import scenario


@scenario(39)
async def a_sticky_task_comes_with_the_new_events_only(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await w.be_alive("sticky")
    await task.complete(start_timer("t", 60), sticky="sticky")
    await run.signal()
    following = await w.poll_sticky("sticky")
    following.note()
    await following.complete(complete())


@scenario(39)
async def a_sticky_task_that_nobody_takes_comes_to_everybody(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await w.be_alive("sticky")
    await task.complete(start_timer("t", 60), sticky="sticky", sticky_seconds=1)
    await run.signal()
    following = await w.poll()
    following.note()
    await following.complete(complete())


@scenario(40)
async def a_worker_that_leaves_gives_its_sticky_queue_up(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await w.be_alive("sticky")
    await task.complete(start_timer("t", 60), sticky="sticky")
    await w.call("ShutdownWorker", sticky_task_queue=w.id("sticky"), identity="scenario")
    await run.signal()
    following = await w.poll()
    following.note()
    await following.complete(complete())


@scenario(31, 39)
async def a_sticky_cache_is_reset(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await w.be_alive("sticky")
    await task.complete(start_timer("t", 60), sticky="sticky")
    await w.call("ResetStickyTaskQueue", execution=run.execution)
    await run.signal()
    following = await w.poll()
    following.note()
    await following.complete(complete())


@scenario(41)
async def polls_that_lack_something(w: World) -> None:
    for rpc in ("PollWorkflowTaskQueue", "PollActivityTaskQueue"):
        await w.answer(rpc, w.call(rpc))
        await w.answer(rpc, w.call(rpc, task_queue={"name": "x" * 2000}))


@scenario(41)
async def tasks_of_two_runs_come_in_order(w: World) -> None:
    await w.start("one")
    await w.start("two")
    for _ in range(2):
        await (await w.poll()).complete(complete())


@scenario(41)
async def a_task_waits_for_the_first_worker(w: World) -> None:
    await w.start()
    await asyncio.sleep(0.5)
    await (await w.poll()).complete(complete())


@scenario(41)
async def an_activity_goes_to_its_own_queue(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(schedule_activity(w.id("other")))
    await w.no_task(rpc="PollActivityTaskQueue")
    activity = await w.activity("other")
    await activity.complete()
    await (await w.poll()).complete(complete())


@scenario(41)
async def who_polls_a_queue_and_what_waits_there(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(schedule_activity(w.queue))
    await (await w.activity()).complete()
    for kind in "WORKFLOW", "ACTIVITY":
        described = await w.call(
            "DescribeTaskQueue",
            task_queue={"name": w.queue},
            task_queue_type=f"TASK_QUEUE_TYPE_{kind}",
        )
        pollers = [(each["identity"], each["rate_per_second"]) for each in described["pollers"]]
        w.note(f"pollers of {kind}", pollers)
    await run.terminate()
    await w.answer("no queue", w.call("DescribeTaskQueue", task_queue={}))
    nobody = await w.call("DescribeTaskQueue", task_queue={"name": w.id("nobody's")})
    w.note("nobody", nobody.get("pollers"))
