"""Chaos: something dies every 50 ms under load, and in the end nobody has noticed.

What dies is drawn from a seed: a child of the tree (the native runtime among them), a worker, a
supervisor of poll loops, a poll loop, or the evaluator, which is made to wedge. The same seed draws
the same victims in the same order.
"""

import asyncio
import collections
import gc
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hourglass import Subsystem, activity, workflow
from hourglass.client import Client, WorkflowHandle
from hourglass.common import RetryPolicy, WorkflowIDConflictPolicy
from hourglass.exceptions import StaleHandleError
from hourglass.subsystem import events
from hourglass.subsystem.tree import current_tree
from hourglass.subsystem.worker_registry import WorkerRegistry
from hourglass.subsystem.worker_supervisor import SupervisedWorker
from hourglass.supervision import Process
from hourglass.worker import Worker
from tests.support import unique

SECONDS = float(os.environ.get("HOURGLASS_CHAOS_SECONDS", "10"))
SEED = int(os.environ.get("HOURGLASS_CHAOS_SEED", "20240607"))
EVERY = 0.05
AT_ONCE = 12
"""Workflows that run at any time."""
SECOND = timedelta(seconds=1)
VICTIMS = {
    "runtime": 1,
    "bridge_holder": 1,
    "worker_registry": 1,
    "worker_supervisor": 1,
    "worker": 2,
    "polls": 2,
    "workflow": 4,
    "activity": 4,
    "evaluator": 1,
}
"""How likely each is to be next."""
PARTS = ("supervision", "subsystem", "worker")
T = TypeVar("T")


class Wedge:
    """Makes the next activation not come back, once."""

    wanted = False


@activity.defn
async def add_one(number: int) -> int:
    await asyncio.sleep(0.005)
    return number + 1


@activity.defn
def double(number: int) -> int:
    time.sleep(0.005)
    return 2 * number


@workflow.defn
class Calculates:
    @workflow.run
    async def run(self, number: int) -> int:
        if Wedge.wanted:
            Wedge.wanted = False
            while True:  # until the watchdog gives it up
                pass
        options: Any = {
            "start_to_close_timeout": 2 * SECOND,
            "retry_policy": RetryPolicy(initial_interval=SECOND / 20, backoff_coefficient=1),
        }
        more = await workflow.execute_activity(add_one, number, **options)
        await workflow.sleep(0.01)
        return await workflow.execute_activity(double, more, **options)


def plan(seed: int, seconds: float) -> list[str]:
    """Draw who dies, in order."""
    draw = random.Random(seed)
    return draw.choices(list(VICTIMS), list(VICTIMS.values()), k=int(seconds / EVERY))


def find(victim: str) -> Process | None:
    """The living process that is meant; None while it is just being brought back."""
    tree = current_tree()
    if tree is None:
        return None
    if victim in ("runtime", "bridge_holder", "worker_registry", "worker_supervisor"):
        return tree.root.lookup(victim)
    registry = tree.root.lookup("worker_registry")
    if not isinstance(registry, WorkerRegistry):
        return None
    worker = next(map(registry.lookup, registry.names()), None)
    if victim == "worker" or not isinstance(worker, SupervisedWorker):
        return worker
    return (
        worker.polls if victim == "polls" or worker.polls is None else worker.polls.lookup(victim)
    )


def kill(victim: str) -> bool:
    """End it by force; False when it is not there right now."""
    if victim == "evaluator":
        Wedge.wanted = True
        return True
    process = find(victim)
    if process is None or not process.alive:
        return False
    process.kill()
    return True


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """As a client does that knows its runtime may be replaced under a call."""
    while True:
        try:
            return await call()
        except StaleHandleError:
            await asyncio.sleep(0)


class Load:
    """Workflows, one after the other, in as many lanes as wanted."""

    def __init__(self, client: Client, queue: str) -> None:
        self.client = client
        self.queue = queue
        self.done = 0
        self.over = asyncio.Event()

    async def lane(self, lane: int) -> None:
        number = lane * 100_000
        while not self.over.is_set():
            number += 1
            assert await self.one(number) == 2 * (number + 1)
            self.done += 1

    async def one(self, number: int) -> int:
        def start() -> Awaitable[WorkflowHandle[Any, int]]:
            return self.client.start_workflow(
                Calculates.run,
                number,
                id=f"{self.queue}-{number}",
                task_queue=self.queue,
                task_timeout=SECOND,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )

        handle = await persistently(start)
        return await persistently(handle.result)


