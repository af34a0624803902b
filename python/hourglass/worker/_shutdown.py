"""Shutdown of a worker, in stages, each of them with a limit.

1. **Drain.** No more tasks are taken; what runs may finish, for `graceful_shutdown_timeout`.
   Activities can see that (`activity.is_worker_shutdown`).
2. **Cancel.** What still runs is cancelled and gets ten seconds to end.
3. **Abandon.** An activity that ignores its cancellation is answered for, so that the service
   gives it to another worker; its thread goes on, but nobody waits for it any more.
4. **Hard stop.** What is not done five seconds later will not be done: a workflow task without an
   end, a codec that hangs, a service that can't be reached. It is left as a crash would leave it.

Each stage says in the log what it waits for: activities with their threads and where those are,
runs with the evaluator at work on them.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from hourglass.subsystem.events import WorkerStoppedHard, emit

if TYPE_CHECKING:
    from hourglass.worker._activity import Activities
    from hourglass.worker._lifetime import WorkflowTaker

logger = logging.getLogger("hourglass.worker")
_CANCEL_PERIOD = 10.0
_HARD_PERIOD = 5.0
"""Seconds."""


async def shut_down(
    task_queue: str,
    graceful: timedelta,
    finalizing: asyncio.Future[None],
    activities: Activities | None,
    workflows: WorkflowTaker | None,
) -> None:
    """Go through the stages until `finalizing` is done: core has all its answers.

    Raises what that raises. A hard stop raises nothing: it is in the log.
    """
    blockers = Blockers(activities, workflows)
    logger.info("worker of %r stops: no more tasks are taken; %s", task_queue, blockers)
    if activities is not None:
        activities.worker_shutdown.set()
    if await _done(finalizing, graceful.total_seconds()):
        return
    if activities is not None:
        if activities.running:
            logger.warning("worker of %r stops: cancels %s", task_queue, blockers)
        if workflows is not None:
            workflows.return_local_activities()
        activities.cancel_all()
    if await _done(finalizing, _CANCEL_PERIOD):
        return
    logger.error("worker of %r does not stop: %s", task_queue, blockers)
    abandoning = None
    if activities is not None:
        abandoning = asyncio.ensure_future(activities.abandon_all())
    if await _done(finalizing, _HARD_PERIOD):
        return
    logger.error("worker of %r stopped hard; this is left undone: %s", task_queue, blockers)
    emit(WorkerStoppedHard(task_queue, str(blockers)))
    if abandoning is not None:
        abandoning.cancel()
    finalizing.cancel()


async def _done(finalizing: asyncio.Future[None], seconds: float) -> bool:
    """Wait for `finalizing` for some seconds; True if it is done."""
    if not (await asyncio.wait([finalizing], timeout=seconds))[0]:
        return False
    finalizing.result()
    return True


class Blockers:
    """Describes what a stopping worker waits for; a string only when it is read."""

    def __init__(self, activities: Activities | None, workflows: WorkflowTaker | None) -> None:
        self._activities = activities
        self._workflows = workflows

    def __str__(self) -> str:
        found = (
            [] if self._activities is None else list(map(str, self._activities.running.values()))
        )
        if self._workflows is not None:
            found.extend(map(str, self._workflows.busy_threads()))
        return "; ".join(found) or "nothing in Python, but the native worker, for the service"
