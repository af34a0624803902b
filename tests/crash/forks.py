"""A process that forks: `python -m tests.crash.forks WHEN CHILDREN FOLDER`.

WHEN says what it did before: `before` it used anything, or `after`, with a client that is connected
and a worker under load on another thread. Every child finds what it inherited to be stale at once,
then runs a worker of its own. In the end the parent is asked whether it still works.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHandle
from hourglass.exceptions import StaleHandleError
from hourglass.worker import Worker

AT_ONCE = 3
PATIENCE = 20
"""Seconds that a child may take, on a busy machine; a hang kills it."""
inherited: dict[str, Any] = {}
"""What a child finds of its parent's: client, handle, worker, lease."""


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn
class Doubled:
    @workflow.run
    async def run(self, number: int) -> int:
        from datetime import timedelta

        return await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=30)
        )


async def work(target: str, number: int) -> None:
    """Run one workflow with one activity on a client and a worker of one's own."""
    client = await Client.connect(target)
    worker = Worker(client, task_queue="q", workflows=[Doubled], activities=[double])
    async with client, worker:
        result = await client.execute_workflow(
            Doubled.run, number, id=f"once-{number}-{os.getpid()}", task_queue="q"
        )
    assert result == 2 * number, result


class Load:
    """A thread whose worker has work all the time."""

    def __init__(self, target: str) -> None:
        self.done = 0
        self.started = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(target)))
        self._thread.start()
        self.started.wait()

    async def _run(self, target: str) -> None:
        async with await Client.connect(target) as client:
            worker = Worker(client, task_queue="q", workflows=[Doubled], activities=[double])
            async with worker:
                handle: WorkflowHandle[Any, Any] = client.get_workflow_handle("load-0")
                inherited.update(client=client, handle=handle, worker=worker)
                inherited["lease"] = client.connection._lease
                while not self._stop.is_set():
                    await asyncio.gather(*(self._one(client) for _ in range(5)))
                    self.started.set()

    async def _one(self, client: Client) -> None:
        number = self.done
        self.done += 1
        result = await client.execute_workflow(
            Doubled.run, number, id=f"load-{number}", task_queue="q"
        )
        assert result == 2 * number, result

    def goes_on(self) -> None:
        """Wait for more of it."""
        seen, give_up = self.done, time.monotonic() + PATIENCE
        while self.done < seen + 20:
            assert self._thread.is_alive(), "the load has died"
            assert time.monotonic() < give_up, "the load stands still"
            time.sleep(0.01)

    def end(self) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the load does not end"


def everything_inherited_is_stale() -> None:
    """At once, typed, and without a lock that somebody holds in the parent."""
    client, worker, lease = inherited["client"], inherited["worker"], inherited["lease"]

    async def shut_down() -> None:
        await worker.shutdown()

    uses: list[Callable[[], object]] = [
        lambda: asyncio.run(inherited["handle"].describe()),
        lambda: asyncio.run(client.start_workflow(Doubled.run, 1, id="x", task_queue="q")),
        lambda: asyncio.run(shut_down()),
        lambda: asyncio.run(Worker(client, task_queue="q", workflows=[Doubled]).run()),
        lambda: lease.engine,
    ]
    for use in uses:
        try:
            use()
        except StaleHandleError as error:
            assert error.pid == os.getppid(), error.pid
        else:
            raise AssertionError("a handle of the parent was not refused")
    asyncio.run(client.close())


def child(number: int, folder: str) -> None:
    """What a child does; it leaves in one of two ways."""
    signal.alarm(PATIENCE)
    if inherited:
        everything_inherited_is_stale()
        inherited.clear()
        gc.collect()  # nothing of the parent's is given back by a child
    target = "sqlite://" if number % 2 else f"sqlite:///{folder}/child-{number}.db"
    asyncio.run(work(target, number))


def main() -> None:
    """Fork, and see that every child and the parent are well."""
    when, children, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    logging.getLogger("hourglass.subsystem").addHandler(logging.NullHandler())  # told of below
    load = Load(f"sqlite:///{folder}/parent.db") if when == "after" else None
    alive: set[int] = set()
    for number in range(children):
        pid = os.fork()
        if pid == 0:
            child(number, folder)
            sys.stdout.flush()
            os._exit(0) if number % 3 == 0 else sys.exit(0)
        alive.add(pid)
        while len(alive) >= AT_ONCE or (alive and number == children - 1):
            ended, status = os.wait()
            alive.discard(ended)
            assert status == 0, f"a child of {number} ended with {status:#x}"
    if load is not None:
        load.goes_on()
        load.end()
    asyncio.run(work(f"sqlite:///{folder}/again.db", 1))
    sys.stdout.write(f"{children} children\n")


if __name__ == "__main__":
    main()
