"""What happens while a workflow task runs: held back, put in order, in the way of closing (3.2)."""

from tests.conformance.commands import (
    cancel,
    cancel_timer,
    complete,
    continue_as_new,
    fail,
    failure,
    schedule_activity,
    start_timer,
    text,
)
from tests.conformance.driver import World
from tests.conformance.table import scenario


@scenario(6)
async def what_comes_meanwhile_follows_the_completion(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("one")
    await run.request_cancel(reason="enough")
    await run.signal("two")
    await task.complete(start_timer("t", 60))
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(6)
async def completions_that_come_meanwhile_move_behind(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(
        schedule_activity(w.queue, "a"), schedule_activity(w.queue, "b")
    )
    taken = [await w.activity(), await w.activity()]
    first, second = sorted(taken, key=lambda each: str(each.answer["activity_id"]))
    await run.signal("wake")
    task = await w.poll()
    await first.complete(result=text("first"))
    await run.signal("between")
    await second.fail(failure=failure("second", non_retryable=True))
    await run.signal("after")
    await task.complete(start_timer("t", 60))
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(6)
async def a_timer_that_fires_meanwhile_waits(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 0.3))
    await run.signal("wake")
    task = await w.poll()
    await w.no_task(1.2)
    await run.signal("after it fired")
    await task.complete()
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(6)
async def what_came_while_a_task_failed_is_written_after_the_failure(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("meanwhile")
    await task.fail()
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(6)
async def what_came_while_a_task_timed_out_is_written_after_that(w: World) -> None:
    run = await w.start(workflow_task_timeout=1)
    await w.poll()
    await run.signal("meanwhile")
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(6)
async def what_came_before_a_termination_is_written_before_it(w: World) -> None:
    run = await w.start()
    await w.poll()
    await run.signal("meanwhile")
    await run.terminate(reason="over", details=text("why"))


@scenario(6, 7)
async def a_signal_while_the_run_wants_to_complete(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("late")
    await w.answer("close", task.complete(complete()))
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(7)
async def a_signal_while_the_run_wants_to_fail(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("late")
    await w.answer("close", task.complete(start_timer("t", 60), fail("x")))
    await (await w.poll()).complete(fail("x"))


@scenario(7)
async def a_signal_while_the_run_wants_to_continue_as_new(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("late")
    await w.answer("close", task.complete(continue_as_new()))
    await (await w.poll()).complete(complete())


@scenario(7)
async def a_cancel_request_while_the_run_wants_to_complete(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.request_cancel()
    await w.answer("close", task.complete(complete()))
    await (await w.poll()).complete(cancel())


@scenario(7)
async def an_unhandled_command_in_a_second_attempt_is_written_too(w: World) -> None:
    run = await w.start()
    await (await w.poll()).fail("first")
    second = await w.poll()
    await run.signal("late")
    await w.answer("close", second.complete(complete()))
    third = await w.poll()
    third.note()
    await third.complete(complete())


@scenario(7)
async def who_signals_a_run_that_closes_is_asked_to_wait(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("late")
    await w.answer("close", task.complete(complete()))
    again = await w.poll()
    await w.answer("signal", run.signal("too late"))
    await w.answer("cancel", run.request_cancel())
    await w.answer("close again", again.complete(complete()))


@scenario(8)
async def a_fired_timer_is_taken_back_but_a_signal_beside_it_counts(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 0.3))
    await run.signal("wake")
    task = await w.poll()
    await w.no_task(1.2)
    await run.signal("beside")
    await w.answer("close", task.complete(cancel_timer("t"), complete()))
    again = await w.poll()
    again.note()
    await again.complete(complete())
