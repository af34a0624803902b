"""The pipeline: ordinary `async` code that a crash does not interrupt.

Everything this class holds (totals, cursor, whether it is paused) is rebuilt from history in the
next process, to the exact line it was waiting on.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from activities import (
    BatchRequest,
    BatchResult,
    PageRequest,
    Totals,
    Tree,
    index_batch,
    list_page,
    measure_tree,
)

from hourglass import workflow
from hourglass.common import RetryPolicy

RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)
)
BATCHES_PER_ROUND = 8
ROUNDS = 25
"""At most so many, unless a batch size is given."""
MAX_HISTORY = 8_000
"""Events after which the workflow goes on in a fresh run, carrying its state along."""


@dataclass
class IndexJob:
    """What to index and how; also what one run hands to the next."""

    tree: Tree
    batch_size: int = 0
    """Files in one activity; 0: by the size of the tree."""
    seconds_between_rounds: float = 0.25
    cursor: str = ""
    """The last path that is done."""
    expected_files: int = -1
    rounds: int = 0
    batches: int = 0
    retried: int = 0
    workers: list[int] = field(default_factory=list[int])
    totals: Totals = field(default_factory=Totals)


@dataclass
class Progress:
    """The answer to the `progress` query."""

    files: int
    bytes: int
    expected_files: int
    rounds: int
    batches: int
    running_batches: int
    paused: bool


@workflow.defn
class IndexTree:
    """Index a directory tree in rounds of parallel batches."""

    @workflow.init
    def __init__(self, job: IndexJob) -> None:
        self.job = job
        self.paused = False
        self.running = 0

    @workflow.run
    async def run(self, job: IndexJob) -> IndexJob:
        """Go round after round until a page comes back empty; return the job at its end."""
        if job.expected_files < 0:
            size = await workflow.execute_activity(
                measure_tree,
                job.tree,
                start_to_close_timeout=timedelta(minutes=5),
                retry_policy=RETRY,
            )
            job.expected_files = size.files
            job.batch_size = job.batch_size or max(25, size.files // (ROUNDS * BATCHES_PER_ROUND))
        while await self.round():
            await workflow.sleep(job.seconds_between_rounds)
            await workflow.wait_condition(lambda: not self.paused)
            if workflow.info().get_current_history_length() > MAX_HISTORY:
                workflow.continue_as_new(job)
        return job

    async def round(self) -> bool:
        """Index one page of the tree; False when there was nothing left."""
        job = self.job
        page = await workflow.execute_activity(
            list_page,
            PageRequest(job.tree, job.cursor, job.batch_size * BATCHES_PER_ROUND),
            start_to_close_timeout=timedelta(minutes=5),
            retry_policy=RETRY,
        )
        if not page:
            return False
        parts = [page[i : i + job.batch_size] for i in range(0, len(page), job.batch_size)]
        await asyncio.gather(*(self.batch(part) for part in parts))
        job.cursor = page[-1]
        job.rounds += 1
        return True

    async def batch(self, paths: list[str]) -> None:
        """Have one batch read by a worker, as often as it takes."""
        self.running += 1
        result: BatchResult = await workflow.execute_activity(
            index_batch,
            BatchRequest(self.job.tree.root, paths),
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=2),
            retry_policy=RETRY,
        )
        self.running -= 1
        job = self.job
        job.totals.add(result.totals)
        job.batches += 1
        job.retried += result.attempt > 1
        if result.worker not in job.workers:
            job.workers.append(result.worker)

    @workflow.signal
    def pause(self) -> None:
        """Start no further round until resumed."""
        self.paused = True

    @workflow.signal
    def resume(self) -> None:
        """Go on."""
        self.paused = False

    @workflow.query
    def progress(self) -> Progress:
        """How far it is."""
        job = self.job
        return Progress(
            files=job.totals.files + len(job.totals.unreadable),
            bytes=job.totals.bytes,
            expected_files=job.expected_files,
            rounds=job.rounds,
            batches=job.batches,
            running_batches=self.running,
            paused=self.paused,
        )
