"""Workflows that more than one file of tests runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from hourglass import workflow

TIMEOUT = timedelta(seconds=30)


@workflow.defn
class Orders:
    """Writes down in which order things happen."""

    def __init__(self) -> None:
        self.log: list[str] = ["init"]

    @workflow.signal
    def sync(self, word: str) -> None:
        self.log.append(f"sync {word}")

    @workflow.signal
    async def slow(self, word: str) -> None:
        self.log.append(f"slow {word}")
        await workflow.sleep(1)
        self.log.append(f"slow {word} done")

    @workflow.query
    def read(self) -> list[str]:
        return self.log

    @workflow.run
    async def run(self) -> list[str]:
        self.log.append("run")
        await workflow.wait_condition(lambda: "sync end" in self.log)
        self.log.append("over")
        return self.log


@workflow.defn
class ManyActivities:
    @workflow.run
    async def run(self) -> list[int]:
        handles = [
            workflow.start_activity(f"a{n}", start_to_close_timeout=TIMEOUT) for n in range(3)
        ]
        return await asyncio.gather(*(self.follow(handle) for handle in handles))

    async def follow(self, handle: workflow.ActivityHandle[int]) -> int:
        result = await handle
        await workflow.sleep(result)
        return result
