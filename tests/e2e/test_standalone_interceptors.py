"""Interceptors see the calls about standalone activities, and pass headers on to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hourglass import activity, client, worker
from hourglass.client import ActivityOptionsKeys, Client
from hourglass.converter import PayloadConverter
from hourglass.exceptions import ApplicationError
from tests.support import new_worker, unique
from tests.support.standalone import LIMIT, greet

CONVERTER = PayloadConverter.default


class Notes(client.OutboundInterceptor):
    """Notes what is called; gives every start a header."""

    def __init__(self, next: client.OutboundInterceptor, seen: list[str]) -> None:
        super().__init__(next)
        self.seen = seen

    async def start_activity(self, input: client.StartActivityInput) -> Any:
        self.seen.append(f"start {input.activity_type}")
        input.headers = {"caller": CONVERTER.to_payload("Ada")}
        return await super().start_activity(input)

    async def cancel_activity(self, input: client.CancelActivityInput) -> None:
        self.seen.append(f"cancel {input.reason}")
        await super().cancel_activity(input)

    async def terminate_activity(self, input: client.TerminateActivityInput) -> None:
        self.seen.append(f"terminate {input.reason}")
        await super().terminate_activity(input)

    async def describe_activity(self, input: client.DescribeActivityInput) -> Any:
        self.seen.append("describe")
        input.include_input = True
        return await super().describe_activity(input)

    async def pause_activity(self, input: client.PauseActivityInput) -> None:
        self.seen.append(f"pause {input.reason}")
        await super().pause_activity(input)

    async def unpause_activity(self, input: client.UnpauseActivityInput) -> None:
        self.seen.append(f"unpause {input.reason}")
        await super().unpause_activity(input)

    async def update_activity_options(self, input: client.UpdateActivityOptionsInput) -> Any:
        self.seen.append("restore" if input.restore_original else "update")
        return await super().update_activity_options(input)

    def list_activities(self, input: client.ListActivitiesInput) -> Any:
        self.seen.append(f"list {input.query}")
        return super().list_activities(input)

    async def count_activities(self, input: client.CountActivitiesInput) -> Any:
        self.seen.append(f"count {input.query}")
        return await super().count_activities(input)

    async def heartbeat_async_activity(self, input: client.HeartbeatAsyncActivityInput) -> None:
        self.seen.append(f"heartbeat {input.details}")
        await super().heartbeat_async_activity(input)

    async def complete_async_activity(self, input: client.CompleteAsyncActivityInput) -> None:
        self.seen.append(f"complete {input.result}")
        input.result = f"{input.result} and sealed"
        await super().complete_async_activity(input)

    async def fail_async_activity(self, input: client.FailAsyncActivityInput) -> None:
        self.seen.append(f"fail {input.error}")
        await super().fail_async_activity(input)

    async def report_cancellation_async_activity(
        self, input: client.ReportCancellationAsyncActivityInput
    ) -> None:
        self.seen.append(f"cancelled {input.details}")
        await super().report_cancellation_async_activity(input)


class Inbound(worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        caller = CONVERTER.from_payload(input.headers["caller"], str)
        return f"{await super().execute_activity(input)} for {caller}"


class Interceptor(client.Interceptor, worker.Interceptor):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return Notes(next, self.seen)

    def intercept_activity(
        self, next: worker.ActivityInboundInterceptor
    ) -> worker.ActivityInboundInterceptor:
        return Inbound(next)


@pytest.fixture
def interceptor() -> Interceptor:
    return Interceptor()


@pytest.fixture
async def client_(target: str, interceptor: Interceptor) -> AsyncIterator[Client]:
    async with await Client.connect(target, interceptors=[interceptor]) as client_:
        yield client_


async def test_interceptors_see_every_call_about_a_standalone_activity(
    client_: Client, interceptor: Interceptor
) -> None:
    queue, query = unique("queue"), "ActivityType = 'none'"
    here: Any = {"task_queue": queue, "start_to_close_timeout": LIMIT}
    handle = await client_.start_activity(greet, "Bob", id=unique("greet"), **here)
    assert await (await handle.describe()).input() == ["Bob"]
    await handle.pause(reason="p")
    await handle.unpause(reason="u")
    await handle.update_options([ActivityOptionsKeys.heartbeat_timeout.value_set(LIMIT)])
    await handle.restore_original_options()
    assert [one async for one in client_.list_activities(query)] == []
    assert (await client_.count_activities(query)).count == 0
    async with new_worker(client_, activities=[greet], task_queue=queue):
        assert await handle.result() == "Hello, Bob for Ada"
    other = await client_.start_activity(greet, "Cat", id=unique("greet"), **here)
    await other.cancel(reason="c")
    another = await client_.start_activity(greet, "Cat", id=unique("greet"), **here)
    await another.terminate(reason="t")
    assert interceptor.seen == [
        "start greet",
        "describe",
        "pause p",
        "unpause u",
        "update",
        "restore",
        f"list {query}",
        f"count {query}",
        "start greet",
        "cancel c",
        "start greet",
        "terminate t",
    ]


async def test_interceptors_see_how_activities_are_completed_from_outside(
    client_: Client, interceptor: Interceptor
) -> None:
    left: asyncio.Queue[bytes] = asyncio.Queue()

    @activity.defn
    async def sign() -> str:
        await left.put(activity.info().task_token)
        activity.raise_complete_async()

    async with new_worker(client_, activities=[sign]) as worker_:
        here: Any = {"task_queue": worker_.task_queue, "start_to_close_timeout": LIMIT}
        handle = await client_.start_activity(sign, id=unique("signs"), **here)
        first = client_.get_async_activity_handle(task_token=await left.get())
        await first.heartbeat("reading")
        await first.fail(ApplicationError("no pen"))
        second = client_.get_async_activity_handle(task_token=await left.get())
        await second.complete("signed")
        assert await handle.result() == "signed and sealed"
        cancelled = await client_.start_activity(sign, id=unique("signs"), **here)
        third = client_.get_async_activity_handle(task_token=await left.get())
        await cancelled.cancel()
        await third.report_cancellation("no ink")
    assert interceptor.seen == [
        "start sign",
        "heartbeat ('reading',)",
        "fail no pen",
        "complete signed",
        "start sign",
        "cancel None",
        "cancelled ('no ink',)",
    ]