@contextmanager
def patient_tree() -> Generator[None]:
    """A tree that sees any number of restarts, and says nothing of what is done on purpose."""
    loggers = [
        logging.getLogger(f"hourglass.{name}") for name in ("supervision", "subsystem", "worker")
    ]
    levels = [logger.level for logger in loggers]
    stop()
    Subsystem.configure(max_restarts=1_000_000, max_seconds=1.0)
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    stop()
    Subsystem.configure()


def stop() -> None:
    stopping = Subsystem.stop()
    if stopping is not None:
        stopping.result(30)


def threads() -> collections.Counter[str]:
    """The threads of this process by their names, as the system knows them."""
    tasks = Path("/proc/self/task").glob("*/comm")
    return collections.Counter(name.read_text().strip() for name in tasks)


def threads_left(before: "collections.Counter[str]") -> "collections.Counter[str]":
    """The threads that are more than before, once those that are about to end have ended."""
    give_up = time.monotonic() + 20
    while (left := threads() - before) and time.monotonic() < give_up:
        time.sleep(0.01)
    return left


@contextmanager
def lost_results() -> Generator[list[events.CompletionLost]]:
    """Hear of results of activities that reach nobody; nothing else is kept alive."""
    lost: list[events.CompletionLost] = []

    def hear(event: events.AnyEvent) -> None:
        if isinstance(event, events.CompletionLost) and event.kind == "activity":
            lost.append(event)

    subscription = Subsystem.subscribe(hear)
    yield lost
    subscription.cancel()


def memory() -> int:
    """Resident bytes."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def settled(worker: Worker) -> None:
    """Wait until nothing is under way any more."""
    while True:
        statistics = await asyncio.to_thread(Subsystem.statistics)
        slots = [handle.slots for handle in statistics.handles]
        used = [count[name] for count in slots for name in count if name.endswith("in_use")]
        if len(statistics.handles) == 1 and used == [0, 0]:
            return
        assert worker.is_running
        await asyncio.sleep(0.05)


async def storm(client: Client, victims: list[str]) -> tuple[int, list[str]]:
    """Let them die one by one under load; how many workflows were done, and who died."""
    worker = Worker(
        client,
        task_queue=unique("chaos"),
        workflows=[Calculates],
        activities=[add_one, double],
        deadlock_timeout=timedelta(milliseconds=100),
        sticky_queue_schedule_to_start_timeout=SECOND,
    )
    async with worker:
        load = Load(client, worker.task_queue)
        lanes = [asyncio.ensure_future(load.lane(lane)) for lane in range(AT_ONCE)]
        died: list[str] = []
        for victim in victims:
            await asyncio.sleep(EVERY)
            if kill(victim):
                died.append(victim)
        load.over.set()
        await asyncio.gather(*lanes)
        Wedge.wanted = False
        await settled(worker)
        return load.done, died


def test_the_same_seed_draws_the_same_victims() -> None:
    assert plan(SEED, SECONDS) == plan(SEED, SECONDS)
    assert plan(SEED, SECONDS) != plan(SEED + 1, SECONDS)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
@pytest.mark.deadline(SECONDS * 3 + 60)
def test_nobody_notices_that_something_dies_every_fifty_milliseconds(tmp_path: Path) -> None:
    """Every workflow has the right result; nothing is lost, leaked or left over."""

    async def run(victims: list[str]) -> tuple[int, list[str]]:
        async with await Client.connect(f"sqlite:///{tmp_path / 'chaos.db'}") as client:
            return await storm(client, victims)

    with patient_tree():
        asyncio.run(run(plan(SEED, 2)))  # so that what is made once is made
        stop()
        before, bytes_before = threads(), memory()
        with lost_results() as lost:
            done, died = asyncio.run(run(plan(SEED, SECONDS)))
        stop()
        left, bytes_after = threads_left(before), memory()
    assert lost == []
    assert len(died) > len(plan(SEED, SECONDS)) / 4  # who is being brought back can't be killed
    assert done > len(died) / 10
    assert left == collections.Counter()
    assert bytes_after - bytes_before < 64 * 2**20
