"""A process that ran a worker and leaves: `python -m tests.crash.ran_a_worker WAY DATABASE`.

WAY is how it leaves: `stopped` (the worker was stopped), `running` (the event loop ends under a
worker that runs), `exit` (`sys.exit` from inside the loop), `thread` (the main thread ends while a
worker runs on another thread's loop), `busy` (`sys.exit` while workflows and activities of every
kind are under way).
"""

import asyncio
import logging
import sys
import threading
import time
from datetime import timedelta

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker


@workflow.defn
class Hello:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}!"


@activity.defn
def in_a_thread(number: int) -> int:
    time.sleep(0.005)
    return number


@activity.defn
async def on_the_loop(number: int) -> int:
    await asyncio.sleep(0.005)
    return number


@workflow.defn
class Busy:
    @workflow.run
    async def run(self) -> None:
        limit = timedelta(seconds=10)
        for number in range(1000):
            await workflow.execute_activity(in_a_thread, number, start_to_close_timeout=limit)
            await workflow.execute_activity(on_the_loop, number, start_to_close_timeout=limit)
            await workflow.sleep(0.001)


async def leave_busy(target: str) -> None:
    """Leave in the middle of everything."""
    logging.getLogger("hourglass").addHandler(logging.NullHandler())  # of attempts cut short
    client = await Client.connect(target)
    worker = Worker(
        client, task_queue="queue", workflows=[Busy, Hello], activities=[in_a_thread, on_the_loop]
    )
    running = asyncio.create_task(worker.run())
    for number in range(20):
        await client.start_workflow(Busy.run, id=f"busy-{number}", task_queue="queue")
    await greet(client)
    assert not running.done()
    sys.exit(0)


async def work(target: str, way: str) -> None:
    """Run one workflow, then leave."""
    client = await Client.connect(target)
    worker = Worker(client, task_queue="queue", workflows=[Hello])
    if way == "stopped":
        async with worker:
            await greet(client)
        return
    running = asyncio.create_task(worker.run())
    await greet(client)
    assert not running.done()
    if way == "exit":
        sys.exit(0)


async def greet(client: Client) -> None:
    """Run one workflow and check its result."""
    result = await client.execute_workflow(Hello.run, "you", id="hello", task_queue="queue")
    assert result == "Hello, you!", result


def main() -> None:
    """Leave in the way that was asked for."""
    way, target = sys.argv[1:]
    if way == "busy":
        asyncio.run(leave_busy(target))
    if way != "thread":
        asyncio.run(work(target, way))
        return
    worked = threading.Event()

    async def forever() -> None:
        await work(target, "running")
        worked.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(forever()), daemon=True).start()
    worked.wait()


if __name__ == "__main__":
    main()
