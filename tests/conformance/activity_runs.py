"""Runs of one activity, for the scenarios about those."""

from typing import Any

from tests.conformance.commands import (
    Wire,
    complete,
    schedule_activity,
)
from tests.conformance.driver import Run, World

SCHEDULED = 5
"""The scheduled event's id, when the first task of a run schedules an activity."""
QUICK = {"initial_interval": 0.1, "backoff_coefficient": 1.0}
ONCE = {"maximum_attempts": 1}


async def begun(w: World, **more: Any) -> Run:
    """Start a run that schedules one activity."""
    run = await w.start()
    await (await w.poll()).complete(schedule_activity(w.queue, **more))
    return run


async def end(w: World) -> None:
    """Complete the run, with its next task."""
    task = await w.poll()
    task.note("end")
    await task.complete(complete())


def pending(described: Wire) -> list[Wire]:
    """Pick what a description says of activities; when the next attempt comes is left out."""
    told = ["activity_id", "state", "attempt", "maximum_attempts", "last_failure", "paused"]
    told += ["heartbeat_details"]
    activities = described.get("pending_activities", [])
    return [{key: each.get(key) for key in told} | interval(each) for each in activities]


def interval(activity: Wire) -> Wire:
    """Pick how long it is from attempt to attempt; the server measures, so to a tenth."""
    found = activity.get("current_retry_interval")
    return {} if found is None else {"interval": round(found.total_seconds(), 1)}
