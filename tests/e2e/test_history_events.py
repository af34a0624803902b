"""Histories event by event: pages, only the end, those yet to come; results with headers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import (
    Client,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowHistory,
    WorkflowHistoryEventFilterType,
)
from hourglass.exceptions import ApplicationError, OperationTimeoutError, RPCError
from hourglass.worker import Replayer
from tests.support import new_worker, unique

CLOSE = WorkflowHistoryEventFilterType.CLOSE_EVENT
METADATA = {"x-from": "a test"}


@workflow.defn
class Runs:
    def __init__(self) -> None:
        self.over = False

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.run
    async def run(self, runs: int) -> str:
        if runs < 0:
            raise ApplicationError("no")
        await workflow.wait_condition(lambda: self.over or runs > 0)
        if runs:
            workflow.continue_as_new(runs - 1)
        return "done"


async def test_events_come_in_pages_and_the_last_one_alone(client: Client) -> None:
    async with new_worker(client, Runs) as worker:
        handle = await client.start_workflow(
            Runs.run, 0, id=unique("pages"), task_queue=worker.task_queue
        )
        await handle.signal(Runs.end)
        await handle.result()
    history = await handle.fetch_history()
    pages = handle.fetch_history_events(page_size=3)
    assert pages.current_page is None
    assert [event["event_id"] async for event in pages] == list(range(1, len(history) + 1))
    first = handle.fetch_history_events(page_size=3)
    await first.fetch_next_page()
    page, token = first.current_page, first.next_page_token
    assert page is not None and token is not None
    later = handle.fetch_history_events(next_page_token=token)
    assert (await anext(later))["event_id"] == page[-1]["event_id"] + 1
    [last] = [event async for event in handle.fetch_history_events(event_filter_type=CLOSE)]
    assert last["event_id"] == len(history)
    assert "workflow_execution_completed_event_attributes" in last


async def test_events_that_are_yet_to_come_are_waited_for(client: Client) -> None:
    async with new_worker(client, Runs) as worker:
        handle = await client.start_workflow(
            Runs.run, 0, id=unique("follow"), task_queue=worker.task_queue
        )
        seen: list[int] = []
        begun = asyncio.Event()

        async def follow() -> None:
            async for event in handle.fetch_history_events(wait_new_event=True):
                seen.append(event["event_id"])
                begun.set()

        following = asyncio.ensure_future(follow())
        await begun.wait()
        await handle.signal(Runs.end)
        await following
    assert seen == list(range(1, len(await handle.fetch_history()) + 1))


async def test_a_history_made_of_its_events_is_the_same(client: Client) -> None:
    async with new_worker(client, Runs) as worker:
        handle = await client.start_workflow(
            Runs.run,
            0,
            id=unique("same"),
            task_queue=worker.task_queue,
            run_timeout=timedelta(minutes=1),
            memo={"some": "memo"},
        )
        await handle.signal(Runs.end)
        await handle.result()
    history = await handle.fetch_history()
    again = WorkflowHistory.from_events(handle.id, history.events)
    assert again.events == history.events
    asked = await handle.fetch_history(rpc_timeout=timedelta(seconds=10))
    assert asked.events == history.events
    assert asked.run_id == history.run_id
    await Replayer(workflows=[Runs]).replay_workflow(asked)


async def test_a_result_can_be_asked_for_with_headers(target: str) -> None:
    async with await Client.connect(target) as client, new_worker(client, Runs) as worker:
        options: Any = {"task_queue": worker.task_queue}
        handle = await client.start_workflow(Runs.run, 2, id=unique("runs"), **options)
        with pytest.raises(WorkflowContinuedAsNewError):
            await handle.result(follow_runs=False, rpc_metadata=METADATA)
        with pytest.raises(OperationTimeoutError):
            await handle.result(rpc_metadata=METADATA, rpc_timeout=timedelta(milliseconds=50))
        waiting = asyncio.ensure_future(handle.result(rpc_metadata=METADATA))
        last = [handle.first_execution_run_id or ""]
        for _ in range(2):
            run = client.get_workflow_handle(handle.id, run_id=last[-1])
            with pytest.raises(WorkflowContinuedAsNewError) as continued:
                await run.result(follow_runs=False)
            last.append(continued.value.new_execution_run_id)
        await client.get_workflow_handle(handle.id, run_id=last[-1]).signal("end")
        assert await waiting == "done"
        failing = await client.start_workflow(Runs.run, -1, id=unique("fails"), **options)
        with pytest.raises(WorkflowFailureError):
            await failing.result(rpc_metadata=METADATA)
        with pytest.raises(RPCError):
            await client.get_workflow_handle(unique("nobody")).result(rpc_metadata=METADATA)
