"""Reloading our own modules: what is open stays, what is new works, the end is clean."""

from pathlib import Path

from tests.subsystem.test_runtime import run

MODULES = [
    "hourglass",
    "hourglass._aio",
    "hourglass._bridge",
    "hourglass.activity",
    "hourglass.client",
    "hourglass.client._connection",
    "hourglass.subsystem._state",
    "hourglass.subsystem.engines",
    "hourglass.subsystem.worker_handle",
    "hourglass.subsystem.runtime",
    "hourglass.subsystem.runtime_owner",
    "hourglass.supervision",
    "hourglass.supervision.events",
    "hourglass.supervision.lifetime",
    "hourglass.supervision.loop",
    "hourglass.worker",
    "hourglass.worker._evaluator",
    "hourglass.worker._lifetime",
    "hourglass.workflow",
]
"""The packages, and whatever keeps something for the whole process.

A module of definitions is another matter: its classes stand in what runs and in the program's own
modules, so reloading it alone leaves two of each, as it does with any package.
"""
PROGRAM = f"""
import asyncio, importlib, sys, threading
from datetime import timedelta
from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker

@activity.defn
def same(value: str) -> str:
    return value

@workflow.defn
class Same:
    @workflow.run
    async def run(self, value: str) -> str:
        return await workflow.execute_activity(
            "same", value, start_to_close_timeout=timedelta(seconds=30)
        )

async def reload(client, name):
    importlib.reload(importlib.import_module(name))
    result = await client.execute_workflow(Same.run, name, id=name, task_queue="q")
    assert result == name
    new = sys.modules["hourglass.client"].Client
    async with await new.connect("sqlite:///x.db") as other:  # joins the engine that is open
        assert await other.get_workflow_handle(name).result() == name
    worker = sys.modules["hourglass.worker"].Worker  # joins the evaluator that runs
    async with worker(client, task_queue=name, workflows=[Same], activities=[same]):
        result = await client.execute_workflow(Same.run, name, id=name + "!", task_queue=name)
        assert result == name

async def main():
    async with await Client.connect("sqlite:///x.db") as client:
        async with Worker(client, task_queue="q", workflows=[Same], activities=[same]):
            await reload(client, "json")
            threads = threading.active_count()
            for name in {MODULES}:
                try:
                    await asyncio.wait_for(reload(client, name), 20)
                except BaseException:
                    print("the reload of", name)
                    raise
            assert threading.active_count() <= threads, threading.enumerate()

asyncio.run(main())
"""


def test_what_is_open_stays_open_when_modules_of_ours_are_reloaded(tmp_path: Path) -> None:
    """One after the other, with a worker that runs: one runtime, one engine, one evaluator."""
    assert run(PROGRAM, tmp_path) == ""
