"""What an event costs in a history of 10,000: `python -m benches.history_growth FOLDER`.

One workflow with activities in sequence; each adds six events. The time per event is taken over the
first hundred events and over the last thousand, inside one run, so that both see the same machine.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benches.workload import hand_over
from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker

EVENTS_PER_STEP = 6
STEPS = 10_000 // EVENTS_PER_STEP
moments: list[float] = []


@dataclass
class Growth:
    """Microseconds per event, early and late."""

    events: int
    first_100_us: float
    last_1000_us: float


@activity.defn
async def note_the_time() -> None:
    moments.append(time.perf_counter())


@workflow.defn
class Long:
    @workflow.run
    async def run(self) -> int:
        for _ in range(STEPS):
            await workflow.execute_activity(
                note_the_time, start_to_close_timeout=timedelta(minutes=1)
            )
        return workflow.info().get_current_history_length()


def per_event_us(times: list[float]) -> float:
    """Microseconds per event between the first and the last of these moments."""
    return (times[-1] - times[0]) / ((len(times) - 1) * EVENTS_PER_STEP) * 1e6


async def main() -> None:
    """Run one warm-up workflow's worth of code paths, then the long one."""
    client = await Client.connect(f"sqlite:///{Path(sys.argv[1]) / 'growth.db'}")
    worker = Worker(client, task_queue="bench", workflows=[Long], activities=[note_the_time])
    async with worker:
        events = await client.execute_workflow(Long.run, id="long", task_queue="bench")
    warm = moments[3:]
    hand_over(
        Growth(
            events=events,
            first_100_us=per_event_us(warm[: 100 // EVENTS_PER_STEP + 1]),
            last_1000_us=per_event_us(warm[-(1000 // EVENTS_PER_STEP + 1) :]),
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
