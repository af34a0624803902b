"""An activation that takes long keeps no other run waiting: another thread takes the inbox over."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.converter import DataConverter, Payload, PayloadCodec
from hourglass.worker import Worker, _evaluator
from tests.support import AnyHandle, event_types, history_events, new_worker, unique

RUNS = 5


class Gate:
    """Holds activations until it is opened; counts those that are in it."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered: list[int | None] = []
        self.full = threading.Event()

    def hold(self) -> None:
        self.entered.append(threading.get_ident())
        if len(self.entered) == RUNS:
            self.full.set()
        self.opened.wait()


gate = Gate()


@pytest.fixture(autouse=True)
def fresh_gate() -> Any:
    gate.__init__()  # type: ignore[misc]
    yield
    gate.opened.set()


@workflow.defn
class Blocks:
    @workflow.run
    async def run(self) -> str:
        gate.hold()
        await workflow.sleep(0.001)
        return "done"


@workflow.defn
class Computes:
    @workflow.run
    async def run(self) -> str:
        while not gate.opened.is_set():
            gate.entered = [None]
        return "done"


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


@asynccontextmanager
async def worker_for(codec: PayloadCodec | None = None) -> AsyncIterator[tuple[Client, Worker]]:
    converter = DataConverter(payload_codec=codec)
    async with (
        await Client.connect("sqlite://", data_converter=converter) as client,
        new_worker(client, Blocks, Computes, Echo, deadlock_timeout=None) as worker,
    ):
        yield client, worker
        gate.opened.set()


async def start(client: Client, worker: Worker, workflow: Any, count: int) -> list[AnyHandle]:
    return [
        await client.start_workflow(workflow, id=unique("slow"), task_queue=worker.task_queue)
        for _ in range(count)
    ]


async def echo(client: Client, worker: Worker) -> None:
    value = await client.execute_workflow(
        Echo.run, "x", id=unique("echo"), task_queue=worker.task_queue
    )
    assert value == "x"


class Reversed(PayloadCodec):
    async def encode(self, payloads: Any) -> list[Payload]:
        return [Payload(metadata=p.metadata, data=p.data[::-1]) for p in payloads]

    async def decode(self, payloads: Any) -> list[Payload]:
        return await self.encode(payloads)


@pytest.mark.parametrize("codec", [None, Reversed()], ids=["plain", "codec"])
async def test_runs_that_block_keep_no_other_run_waiting(codec: PayloadCodec | None) -> None:
    """All of them block at once, each in a thread of its own, and none is given up here."""
    async with worker_for(codec) as (client, worker):
        handles = await start(client, worker, Blocks.run, RUNS)
        await asyncio.to_thread(gate.full.wait)
        assert len(set(gate.entered)) == RUNS
        await echo(client, worker)
        gate.opened.set()
        assert [await handle.result() for handle in handles] == ["done"] * RUNS
        for handle in handles:
            assert "WorkflowTaskFailed" not in await event_types(handle)
    await asyncio.to_thread(relieved_threads_end)


async def test_a_run_that_computes_keeps_no_other_run_waiting() -> None:
    async with worker_for() as (client, worker):
        (handle,) = await start(client, worker, Computes.run, 1)
        await asyncio.to_thread(wait_until_entered)
        await echo(client, worker)
        gate.opened.set()
        assert await handle.result() == "done"


async def test_runs_that_block_for_good_fail_each_in_its_own_time() -> None:
    """The limit of the last one is not the sum of them all."""
    limit = timedelta(milliseconds=300)
    async with (
        await Client.connect("sqlite://") as client,
        new_worker(client, Blocks, deadlock_timeout=limit) as worker,
    ):
        handles = await start(client, worker, Blocks.run, RUNS)
        failed = [await first_failure(handle) for handle in handles]
        gate.opened.set()
    assert len(set(gate.entered[:RUNS])) == RUNS
    began, ended = min(failed), max(failed)
    assert ended - began <= timedelta(seconds=1)


async def test_without_a_thread_to_be_had_the_others_wait_and_go_on_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At exit Python starts no thread any more: nothing is said, nothing is lost."""
    refused: list[None] = []

    def refuse(*_: object) -> None:
        refused.append(None)
        raise RuntimeError("can't create new thread at interpreter shutdown")

    async with worker_for() as (client, worker):
        await echo(client, worker)
        monkeypatch.setattr(_evaluator, "EvaluatorThread", refuse)
        (handle,) = await start(client, worker, Blocks.run, 1)
        while len(refused) < 3:  # noqa: ASYNC110 - no event tells; the deadline ends it
            await asyncio.sleep(0.01)
        waits = asyncio.create_task(echo(client, worker))
        gate.opened.set()
        assert await handle.result() == "done"
        await waits


def relieved_threads_end() -> None:
    while [one.name for one in threading.enumerate()].count("hourglass-evaluator") > 1:
        time.sleep(0.01)


def wait_until_entered() -> None:
    while not gate.entered:
        time.sleep(0.01)


async def first_failure(handle: AnyHandle) -> datetime:
    """Wait until a task of the run has failed; to the second, when that was."""
    while True:
        for event in await history_events(handle):
            if event["eventType"] == "EVENT_TYPE_WORKFLOW_TASK_FAILED":
                text = event["eventTime"]
                return datetime.fromisoformat(text[: len("2026-01-01T00:00:00")])
