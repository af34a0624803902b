"""The programs that are killed, and the clients that talk to them.

Each does one kind of thing, in an order that nothing but the program decides: whatever happens to a
process, the same events have to follow each other. A client may be killed, too; its next life does
again what it does not find on record.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hourglass import activity, workflow
from hourglass.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateStage
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError, ApplicationErrorCategory
from tests.crash.sweep.record import names

TASK_TIMEOUT = timedelta(seconds=2)
"""How long a workflow task stays lost that a killed process had."""
LIMITS: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=2),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=20), backoff_coefficient=1),
}
LONG = 3600.0
Records = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Fetches all runs of a program."""


class Talk:
    """What a client has to talk with."""

    def __init__(
        self,
        handle: WorkflowHandle[Any, Any],
        records: Records,
        tell: Callable[[str, Any, str, int], None],
    ) -> None:
        self.handle = handle
        self.records = records
        self.tell = tell

    async def seen(self) -> list[str]:
        """Name the events on record of the workflow itself."""
        return names(await self.records(), self.handle.id)

    async def until(self, event: str, times: int = 1) -> None:
        """Wait until the event is on record."""
        while (await self.seen()).count(event) < times:
            pass

    async def signal_once(self, number: int, method: Any, *args: Any) -> None:
        """Send the signal that is the number-th of the workflow, unless it is on record."""
        if (await self.seen()).count("WorkflowExecutionSignaled") < number:
            await self.handle.signal(method, args=args)
            self.tell(f"signal {number}", None, "WorkflowExecutionSignaled", number)


@activity.defn
async def echo(word: str) -> str:
    """Return its argument."""
    return word


