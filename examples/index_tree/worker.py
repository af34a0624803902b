"""The worker process: does the work, and tells its parent how far it is, line by line.

It may be killed at any moment and started again with the same arguments. Commands (`pause`,
`resume`) come on standard input and become signals.
"""

import argparse
import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from activities import Tree, index_batch, list_page, measure_tree
from workflows import IndexJob, IndexTree

from hourglass.client import Client, WorkflowHandle
from hourglass.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from hourglass.exceptions import WorkflowAlreadyStartedError
from hourglass.worker import Worker

TASK_QUEUE = "index-tree"
REFRESH = 0.05
Handle = WorkflowHandle[IndexTree, IndexJob]


class Parent:
    """The process that started this one, at the other end of a pipe."""

    def __init__(self, descriptor: int) -> None:
        self.pipe = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)

    def tell(self, kind: str, **what: Any) -> None:
        """Write one line."""
        self.pipe.write(json.dumps({"kind": kind, **what}) + "\n")


async def obey_commands(handle: Handle) -> None:
    """Turn lines of standard input into signals."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    signals = {"pause": IndexTree.pause, "resume": IndexTree.resume}
    while line := await reader.readline():
        await handle.signal(signals[line.decode().strip()])


async def report_progress(handle: Handle, parent: Parent) -> None:
    """Ask the workflow how far it is, again and again."""
    while True:
        parent.tell("progress", **asdict(await handle.query(IndexTree.progress)))
        await asyncio.sleep(REFRESH)


async def run_until_done(handle: Handle, parent: Parent, history_path: Path) -> None:
    """Wait for the result while progress is told; save the history."""
    jobs = [obey_commands(handle), report_progress(handle, parent)]
    helpers = [asyncio.create_task(job) for job in jobs]
    result = asyncio.create_task(handle.result())
    try:
        done, _ = await asyncio.wait([result, *helpers], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {result}:
            task.result()
        await result
    finally:
        for task in (result, *helpers):
            task.cancel()
        await asyncio.gather(result, *helpers, return_exceptions=True)
    history = (await handle.fetch_history()).to_json()
    await asyncio.to_thread(history_path.write_text, history, encoding="utf-8")
    parent.tell("result", job=asdict(result.result()), events=len(json.loads(history)["events"]))


async def start_or_find(client: Client, workflow_id: str, tree: Tree) -> Handle:
    """Start the workflow, unless an earlier process did: then go on with that one, even if done."""
    try:
        return await client.start_workflow(
            IndexTree.run,
            IndexJob(tree),
            id=workflow_id,
            task_queue=TASK_QUEUE,
            task_timeout=timedelta(seconds=5),
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return client.get_workflow_handle_for(IndexTree.run, workflow_id)


async def main() -> None:
    """Connect, start the workflow or find it running, work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--workflow-id", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--skip", action="append", default=[], help="a folder name to leave out")
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--report-to", type=int, required=True, help="a file descriptor")
    options = parser.parse_args()
    tree = Tree(options.root, options.skip)
    parent = Parent(options.report_to)

    client = await Client.connect(options.target)
    with ThreadPoolExecutor(max_workers=4) as threads:
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[IndexTree],
            activities=[measure_tree, list_page, index_batch],
            activity_executor=threads,
            max_concurrent_activities=4,
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        )
        async with worker:
            handle = await start_or_find(client, options.workflow_id, tree)
            await run_until_done(handle, parent, options.history)


if __name__ == "__main__":
    asyncio.run(main())
