"""A process with a worker: `python -m tests.worker.runs_until_signal WAY [TARGET]`.

WAY is what it is at when the signal comes: `idle`, `polite` (an activity that ends when it sees the
shutdown), `deaf` (a threaded activity that ignores its cancellation), `pool` (the same in a pool of
the program's own), `wedged` (workflow code that never comes back and that nothing interrupts),
`load` (two hundred workflows with activities, of which some are done). It writes `ready` when the
signal may come, and at the end what it was.
"""

import asyncio
import atexit
import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker, _abandoned_threads, _evaluator, _shutdown, run_until_signal

_shutdown._CANCEL_PERIOD = _shutdown._HARD_PERIOD = 0.5
_abandoned_threads._LAST_PERIOD = _evaluator._JOIN_TIMEOUT = 0.5
LOAD = 200


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


@workflow.defn
class Wedged:
    @workflow.run
    async def run(self, _: str) -> None:
        say("ready")
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass


done: list[int] = []


@activity.defn
def step(number: int) -> int:
    time.sleep(0.02)
    done.append(number)
    if len(done) == LOAD // 4:
        say("ready")
    return number


@workflow.defn
class Steps:
    @workflow.run
    async def run(self) -> int:
        total = 0
        for number in range(3):
            timeout = timedelta(seconds=10)
            total += await workflow.execute_activity(step, number, start_to_close_timeout=timeout)
        return total


async def begin(client: Client, way: str) -> None:
    """Have the worker be at what it should be at."""
    if way == "idle":
        asyncio.get_running_loop().call_soon(say, "ready")
    elif way == "load":
        for number in range(LOAD):
            await client.start_workflow(Steps.run, id=f"load-{number}", task_queue="queue")
    elif way != "again":
        run = Wedged.run if way == "wedged" else Calls.run
        name = "polite" if way == "polite" else "deaf"
        await client.start_workflow(run, name, id="calls", task_queue="queue")


async def main(way: str, target: str = "sqlite://") -> None:
    """Run until the signal."""
    async with await Client.connect(target) as client:
        worker = Worker(
            client,
            task_queue="queue",
            workflows=[Calls, Wedged, Steps],
            activities=[polite, deaf, step],
            activity_executor=ThreadPoolExecutor(100) if way == "pool" else None,
            graceful_shutdown_timeout=timedelta(seconds=30 if way == "polite" else 0),
        )
        await begin(client, way)
        number = await run_until_signal(worker)
        say(f"ended by {number.name if number else 'nothing'}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    atexit.register(say, "exit handlers ran")
    asyncio.run(main(*sys.argv[1:]))
