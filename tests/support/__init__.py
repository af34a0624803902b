"""What tests share: unique names, workers with queues of their own, histories as lists."""

import json
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
