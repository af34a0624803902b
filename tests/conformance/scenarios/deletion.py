"""Runs that are deleted: nothing is left of them (T3+).

Of runs that were closed before, only the engine's own tests tell: a server gets to them half a
minute later.
"""

import asyncio

from hourglass._bridge import BridgeError
from tests.conformance.commands import Wire, complete, start_child, start_timer
from tests.conformance.driver import PATIENCE, Run, World
from tests.conformance.table import scenario


async def delete(run: Run) -> Wire:
    """Delete a run, and leave its history out of what is compared."""
    answer = await run.world.call("DeleteWorkflowExecution", workflow_execution=run.execution)
    run.world.forget(run)
    return answer


async def gone(run: Run, label: str) -> None:
    """Wait until a run is gone, which on a server takes a moment, and note how that is said."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while loop.time() < end:
        try:
            await run.describe()
        except BridgeError:
            break
        await asyncio.sleep(0.05)
    await run.world.answer(f"{label} described", run.describe())
    await run.world.answer(f"{label} signaled", run.signal())
    await run.world.answer(f"{label} read", run.types())
    await run.world.answer(f"{label} deleted again", delete(run))


@scenario(49)
async def an_open_run_is_deleted(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 1))
    await run.signal()
    await w.poll()
    await delete(run)
    await gone(run, "open")
    await w.no_task()


@scenario(44)
async def a_parent_hears_that_its_child_was_deleted(w: World) -> None:
    run = await w.start()
    child = start_child(w.id("child"), task_queue={"name": w.id("children")})
    await (await w.poll()).complete(child)
    await run.until("ChildWorkflowExecutionStarted")
    await (await w.poll()).complete()
    leaf = await w.poll("children")
    await delete(w.run(leaf.answer["workflow_execution"]["run_id"], "child"))
    await run.until("ChildWorkflowExecutionTerminated")
    await (await w.poll()).complete(complete())


@scenario(49)
async def nobody_is_deleted(w: World) -> None:
    await w.answer("unknown", delete(Run(w, w.id("nobody"), "")))
    await w.answer("no id", delete(Run(w, "", "")))
