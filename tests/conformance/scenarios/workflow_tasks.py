"""Workflow tasks: attempts, tokens, buffering, the commands that close a run (3.2)."""

from tests.conformance.commands import complete, fail, start_timer
from tests.conformance.driver import World
from tests.conformance.table import scenario


@scenario(1)
async def the_first_task(w: World) -> None:
    await w.start()
    task = await w.poll()
    task.note()
    await task.complete(complete("done"))


@scenario(2)
async def a_failed_task_is_written_once(w: World) -> None:
    await w.start()
    await (await w.poll()).fail("first")
    second = await w.poll()
    second.note("second")
    await second.fail("second")
    third = await w.poll()
    third.note("third")
    await third.complete(complete())


@scenario(5)
async def a_token_counts_once(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(start_timer("t", 60))
    await w.answer("again", task.complete(complete()))
    await w.answer("failed", task.fail())


@scenario(6, 7)
async def a_signal_while_the_run_wants_to_close(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("late")
    await w.answer("close", task.complete(complete()))
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(9)
async def the_first_close_command_wins(w: World) -> None:
    await w.start()
    task = await w.poll()
    await w.answer("both", task.complete(complete("one"), fail("two"), start_timer("t", 1)))
