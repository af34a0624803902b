"""The same program leaves the same history on both engines, attribute by attribute.

One workflow that does a little of everything runs on both; what can't be equal (times, ids, tokens)
is replaced by its name, and the rest of the two histories is compared event by event.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError
from tests.support import AnyHandle, event_types, history_events, new_worker, short_name, unique
from tests.support.scrub import Scrubber, differences

LIMIT = timedelta(seconds=20)


@activity.defn
async def may_fail(kind: str) -> str:
    if kind == "always" or (kind == "once" and activity.info().attempt == 1):
        raise ApplicationError(
            f"{kind} failed", kind, type="Planned", non_retryable=kind == "always"
        )
    return kind


@workflow.defn
class ALittleOfEverything:
    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, name: str) -> list[str]:
        done = [name]
        options: dict[str, Any] = {
            "start_to_close_timeout": LIMIT,
            "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        }
        done.append(await workflow.execute_activity(may_fail, "never", **options))
        done.append(await workflow.execute_activity(may_fail, "once", **options))
        try:
            await workflow.execute_activity(may_fail, "always", **options)
        except ActivityError:
            done.append("failed")
        await workflow.sleep(0.02)
        try:
            await workflow.wait_condition(lambda: bool(self.heard), timeout=LIMIT)
        except asyncio.TimeoutError:
            done.append("deaf")
        unstarted = workflow.start_activity(
            may_fail,
            "never",
            task_queue="nobody",
            **options,
        )
        await workflow.sleep(0.01)
        unstarted.cancel()
        try:
            await unstarted
        except ActivityError:
            done.append("cancelled")
        return [*done, *self.heard]

    @workflow.signal
    def say(self, word: str) -> None:
        self.heard.append(word)


def scrubber(queue: str, workflow_id: str) -> Scrubber:
    """Make one for the histories of one scenario."""
    return Scrubber({queue: "<queue>", workflow_id: "<workflow>"})


async def history_of_the_scenario(target: str) -> list[dict[str, Any]]:
    """Run the scenario on a target; its history, scrubbed."""
    client = await Client.connect(target, identity="same")
    try:
        async with new_worker(client, ALittleOfEverything, activities=[may_fail]) as worker:
            handle: AnyHandle = await client.start_workflow(
                ALittleOfEverything.run,
                "all",
                id=unique("same"),
                task_queue=worker.task_queue,
                memo={"note": 1},
                task_timeout=timedelta(seconds=7),
            )
            while (await event_types(handle)).count("TimerStarted") < 2:
                pass
            await handle.signal(ALittleOfEverything.say, "hello")
            result = await handle.result()
            assert result == ["all", "never", "once", "failed", "cancelled", "hello"]
        events = await history_events(handle)
    finally:
        await client.close()
    scrubbed: list[dict[str, Any]] = scrubber(worker.task_queue, handle.id).scrub(events)
    return scrubbed


@pytest.mark.parametrize("target", ["sqlite://"])
async def test_our_history_equals_a_real_servers(target: str, temporal_server: str) -> None:
    theirs = await history_of_the_scenario(temporal_server)
    ours = await history_of_the_scenario(target)
    assert [short_name(event) for event in ours] == [short_name(event) for event in theirs]
    assert differences(ours, theirs) == []
