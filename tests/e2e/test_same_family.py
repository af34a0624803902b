"""Children, updates and messages between workflows leave the same histories on both engines."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowUpdateFailedError
from hourglass.common import WorkflowIDReusePolicy
from hourglass.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    RPCError,
    WorkflowAlreadyStartedError,
)
from hourglass.worker import Replayer, Worker
from tests.e2e.test_same_history import scrubber
from tests.support import (
    START,
    TASK,
    AnyHandle,
    event_types,
    history_events,
    new_worker,
    short_name,
    unique,
)
from tests.support.scrub import differences

LIMIT = timedelta(seconds=20)


@activity.defn
async def nearby(word: str) -> str:
    return word


@workflow.defn
class Child:
    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)

    @workflow.run
    async def run(self, last: str) -> list[str]:
        await workflow.wait_condition(lambda: last in self.words)
        if last == "fail":
            raise ApplicationError("failed", "detail", type="Planned")
        return self.words


@workflow.defn
class Parent:
    """Does one thing after the other: what happens at the same time may be recorded either way."""

    def __init__(self) -> None:
        self.step = 0

    @workflow.update
    def go(self, step: int) -> int:
        self.step = step
        return step

    @go.validator
    def check(self, step: int) -> None:
        if step <= self.step:
            raise ApplicationError("only forwards", type="Backwards")

    @workflow.run
    async def run(self) -> list[Any]:
        own = workflow.info().workflow_id
        await workflow.wait_condition(lambda: self.step == 1)
        found: list[Any] = [workflow.patched("a change")]
        workflow.upsert_memo({"note": None, "step": 1})
        found.append(
            await workflow.execute_local_activity(nearby, "near", start_to_close_timeout=LIMIT)
        )
        found += [await self.talk(f"{own}-1", "stop"), await self.talk(f"{own}-2", "fail")]
        try:
            await workflow.get_external_workflow_handle(f"{own}-nobody").signal("say", "anyone?")
        except ApplicationError as error:
            found.append(error.message)
        await workflow.wait_condition(lambda: self.step == 2)
        return found

    async def talk(self, child_id: str, word: str) -> Any:
        child = await workflow.start_child_workflow(
            Child.run,
            word,
            id=child_id,
            memo={"m": 1},
            run_timeout=LIMIT,
            static_summary="a child",
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        try:
            await workflow.start_child_workflow(Child.run, "x", id=child_id)
        except WorkflowAlreadyStartedError:
            await child.signal(Child.say, "hello")
        other = workflow.get_external_workflow_handle_for(Child.run, child_id)
        await other.signal(Child.say, "again")
        try:
            return await child
        except ChildWorkflowError as error:
            return type(error.cause).__name__


async def until_it_waits(handle: AnyHandle, event: str, number: int = 1) -> None:
    """Wait until a workflow has so many events of a type, and no task."""
    while True:
        with suppress(RPCError):  # a child may not be there yet
            events = await event_types(handle)
            if events.count(event) >= number and events[-1] == TASK[-1]:
                return


async def live(client: Client, worker: Worker) -> list[AnyHandle]:
    """Have a family live its life; its members, the parent first."""
    handle: AnyHandle = await client.start_workflow(
        Parent.run, id=unique("family"), task_queue=worker.task_queue, memo={"note": 1}
    )
    members = [handle, *(client.get_workflow_handle(f"{handle.id}-{n}") for n in (1, 2))]
    await until_it_waits(handle, START[-1])
    await handle.execute_update(Parent.go, 1, id="first")
    for child, last in zip(members[1:], ("stop", "fail"), strict=True):
        # The parent has been told of its signals when the child ends: else both may share a task.
        await until_it_waits(handle, "ExternalWorkflowExecutionSignaled", 2 * members.index(child))
        await until_it_waits(child, "WorkflowExecutionSignaled", 2)
        await child.signal(Child.say, last)
    await until_it_waits(handle, "SignalExternalWorkflowExecutionFailed")
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(Parent.go, 0, id="refused")
    await handle.execute_update(Parent.go, 2, id="second")
    assert await handle.result() == [
        True,
        "near",
        ["hello", "again", "stop"],
        "ApplicationError",
        "Unable to signal external workflow because it was not found",
    ]
    return members


async def histories(target: str) -> list[list[dict[str, Any]]]:
    """Run the family on a target; the histories of its members, scrubbed."""
    async with await Client.connect(target, identity="same") as client:
        async with new_worker(client, Parent, Child, activities=[nearby]) as worker:
            members = await live(client, worker)
        family = [await history_events(member) for member in members]
        scrubbed: list[list[dict[str, Any]]] = scrubber(worker.task_queue, members[0].id).scrub(
            family
        )
        return scrubbed


@pytest.mark.parametrize("target", ["sqlite://"])
async def test_our_families_histories_equal_a_real_servers(
    target: str, temporal_server: str
) -> None:
    theirs, ours = await histories(temporal_server), await histories(target)
    for member, (events, expected) in enumerate(zip(ours, theirs, strict=True)):
        assert [short_name(event) for event in events] == list(map(short_name, expected)), member
        assert differences(events, expected) == [], member


@pytest.mark.parametrize("cached", [0, 1000])
async def test_a_family_repeats_itself_without_a_cache_and_in_a_replay(
    client: Client, cached: int
) -> None:
    async with new_worker(
        client, Parent, Child, activities=[nearby], max_cached_workflows=cached
    ) as worker:
        members = await live(client, worker)
    replayer = Replayer(workflows=[Parent, Child])
    for member in members:
        result = await replayer.replay_workflow(await member.fetch_history())
        assert result.replay_failure is None