@activity.defn
async def fails_twice() -> int:
    """Fail until two failures are on record as the details of its heartbeats."""
    details = activity.info().heartbeat_details
    failures: int = details[0] if details else 0
    if failures == 2:
        return failures
    activity.heartbeat(failures + 1)
    raise ApplicationError(f"failure {failures + 1}", category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def until_cancelled() -> None:
    """Run until it is cancelled."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.05)


@workflow.defn
class Timers:
    """Two race, and the one that loses is cancelled; two more are due one after the other."""

    @workflow.run
    async def run(self) -> str:
        race = [asyncio.create_task(workflow.sleep(seconds)) for seconds in (0.05, LONG)]
        await workflow.wait(race, return_when=asyncio.FIRST_COMPLETED)
        race[1].cancel()
        await asyncio.gather(workflow.sleep(0.1), workflow.sleep(0.05))
        return f"{race[0].done()} {race[1].cancelled()}"


@workflow.defn
class Activities:
    """One that fails twice and takes its details along, and one after it."""

    @workflow.run
    async def run(self) -> list[Any]:
        failures = await workflow.execute_activity(
            fails_twice, heartbeat_timeout=timedelta(seconds=1), **LIMITS
        )
        return [failures, await workflow.execute_activity(echo, "after", **LIMITS)]


@workflow.defn
class Child:
    """Ends soon, or when it is cancelled."""

    @workflow.run
    async def run(self, quick: bool) -> str:
        if quick:
            await workflow.sleep(0.05)
        else:
            await workflow.wait_condition(lambda: False)
        return "grown up"


@workflow.defn
class Children:
    """One child is waited for; the other one is cancelled because its parent ends."""

    @workflow.run
    async def run(self) -> str:
        me = workflow.info().workflow_id
        grown_up = await workflow.execute_child_workflow(
            Child.run, True, id=f"{me}-quick", task_timeout=TASK_TIMEOUT
        )
        await workflow.start_child_workflow(
            Child.run,
            False,
            id=f"{me}-slow",
            task_timeout=TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        )
        return grown_up


@workflow.defn
class Updates:
    """Is updated until it hears the signal."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.over = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.over)
        return self.words

    @workflow.update
    def add(self, word: str) -> int:
        self.words.append(word)
        return len(self.words)

    @add.validator
    def check(self, word: str) -> None:
        if not word:
            raise ApplicationError("no word")

    @workflow.update
    async def add_slowly(self, word: str) -> int:
        self.words.append(await workflow.execute_activity(echo, word, **LIMITS))
        return len(self.words)

    @workflow.signal
    def end(self) -> None:
        self.over = True


async def update(talk: Talk) -> None:
    """Send one that completes at once, one that is rejected, one that completes later."""
    if "WorkflowExecutionSignaled" not in await talk.seen():
        added = await talk.handle.execute_update(Updates.add, "first", id="first")
        talk.tell("first update", added, "WorkflowExecutionUpdateCompleted", 1)
        try:
            await talk.handle.execute_update(Updates.add, "", id="rejected")
        except WorkflowUpdateFailedError as error:
            talk.tell("rejected update", str(error.cause), "WorkflowExecutionUpdateCompleted", 1)
        second = await talk.handle.start_update(
            Updates.add_slowly,
            "second",
            id="second",
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        )
        talk.tell("second accepted", second.id, "WorkflowExecutionUpdateAccepted", 2)
        talk.tell("second update", await second.result(), "WorkflowExecutionUpdateCompleted", 2)
    await talk.signal_once(1, Updates.end)
    await talk.handle.result()
    for number, name in enumerate(("first", "second"), 1):
        result = await talk.handle.get_update_handle(name).result()
        talk.tell(f"{name} update", result, "WorkflowExecutionUpdateCompleted", number)


@workflow.defn
class Signals:
    """Hears three, with an activity and a timer between them."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) == 1)
        await workflow.execute_activity(echo, self.words[0], **LIMITS)
        await workflow.wait_condition(lambda: len(self.words) == 2)
        await workflow.sleep(0.05)
        await workflow.wait_condition(lambda: len(self.words) == 3)
        return self.words

    @workflow.signal
    def hear(self, word: str) -> None:
        self.words.append(word)


async def signal(talk: Talk) -> None:
    """Send the three, each when the workflow waits for it."""
    await talk.signal_once(1, Signals.hear, "one")
    await talk.until("ActivityTaskCompleted")
    await talk.signal_once(2, Signals.hear, "two")
    await talk.until("TimerFired")
    await talk.signal_once(3, Signals.hear, "three")


@workflow.defn
class ContinuesAsNew:
    """Goes on twice, with what it has."""

    @workflow.run
    async def run(self, done: list[str] | None = None) -> list[str]:
        done = done or []
        await workflow.sleep(0.02)
        done.append(await workflow.execute_activity(echo, f"run {len(done)}", **LIMITS))
        if len(done) < 3:
            workflow.continue_as_new(done)
        return done


@workflow.defn
class Cancelled:
    """Waits for its activity to notice, and cleans up all the same."""

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.execute_activity(
                until_cancelled,
                heartbeat_timeout=timedelta(seconds=1),
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                start_to_close_timeout=timedelta(seconds=60),
                retry_policy=LIMITS["retry_policy"],
            )
        except (asyncio.CancelledError, ActivityError):
            await asyncio.shield(workflow.execute_activity(echo, "clean", **LIMITS))
        raise asyncio.CancelledError


async def cancel(talk: Talk) -> None:
    """Cancel it while its activity runs."""
    running = 2
    while "WorkflowExecutionCancelRequested" not in await talk.seen():
        pending = (await talk.handle.describe()).raw_description.get("pending_activities", [])
        if any(each.get("state") == running for each in pending):
            await talk.handle.cancel()
            talk.tell("cancelled", None, "WorkflowExecutionCancelRequested", 1)
        await asyncio.sleep(0.02)


async def say_nothing(_: Talk) -> None:
    """Leave the workflow alone."""


@dataclass(frozen=True)
class Program:
    """A workflow, who talks to it, how it ends, in how many runs, and its children."""

    workflow: Any
    client: Callable[[Talk], Awaitable[None]] = say_nothing
    end: str = "WorkflowExecutionCompleted"
    runs: int = 1
    children: tuple[str, ...] = ()

    def ids(self, name: str) -> list[str]:
        """Every workflow id that belongs to the one of that name."""
        return [name, *(f"{name}-{child}" for child in self.children)]


PROGRAMS = {
    "timers": Program(Timers.run),
    "activities": Program(Activities.run),
    "children": Program(Children.run, runs=3, children=("quick", "slow")),
    "updates": Program(Updates.run, update),
    "signals": Program(Signals.run, signal),
    "continue-as-new": Program(ContinuesAsNew.run, runs=3),
    "cancellation": Program(Cancelled.run, cancel, "WorkflowExecutionCanceled"),
}
WORKFLOWS: list[type] = [
    Timers,
    Activities,
    Child,
    Children,
    Updates,
    Signals,
    ContinuesAsNew,
    Cancelled,
]
ACTIVITIES: list[Callable[..., Any]] = [echo, fails_twice, until_cancelled]
