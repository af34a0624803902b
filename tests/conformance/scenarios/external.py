"""Signals and cancellations from one workflow to another (3.8)."""

from typing import Any

from tests.conformance.commands import Wire, command, complete, signal_external, start_timer, text
from tests.conformance.driver import Run, World
from tests.conformance.table import scenario


def _cancel(workflow_id: str, run_id: str = "", **more: Any) -> Wire:
    return command(
        "request_cancel_external_workflow_execution",
        workflow_id=workflow_id,
        run_id=run_id,
        **{"reason": "not needed", **more},
    )


async def _other(w: World) -> Run:
    run = await w.start("other", task_queue={"name": w.id("others")})
    await (await w.poll("others")).complete(start_timer("t", 60))
    return run


async def _does(w: World, *commands: Wire) -> None:
    """Run a workflow that gives the commands and then learns what became of them."""
    await w.start()
    await (await w.poll()).complete(*commands)
    task = await w.poll()
    task.note()
    await task.complete(complete())


@scenario(46)
async def a_workflow_signals_another(w: World) -> None:
    other = await _other(w)
    header = {"fields": {"trace": text("h")["payloads"][0]}}
    await _does(w, signal_external(other.workflow_id, "s", input=text("i"), header=header))
    await (await w.poll("others")).complete(complete())


@scenario(46)
async def a_workflow_signals_a_certain_run(w: World) -> None:
    other = await _other(w)
    await _does(w, signal_external(other.workflow_id, "s", other.run_id, control="c"))
    await (await w.poll("others")).complete(complete())


@scenario(46)
async def a_signal_to_nobody_fails(w: World) -> None:
    await _does(w, signal_external(w.id("nobody"), "s"))


@scenario(46)
async def a_signal_to_a_closed_run_fails(w: World) -> None:
    other = await _other(w)
    await other.terminate()
    await _does(w, signal_external(other.workflow_id, "s"))


@scenario(46)
async def a_signal_to_one_that_is_no_child_fails(w: World) -> None:
    other = await _other(w)
    await _does(w, signal_external(other.workflow_id, "s", child_workflow_only=True))
    await other.terminate()


@scenario(46)
async def a_workflow_cancels_another(w: World) -> None:
    other = await _other(w)
    await _does(w, _cancel(other.workflow_id))
    await (await w.poll("others")).complete(complete())


@scenario(46)
async def a_cancellation_of_nobody_fails(w: World) -> None:
    await _does(w, _cancel(w.id("nobody")))


@scenario(46)
async def a_closed_run_is_cancelled(w: World) -> None:
    other = await _other(w)
    await other.terminate()
    await _does(w, _cancel(other.workflow_id))


@scenario(46)
async def a_run_is_cancelled_twice(w: World) -> None:
    other = await _other(w)
    await other.request_cancel(reason="first")
    await _does(w, _cancel(other.workflow_id))
    await (await w.poll("others")).complete(complete())


@scenario(46)
async def a_cancellation_of_one_that_is_no_child_fails(w: World) -> None:
    other = await _other(w)
    await _does(w, _cancel(other.workflow_id, child_workflow_only=True))
    await other.terminate()
