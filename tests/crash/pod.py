"""A worker in a pod: `python -m tests.crash.pod FOLDER`.

It waits for the database if the pod before it still has that, starts its workflows if they aren't
there yet, and works until they are done or until SIGTERM, when it stops as a pod has to. Their
results are its output.
"""

import asyncio
import json
import signal
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHandle
from hourglass.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from hourglass.exceptions import WorkflowAlreadyStartedError
from hourglass.worker import Worker

RUNS, STEPS = 20, 10


def mark(folder: str, workflow_id: str, step: int) -> int:
    """Leave a mark for the step."""
    with (Path(folder) / f"{workflow_id}.steps").open("a") as file:
        file.write(f"{step}\n")
    return step


@activity.defn
def step_in_a_thread(folder: str, workflow_id: str, step: int) -> int:
    time.sleep(0.02)
    return mark(folder, workflow_id, step)


@activity.defn
async def step_on_the_loop(folder: str, workflow_id: str, step: int) -> int:
    await asyncio.sleep(0.02)
    return mark(folder, workflow_id, step)


@workflow.defn
class Steps:
    @workflow.run
    async def run(self, folder: str) -> list[int]:
        done: list[int] = []
        for step in range(STEPS):
            fn = step_in_a_thread if step % 2 else step_on_the_loop
            args = [folder, workflow.info().workflow_id, step]
            limit = timedelta(seconds=50)
            done.append(
                await workflow.execute_activity(fn, args=args, start_to_close_timeout=limit)
            )
        return done


async def started(client: Client, folder: str, number: int) -> WorkflowHandle[Any, list[int]]:
    """Start one, or find the one that a former life of the pod started."""
    workflow_id = f"run-{number}"
    try:
        return await client.start_workflow(
            Steps.run,
            folder,
            id=workflow_id,
            task_queue="pod",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle(workflow_id)


async def main(folder: str) -> None:
    """Be the pod."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(f"sqlite:///{folder}/pod.db?wait=30")
    worker = Worker(
        client,
        task_queue="pod",
        workflows=[Steps],
        activities=[step_in_a_thread, step_on_the_loop],
        graceful_shutdown_timeout=timedelta(seconds=10),
    )
    async with client, worker:
        handles = [await started(client, folder, number) for number in range(RUNS)]
        waiting = asyncio.gather(*(handle.result() for handle in handles))
        waiting.add_done_callback(lambda _: stop.set())
        await stop.wait()
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            sys.stdout.write(json.dumps(await waiting))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
