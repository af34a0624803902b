"""Timers: started, fired, cancelled, and what happens when two of these meet."""

from tests.conformance.commands import cancel_timer, complete, start_timer
from tests.conformance.driver import World
from tests.conformance.table import scenario

TIMER_FIRED = 18


@scenario(1)
async def a_timer_fires(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(start_timer("t", 0.2))
    task = await w.poll()
    task.note()
    await task.complete(complete("done"))


@scenario()
async def a_timer_is_cancelled(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal()
    await (await w.poll()).complete(cancel_timer("t"), complete())


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
    (await w.poll()).note()


@scenario(10)
async def a_timer_that_is_not_known_cannot_be_cancelled(w: World) -> None:
    await w.start()
    await w.answer("unknown", (await w.poll()).complete(cancel_timer("nobody")))
    (await w.poll()).note()
