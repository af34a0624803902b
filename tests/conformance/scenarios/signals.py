"""Signals, requests to cancel, terminations: from clients (3.6)."""

from tests.conformance.commands import cancel, complete, start_timer, text
from tests.conformance.driver import Run, World
from tests.conformance.table import scenario


@scenario()
async def signals_come_in_order_and_whole(w: World) -> None:
    run = await w.start()
    await run.signal("one", input=text("x"), header={"fields": {"h": text("y")["payloads"][0]}})
    await run.signal("two")
    task = await w.poll()
    task.note()
    await task.complete(complete())


@scenario()
async def a_signal_with_the_same_request_id_counts_once(w: World) -> None:
    run = await w.start()
    for _ in range(2):
        await run.signal("one", request_id="the-same")
    await run.signal("two", request_id="another")
    await (await w.poll()).complete(complete())


@scenario()
async def signals_that_reach_nobody(w: World) -> None:
    run = await w.start()
    await w.answer("no name", run.signal(""))
    await w.answer("long name", run.signal("s" * 1001))
    await w.answer("unknown", Run(w, w.id("nobody"), "").signal())
    await w.answer("no id", Run(w, "", "").signal())
    await w.answer("bad run id", Run(w, w.id(), "nonsense").signal())
    stranger = Run(w, w.id(), "01234567-0123-4123-8123-0123456789ab")
    await w.answer("unknown run", stranger.signal())
    await run.terminate(reason="over")
    await w.answer("closed", run.signal())
    await w.answer("closed, without run id", Run(w, w.id(), "").signal())


@scenario()
async def a_signal_while_a_task_waits_rides_along(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal("one")
    await run.signal("two")
    await (await w.poll()).complete(complete())


@scenario(38)
async def a_request_to_cancel_is_answered_by_the_run(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.request_cancel(reason="enough")
    task = await w.poll()
    task.note()
    await task.complete(cancel("so be it"))


@scenario(38)
async def a_request_to_cancel_may_be_ignored(w: World) -> None:
    run = await w.start()
    await run.request_cancel()
    await (await w.poll()).complete(complete())


@scenario(38)
async def a_second_request_to_cancel(w: World) -> None:
    run = await w.start()
    await w.answer("first", run.request_cancel(reason="one", request_id="one"))
    await w.answer("same", run.request_cancel(reason="one", request_id="one"))
    await w.answer("second", run.request_cancel(reason="two", request_id="two"))
    await (await w.poll()).complete(cancel())
    await w.answer("closed", run.request_cancel())


@scenario(38)
async def requests_to_cancel_that_reach_nobody(w: World) -> None:
    await w.answer("unknown", Run(w, w.id("nobody"), "").request_cancel())
    await w.answer("no id", Run(w, "", "").request_cancel())
    run = await w.start()
    first = "01234567-0123-4123-8123-0123456789ab"
    named = Run(w, w.id(), "")
    await w.answer("other chain", named.request_cancel(first_execution_run_id=first))
    await w.answer("bad chain", named.request_cancel(first_execution_run_id="nonsense"))
    await w.answer("chain", named.request_cancel(first_execution_run_id=run.run_id))
    await run.terminate(reason="over")


@scenario(38)
async def a_run_is_terminated_with_reason_and_details(w: World) -> None:
    run = await w.start()
    await run.terminate(reason="enough", details=text("why"))
    await w.answer("again", run.terminate())


@scenario(38)
async def a_run_is_terminated_without_a_reason(w: World) -> None:
    run = await w.start()
    await run.terminate()


@scenario(38)
async def a_run_is_terminated_while_its_task_runs(w: World) -> None:
    run = await w.start()
    await w.poll()
    await run.terminate(reason="enough")


@scenario(38)
async def a_run_is_terminated_in_a_second_attempt(w: World) -> None:
    run = await w.start()
    await (await w.poll()).fail()
    await w.poll()
    await run.signal()
    await run.terminate(reason="enough")


@scenario(38)
async def terminations_that_reach_nobody(w: World) -> None:
    await w.answer("unknown", Run(w, w.id("nobody"), "").terminate())
    await w.answer("no id", Run(w, "", "").terminate())
    run = await w.start()
    first = "01234567-0123-4123-8123-0123456789ab"
    named = Run(w, w.id(), "")
    await w.answer("other chain", named.terminate(first_execution_run_id=first, reason="x"))
    await w.answer("chain", named.terminate(first_execution_run_id=run.run_id, reason="x"))


@scenario(37)
async def a_run_times_out_silently(w: World) -> None:
    run = await w.start(workflow_run_timeout=1)
    await (await w.poll()).complete(start_timer("t", 60))
    await run.until("WorkflowExecutionTimedOut")
    await w.no_task()


@scenario(37)
async def a_run_times_out_while_its_task_runs(w: World) -> None:
    run = await w.start(workflow_run_timeout=1)
    task = await w.poll()
    await run.signal()
    await run.until("WorkflowExecutionTimedOut")
    await w.answer("late", task.complete(complete()))


@scenario(37)
async def the_execution_times_out(w: World) -> None:
    run = await w.start(workflow_execution_timeout=1)
    await run.until("WorkflowExecutionTimedOut")
