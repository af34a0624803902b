"""Timers: started, fired, cancelled, and what happens when two of these meet."""

from tests.conformance.commands import cancel_timer, command, complete, start_timer, text
from tests.conformance.driver import World
from tests.conformance.table import scenario


@scenario(1)
async def a_timer_fires(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(start_timer("t", 0.2))
    task = await w.poll()
    task.note()
    await task.complete(complete("done"))


@scenario()
async def timers_fire_in_the_order_of_their_times(w: World) -> None:
    run = await w.start()
    timers = [start_timer("c", 0.6), start_timer("a", 0.2), start_timer("b", 0.4)]
    await (await w.poll()).complete(*timers)
    await run.signal()
    task = await w.poll()
    await w.no_task(1.8)  # all of them fire into the buffer
    await task.complete()
    await (await w.poll()).complete(complete())


@scenario()
async def a_timer_is_cancelled(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal()
    await (await w.poll()).complete(cancel_timer("t"), complete())


@scenario()
async def a_timer_is_cancelled_by_the_task_that_starts_it(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(start_timer("t", 60), cancel_timer("t"), complete())


@scenario()
async def the_id_of_a_cancelled_timer_is_free(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(start_timer("t", 60), cancel_timer("t"), start_timer("t", 0.2))
    await (await w.poll()).complete(complete())


@scenario()
async def the_id_of_a_timer_that_fired_is_free(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(start_timer("t", 0.2))
    await (await w.poll()).complete(start_timer("t", 0.2))
    await (await w.poll()).complete(complete())


@scenario()
async def a_timer_carries_what_users_are_to_read(w: World) -> None:
    await w.start()
    (summary,) = text("summary")["payloads"]
    (details,) = text("details")["payloads"]
    timer = command(
        "start_timer",
        timer_id="t",
        start_to_fire_timeout=60,
        user_metadata={"summary": summary, "details": details},
    )
    await (await w.poll()).complete(timer, complete())


@scenario(8)
async def a_timer_that_fired_meanwhile_is_cancelled_and_never_fired(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 0.3), start_timer("long", 60))
    await run.signal()
    task = await w.poll()
    await w.no_task(1.2)  # the timer fires into the buffer
    await task.complete(cancel_timer("t"), complete())


@scenario(10)
async def a_timer_id_in_use_is_a_bad_command(w: World) -> None:
    await w.start()
    task = await w.poll()
    await w.answer("twice", task.complete(start_timer("t", 60), start_timer("t", 60)))
    await (await w.poll()).complete(complete())


@scenario(10)
async def a_timer_that_is_not_known_cannot_be_cancelled(w: World) -> None:
    await w.start()
    await w.answer("unknown", (await w.poll()).complete(cancel_timer("nobody")))
    await (await w.poll()).complete(complete())


@scenario(10)
async def timers_with_attributes_that_cannot_be_meant(w: World) -> None:
    bad = {
        "no id": start_timer("", 1),
        "negative": start_timer("t", -1),
        "long id": start_timer("t" * 1001, 1),
        "cancel nothing": cancel_timer(""),
    }
    await w.refused(bad)


@scenario(10)
async def no_time_is_the_time_of_a_timer_too(w: World) -> None:
    await w.start()
    nothing = command("start_timer", timer_id="none")
    await (await w.poll()).complete(start_timer("zero", 0))
    await (await w.poll()).complete(nothing)
    await (await w.poll()).complete(complete())
