"""A process that ran a worker and leaves: `python -m tests.crash.ran_a_worker WAY DATABASE`.

WAY is how it leaves: `stopped` (the worker was stopped), `running` (the event loop ends under a
worker that runs), `exit` (`sys.exit` from inside the loop), `thread` (the main thread ends while a
worker runs on another thread's loop).
"""

import asyncio
import sys
import threading

from hourglass import workflow
from hourglass.client import Client
from hourglass.worker import Worker


@workflow.defn
class Hello:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}!"


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
