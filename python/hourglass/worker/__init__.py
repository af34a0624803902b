"""Running workflows and activities.

::

    worker = Worker(client, task_queue="orders", workflows=[Order], activities=[charge])
    await worker.run()
"""

from hourglass.worker._replayer import (
    Replayer,
    WorkflowReplayResult,
    WorkflowReplayResults,
)
from hourglass.worker._signals import run_until_signal
from hourglass.worker._worker import Worker

__all__ = [
    "Replayer",
    "Worker",
    "WorkflowReplayResult",
    "WorkflowReplayResults",
    "run_until_signal",
]
