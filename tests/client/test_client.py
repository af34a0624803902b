"""Connecting, closing, and calls that need no worker."""

import asyncio
import gc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client, WorkflowExecutionStatus
from hourglass.common import RetryPolicy
from hourglass.exceptions import (
    ClosedError,
    ConnectError,
    DefinitionError,
    EncodingError,
    InvalidArgumentError,
    OperationTimeoutError,
)
from tests.conftest import free_port
from tests.support import unique


@workflow.defn
class Waits:
    @workflow.run
    async def run(self, value: str) -> str:
        await workflow.sleep(600)
        return value

    @workflow.signal(dynamic=True)
    def anything(self, name: str, args: "list[object]") -> None: ...


class Undecorated:
    async def run(self) -> None: ...


async def test_a_lazy_client_connects_once_with_its_first_calls(target: str) -> None:
    async with await Client.connect(target, lazy=True) as client:
        ids = [unique("lazy") for _ in range(5)]
        queue = unique("queue")
        await asyncio.gather(
            *(client.start_workflow(Waits.run, "x", id=one, task_queue=queue) for one in ids)
        )
        for one in ids:
            await client.get_workflow_handle(one).terminate()


async def test_a_lazy_client_may_connect_later_than_never() -> None:
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    for _ in range(2):
        with pytest.raises(ConnectError):
            await client.get_workflow_handle("x").describe()


async def test_a_closed_client_says_so(target: str) -> None:
    client = await Client.connect(target)
    await client.close()
    await client.close()
    with pytest.raises(ClosedError, match="closed"):
        await client.get_workflow_handle("x").describe()


async def test_a_database_outlives_its_client(tmp_path: Path) -> None:
    target, workflow_id = f"sqlite:///{tmp_path}/x.db", unique("outlive")
    async with await Client.connect(target) as client:
        handle = await client.start_workflow(Waits.run, "x", id=workflow_id, task_queue="q")
    async with await Client.connect(target) as client:
        again = client.get_workflow_handle_for(Waits.run, workflow_id)
        described = await again.describe()
        assert described.run_id == handle.first_execution_run_id
        assert described.status is WorkflowExecutionStatus.RUNNING


async def test_a_client_that_is_forgotten_frees_its_database(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/x.db"
    client = await Client.connect(target)
    first = client.connection
    del client
    gc.collect()
    second = await Client.connect(target)
    assert second.connection is not first
    await second.close()


async def test_a_call_can_be_given_a_time_limit_and_headers(client: Client) -> None:
    handle = await client.start_workflow(
        Waits.run,
        "x",
        id=unique("limits"),
        task_queue=unique("queue"),
        rpc_timeout=timedelta(seconds=20),
        rpc_metadata={"x-test": "1"},
    )
    limits: Any = {"rpc_timeout": timedelta(seconds=20)}
    await handle.signal("anything", **limits)
    assert (await handle.describe(**limits)).id == handle.id
    with pytest.raises(OperationTimeoutError, match=handle.id):
        await handle.result(rpc_timeout=timedelta(milliseconds=50))
    with pytest.raises(InvalidArgumentError, match="rpc_timeout"):
        await handle.result(rpc_timeout=timedelta(seconds=-1))
    await handle.cancel(reason="enough", **limits)
    await handle.terminate(**limits)


async def test_what_can_not_be_sent_is_refused_before_anything_is(target: str) -> None:
    client: Any = await Client.connect(target, lazy=True)
    here = {"id": unique("never"), "task_queue": "q"}
    with pytest.raises(DefinitionError, match="Undecorated"):
        await client.start_workflow(Undecorated.run, **here)
    with pytest.raises(EncodingError):
        await client.start_workflow("Any", object(), **here)
    with pytest.raises(InvalidArgumentError, match="backoff"):
        await client.start_workflow("Any", retry_policy=RetryPolicy(backoff_coefficient=0), **here)
    with pytest.raises(InvalidArgumentError, match="name is empty"):
        await client.start_workflow("", **here)
    handle = client.get_workflow_handle(here["id"])
    with pytest.raises(InvalidArgumentError, match="dynamic"):
        await handle.signal(Waits.anything, args=["name", []])
    with pytest.raises(DefinitionError, match="not a query"):
        await handle.query(Undecorated.run)
    with pytest.raises(InvalidArgumentError, match="workflow id is empty"):
        await client.get_workflow_handle("").signal("x")
