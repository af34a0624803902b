"""The process that is killed: `python -m tests.crash.small_workflow TARGET KILL_AT`.

Engine, worker and client in one process. It follows the history of its one workflow and kills
itself with SIGKILL as soon as KILL_AT events are on record (0: never). What the engine told it, it
writes to standard output at once: the parent holds the engine to it.

The workflow can't run ahead of the kill: the worker, the activities and the signal each wait until
the history up to them was seen.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHandle
from hourglass.common import RetryPolicy, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from hourglass.exceptions import WorkflowAlreadyStartedError
from hourglass.service import RPCError, RPCStatusCode
from hourglass.worker import Worker
from tests.support import event_types

WORKFLOW_ID, QUEUE = "small", "crash"
Handle = WorkflowHandle[Any, list[str]]


def tell(kind: str, value: Any = None) -> None:
    """Write a line that survives the kill."""
    os.write(1, (json.dumps([kind, value]) + "\n").encode())


class Follower:
    """Follows the history; kills at the given length; lets others wait for a length."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.seen: list[str] = []
        self.grew = asyncio.Condition()

    async def follow(self, handle: Handle) -> None:
        """Look at the history until the workflow is closed."""
        while "WorkflowExecutionCompleted" not in self.seen:
            self.seen = await event_types(handle)
            if self.kill_at and len(self.seen) >= self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            async with self.grew:
                self.grew.notify_all()

    async def until(self, reached: Callable[[list[str]], bool]) -> None:
        """Wait until the history is as wanted."""
        async with self.grew:
            await self.grew.wait_for(lambda: reached(self.seen))


class Steps:
    """Two activities that start their work only when the follower has seen that they may."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    @activity.defn
    async def first(self) -> str:
        await self.follower.until(lambda seen: seen.count("ActivityTaskScheduled") == 1)
        return "first"

    @activity.defn
    async def second(self, word: str) -> str:
        await self.follower.until(lambda seen: seen.count("ActivityTaskScheduled") == 2)
        return f"second after {word}"


@workflow.defn
class Small:
    """An activity, a timer, a signal, an activity."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        limits: dict[str, Any] = {
            "start_to_close_timeout": timedelta(seconds=3),
            "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=50)),
        }
        first = await workflow.execute_activity_method(Steps.first, **limits)
        await workflow.sleep(0.2)
        await workflow.wait_condition(lambda: bool(self.words))
        second = await workflow.execute_activity_method(Steps.second, self.words[0], **limits)
        return [first, *self.words, second, str(workflow.uuid4()), workflow.now().isoformat()]

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)


async def find_or_start(client: Client) -> Handle:
    """Start the workflow unless an earlier life of this process did."""
    handle: Handle = client.get_workflow_handle(WORKFLOW_ID)
    try:
        description = await handle.describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
    else:
        tell("found", description.run_id)
        return handle
    try:
        started = await client.start_workflow(
            Small.run,
            id=WORKFLOW_ID,
            task_queue=QUEUE,
            task_timeout=timedelta(seconds=2),
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        sys.exit("describe said that it is not there, start said that it is")
    tell("started", started.first_execution_run_id)
    return handle


def after_timer(seen: list[str]) -> list[str]:
    """Return the events from the timer's firing on."""
    return seen[seen.index("TimerFired") :] if "TimerFired" in seen else []


async def send_signal(handle: Handle, follower: Follower) -> None:
    """Send the signal once the workflow waits for it, unless it is on record."""
    await follower.until(lambda seen: "WorkflowTaskCompleted" in after_timer(seen))
    if "WorkflowExecutionSignaled" not in follower.seen:
        await handle.signal(Small.say, "hello")
        tell("signalled")


async def main() -> None:
    """Live until the workflow is closed, or the kill."""
    target, kill_at = sys.argv[1], int(sys.argv[2])
    client = await Client.connect(target)
    follower = Follower(kill_at)
    steps = Steps(follower)
    handle = await find_or_start(client)
    jobs = asyncio.gather(follower.follow(handle), send_signal(handle, follower))
    await follower.until(lambda seen: len(seen) >= 2)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Small],
        activities=[steps.first, steps.second],
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )
    async with worker:
        tell("result", await handle.result())
        await jobs
    tell("events", follower.seen)


if __name__ == "__main__":
    asyncio.run(main())
