"""A process whose disk fills up: `python -m tests.crash.fills_the_disk TARGET BYTES`.

The disk is "full" at BYTES per file, by a resource limit. It starts workflows with large arguments
until that fails, and prints each id that was acknowledged, then the error.
"""

import asyncio
import json
import resource
import signal
import sys

from hourglass.client import Client
from hourglass.exceptions import TemporalError


async def main() -> None:
    """Start workflows until the disk is full."""
    target, limit = sys.argv[1], int(sys.argv[2])
    client = await Client.connect(target)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        for number in range(1_000):
            workflow_id = f"large-{number}"
            await client.start_workflow("Any", bytes(100_000), id=workflow_id, task_queue="queue")
            sys.stdout.write(json.dumps(["acknowledged", workflow_id]) + "\n")
    except TemporalError as error:
        sys.stdout.write(json.dumps(["error", str(error)]) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
