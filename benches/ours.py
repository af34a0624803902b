"""Hourglass embedded: `python -m benches.ours FOLDER`. One process, one database file, FULL sync.

A step is an activity: scheduled, dispatched to the worker, completed, each on record.
"""

import asyncio
import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path

from benches.workload import (
    EMPTY_RUNS,
    IN_FLIGHT,
    LATENCY_RUNS,
    STEPS,
    WARM_UP,
    Figures,
    hand_over,
    p50_ms,
)
from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker

QUEUE = "bench"
LIMIT = timedelta(minutes=1)
ids = (f"bench-{number}" for number in count())


@activity.defn
async def add_one(number: int) -> int:
    return number + 1


@workflow.defn
class OneStep:
    @workflow.run
    async def run(self, number: int) -> int:
        return await workflow.execute_activity(add_one, number, start_to_close_timeout=LIMIT)


@workflow.defn
class ManySteps:
    @workflow.run
    async def run(self, steps: int) -> int:
        number = 0
        for _ in range(steps):
            number = await workflow.execute_activity(add_one, number, start_to_close_timeout=LIMIT)
        return number


@workflow.defn
class Empty:
    @workflow.run
    async def run(self) -> None:
        return None


async def latency(client: Client) -> float:
    """Median milliseconds of a workflow with one step, one after the other."""
    samples: list[float] = []
    for number in range(WARM_UP + LATENCY_RUNS):
        started = time.perf_counter()
        await client.execute_workflow(OneStep.run, number, id=next(ids), task_queue=QUEUE)
        samples.append(time.perf_counter() - started)
    return p50_ms(samples[WARM_UP:])


async def sequential(client: Client) -> float:
    """Seconds for one workflow with many steps in sequence."""
    started = time.perf_counter()
    result = await client.execute_workflow(ManySteps.run, STEPS, id=next(ids), task_queue=QUEUE)
    assert result == STEPS
    return time.perf_counter() - started


async def throughput(client: Client, runs: int) -> float:
    """Empty workflows per second with a hundred in flight."""
    left = iter(range(runs))

    async def one_after_the_other() -> None:
        for _ in left:
            await client.execute_workflow(Empty.run, id=next(ids), task_queue=QUEUE)

    started = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return runs / (time.perf_counter() - started)


async def main() -> None:
    """Measure everything on one worker."""
    client = await Client.connect(f"sqlite:///{Path(sys.argv[1]) / 'hourglass.db'}")
    worker = Worker(
        client, task_queue=QUEUE, workflows=[OneStep, ManySteps, Empty], activities=[add_one]
    )
    async with worker:
        figures = Figures(
            peer="Hourglass, embedded",
            one_step_p50_ms=await latency(client),
            steps_500_s=await sequential(client),
            empty_per_s=await throughput(client, EMPTY_RUNS),
        )
    hand_over(figures)


if __name__ == "__main__":
    asyncio.run(main())
