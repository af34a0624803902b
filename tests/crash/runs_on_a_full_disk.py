"""A process on a disk that is full: `python -m tests.crash.runs_on_a_full_disk TARGET BYTES`.

No file may grow beyond BYTES, from before the database is opened. The process has a worker for the
workflow "waiting", which was started before, and waits for its result; then it prints what it was
told, and after how many seconds.
"""

import asyncio
import json
import resource
import signal
import sys
import time

from hourglass import workflow
from hourglass.client import Client
from hourglass.exceptions import DatabaseError
from hourglass.worker import Worker


@workflow.defn
class Waiting:
    """Done as soon as there is a worker."""

    @workflow.run
    async def run(self) -> str:
        """Return something large at once."""
        return "done" * 50_000


async def main() -> None:
    """Wait for the result of a workflow that can't be stored."""
    target, limit = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    began = time.monotonic()
    try:
        client = await Client.connect(target)
        async with Worker(client, task_queue="queue", workflows=[Waiting]):
            await client.get_workflow_handle("waiting").result()
    except DatabaseError as error:
        sys.stdout.write(json.dumps(["error", str(error)]) + "\n")
    sys.stdout.write(json.dumps(["seconds", time.monotonic() - began]) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
