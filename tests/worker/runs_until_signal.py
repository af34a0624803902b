"""A process that runs a worker until a signal: `python -m tests.worker.runs_until_signal WAY`.

WAY is what it is at when the signal comes: `idle`, `polite` (an activity that ends when it sees the
shutdown), `deaf` (a threaded activity that ignores its cancellation), `pool` (the same in a pool of
the program's own). It writes `ready` when the signal may come, and at the end what it was.
"""

import asyncio
import atexit
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker, _ladder, _left_behind, run_until_signal

_ladder._CANCEL_PERIOD = _left_behind._LAST_PERIOD = 0.5


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@activity.defn
async def polite() -> None:
    say("ready")
    await activity.wait_for_worker_shutdown()
    say("saw the shutdown")


@activity.defn(no_thread_cancel_exception=True)
def deaf() -> None:
    say("ready")
    threading.Event().wait()


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, name: str) -> None:
        await workflow.execute_activity(name, start_to_close_timeout=timedelta(minutes=5))


async def main(way: str) -> None:
    """Run until the signal."""
    async with await Client.connect("sqlite://") as client:
        worker = Worker(
            client,
            task_queue="queue",
            workflows=[Calls],
            activities=[polite, deaf],
            activity_executor=ThreadPoolExecutor(100) if way == "pool" else None,
            graceful_shutdown_timeout=timedelta(seconds=30 if way == "polite" else 0),
        )
        if way == "idle":
            asyncio.get_running_loop().call_soon(say, "ready")
        else:
            name = "polite" if way == "polite" else "deaf"
            await client.start_workflow(Calls.run, name, id="calls", task_queue="queue")
        number = await run_until_signal(worker)
        say(f"ended by {number.name if number else 'nothing'}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    atexit.register(say, "exit handlers ran")
    asyncio.run(main(sys.argv[1]))
