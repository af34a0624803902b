"""What tests share: unique names, workers with queues of their own, histories as lists."""

import json
import os
import signal
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from hourglass.client import WorkflowHandle
from hourglass.worker import Worker

AnyHandle = WorkflowHandle[Any, Any]
THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="test-activity")

START = [
    "WorkflowExecutionStarted",
    "WorkflowTaskScheduled",
    "WorkflowTaskStarted",
    "WorkflowTaskCompleted",
]
"""How every history begins."""
TASK = START[1:]
"""One workflow task: scheduled, started, completed."""
ACTIVITY = ["ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted"]


def unique(prefix: str) -> str:
    """Return a name that no other test has."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def new_worker(
    client: Any,
    *workflows: type,
    activities: Sequence[Callable[..., Any]] = (),
    task_queue: str | None = None,
    **options: Any,
) -> Worker:
    """Make a worker for the workflows on a task queue of its own; not started."""
    return Worker(
        client,
        task_queue=task_queue or unique("queue"),
        workflows=workflows,
        activities=activities,
        activity_executor=THREADS,
        **options,
    )


async def history_events(handle: AnyHandle) -> list[dict[str, Any]]:
    """Fetch all events of the run in Temporal's JSON form."""
    events: list[dict[str, Any]] = json.loads((await handle.fetch_history()).to_json())["events"]
    return events


def short_name(event: dict[str, Any]) -> str:
    """Turn ``EVENT_TYPE_TIMER_FIRED`` into ``TimerFired``."""
    return "".join(map(str.capitalize, event["eventType"].removeprefix("EVENT_TYPE_").split("_")))


async def event_types(handle: AnyHandle) -> list[str]:
    """Fetch the run's history as a list of event names: the fingerprint that engines share."""
    return [short_name(event) for event in await history_events(handle)]


@contextmanager
def forked(work: Callable[[], object], seconds: float = 20) -> Iterator[int]:
    """Fork, and do the work in the child while the block runs in the parent; the child's id.

    The child has to end well within that time; what it raises is shown.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(int(seconds))  # pytest's own handler, or the end
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        yield child
    finally:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"the forked child ended with status {status}"
