"""Standalone activities are paused, let go on, and changed while they are there."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity
from hourglass.client import (
    ActivityExecutionStatus,
    ActivityOptionsKeys,
    Client,
    PendingActivityState,
)
from hourglass.common import (
    Priority,
    RetryPolicy,
)
from hourglass.service import RPCError, RPCStatusCode
from tests.support import new_worker, unique
from tests.support.standalone import (
    LIMIT,
    greet,
    start_greeting,
    until,
)


@dataclass
class Patient:
    """Beats until somebody stops its first attempt; the next one completes."""

    heard: "asyncio.Queue[Any]" = field(default_factory=asyncio.Queue)
    begun: "asyncio.Queue[int]" = field(default_factory=asyncio.Queue)

    @activity.defn
    async def wait(self) -> int:
        found = activity.info()
        await self.begun.put(found.attempt)
        if found.heartbeat_details:
            return found.attempt
        try:
            while True:
                activity.heartbeat("begun")
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            await self.heard.put(activity.cancellation_details())
            raise


async def test_a_paused_activity_waits_until_it_is_let_go_on(client: Client) -> None:
    queue = unique("queue")
    handle = await start_greeting(client, queue)
    await handle.pause(reason="stop")
    async with new_worker(client, activities=[greet], task_queue=queue):
        described = await handle.describe()
        assert described.status is ActivityExecutionStatus.PAUSED
        assert described.run_state is PendingActivityState.PAUSED
        await handle.unpause(reason="go")
        assert await handle.result() == "Hello, Ada"


async def test_an_attempt_that_runs_hears_that_it_is_paused_and_the_next_one_waits(
    client: Client,
) -> None:
    patient = Patient()
    async with new_worker(client, activities=[patient.wait]) as worker:
        handle = await client.start_activity_method(
            Patient.wait,
            id=unique("patient"),
            task_queue=worker.task_queue,
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=timedelta(seconds=2),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )
        assert await patient.begun.get() == 1
        await handle.pause()
        assert (await patient.heard.get()).paused

        async def state() -> Any:
            return (await handle.describe()).run_state

        await until(state, PendingActivityState.PAUSED)
        assert patient.begun.empty()
        await handle.unpause(jitter=timedelta(milliseconds=10))
        assert await handle.result() == 2


async def test_options_are_changed_and_restored(client: Client) -> None:
    keys, retry_policy = ActivityOptionsKeys, RetryPolicy(maximum_attempts=3)
    first, other = unique("first"), unique("other")
    handle = await start_greeting(client, first, priority=Priority(priority_key=2))
    changed = await handle.update_options(
        [
            keys.task_queue.value_set(other),
            keys.heartbeat_timeout.value_set(timedelta(seconds=4)),
            keys.retry_policy.value_set(retry_policy),
            keys.priority.value_unset(),
        ]
    )
    assert (changed.task_queue, changed.heartbeat_timeout) == (other, timedelta(seconds=4))
    assert changed.start_to_close_timeout == LIMIT
    assert changed.retry_policy is not None
    assert changed.retry_policy.maximum_attempts == 3
    assert not changed.priority or changed.priority == Priority.default
    described = await handle.describe()
    assert (described.task_queue, described.heartbeat_timeout) == (other, timedelta(seconds=4))
    restored = await handle.restore_original_options()
    assert (restored.task_queue, restored.heartbeat_timeout) == (first, None)
    assert restored.priority == Priority(priority_key=2)
    await handle.update_options([keys.task_queue.value_set(other)])
    async with new_worker(client, activities=[greet], task_queue=other):
        assert await handle.result() == "Hello, Ada"
    with pytest.raises(RPCError) as refused:
        await handle.restore_original_options()
    assert refused.value.status is RPCStatusCode.FAILED_PRECONDITION
