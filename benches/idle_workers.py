"""What idle workers cost: `python -m benches.idle_workers [WORKERS]`, two hundred by default.

All in one process, on one embedded engine, each on a task queue of its own: first workers of
activities, then workers of workflows. Linux only: it reads /proc.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Worker

SECONDS = 10.0
"""How long the CPU is measured, and then the loop's ticks; two seconds to settle come before."""
TICK = 0.01


@activity.defn
async def nothing() -> None: ...


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None: ...


def status(field: str) -> int:
    """Read a number from the process's status: threads, or kilobytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise KeyError(field)


def open_files() -> int:
    """Count the descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def jitter() -> list[float]:
    """How late the event loop's ticks come, in milliseconds, sorted."""
    late: list[float] = []
    end = time.monotonic() + SECONDS
    while (start := time.monotonic()) < end:
        await asyncio.sleep(TICK)
        late.append((time.monotonic() - start - TICK) * 1000)
    return sorted(late)


async def measure(
    name: str, client: Client | None, workers: int, make: Callable[[Client, int], Worker] | None
) -> None:
    """Print one line."""
    threads, files, memory = status("Threads"), open_files(), status("VmRSS")
    async with AsyncExitStack() as stack:
        if client is not None and make is not None:
            for number in range(workers):
                await stack.enter_async_context(make(client, number))
        await asyncio.sleep(2)
        cpu = time.process_time()
        await asyncio.sleep(SECONDS)
        cpu = (time.process_time() - cpu) / SECONDS
        late = await jitter()
        print(
            f"{name:28} {status('Threads') - threads:8} {open_files() - files:6}"
            f" {(status('VmRSS') - memory) / 1024:8.1f} {100 * cpu:8.2f}"
            f" {late[len(late) // 2]:8.2f} {late[int(len(late) * 0.99)]:8.2f} {late[-1]:8.2f}"
        )


async def main() -> None:
    """Measure nothing, then both kinds."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 200

    def activities(client: Client, number: int) -> Worker:
        return Worker(client, task_queue=f"activities-{number}", activities=[nothing])

    def workflows(client: Client, number: int) -> Worker:
        return Worker(client, task_queue=f"workflows-{number}", workflows=[Nothing])

    columns = ("threads", "files", "MB", "CPU %", "p50 ms", "p99 ms", "max ms")
    widths = (8, 6, 8, 8, 8, 8, 8)
    titles = " ".join(f"{name:>{width}}" for name, width in zip(columns, widths, strict=True))
    print(f"{'added; lateness of a tick':28} {titles}")
    await measure("the loop alone", None, 0, None)
    kinds: list[tuple[str, Any]] = [("of activities", activities), ("of workflows", workflows)]
    async with await Client.connect("sqlite://") as client:
        await measure("a client", client, 0, activities)
        for name, make in kinds:
            await measure(f"{workers} workers {name}", client, workers, make)


if __name__ == "__main__":
    asyncio.run(main())
