"""Workers that have nothing to do."""

import gc
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker

WORKERS = 200


@activity.defn
async def nothing() -> None: ...


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None: ...


def threads() -> int:
    """Count the threads of this process, native ones too."""
    return len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
@pytest.mark.parametrize("kind", ["activities", "workflows"])
async def test_b11_two_hundred_idle_workers_share_their_threads(kind: str) -> None:
    """B-11: none is a worker's own. (Core keeps one for a worker once it had a workflow.)"""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await Client.connect("sqlite://"))
        first = Worker(client, task_queue="first", workflows=[Nothing], activities=[nothing])
        await stack.enter_async_context(first)  # and with it what all of them share
        before = threads()
        for number in range(WORKERS):
            queue = f"{kind}-{number}"
            if kind == "activities":
                worker = Worker(client, task_queue=queue, activities=[nothing])
            else:
                worker = Worker(client, task_queue=queue, workflows=[Nothing])
            await stack.enter_async_context(worker)
        assert threads() - before <= 16  # tokio's, for work that blocks
    gc.collect()
