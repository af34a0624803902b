"""Environments whose time does not skip."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.converter import DataConverter
from hourglass.exceptions import ClosedError
from hourglass.testing import WorkflowEnvironment
from tests.support import new_worker


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


async def test_a_local_environment_runs_workflows_on_the_walls_time() -> None:
    converter = DataConverter()
    async with await WorkflowEnvironment.start_local(data_converter=converter) as env:
        assert not env.supports_time_skipping
        assert env.client.data_converter is converter
        async with new_worker(env.client, Echo) as worker:
            with env.auto_time_skipping_disabled():
                echoed = await env.client.execute_workflow(
                    Echo.run, "hello", id="w", task_queue=worker.task_queue
                )
        assert echoed == "hello"
        before = asyncio.get_running_loop().time()
        await env.sleep(timedelta(milliseconds=20))
        await env.sleep(0.02)
        assert asyncio.get_running_loop().time() - before >= 0.04
        assert abs(await env.get_current_time() - datetime.now(timezone.utc)) < timedelta(hours=1)
    with pytest.raises(ClosedError):
        await env.client.get_workflow_handle("w").describe()


async def test_a_local_environment_has_the_namespace_it_is_asked_for() -> None:
    async with await WorkflowEnvironment.start_local(namespace="space") as env:
        assert env.client.namespace == "space"
        async with new_worker(env.client, Echo) as worker:
            await env.client.execute_workflow(Echo.run, "x", id="w", task_queue=worker.task_queue)


async def test_a_client_of_ones_own_stays_open() -> None:
    async with await Client.connect("sqlite://") as client:
        async with WorkflowEnvironment.from_client(client) as env:
            assert env.client is client
            assert not env.supports_time_skipping
        async with new_worker(client, Echo) as worker:
            await client.execute_workflow(Echo.run, "x", id="w", task_queue=worker.task_queue)


async def test_environments_share_nothing() -> None:
    async with (
        await WorkflowEnvironment.start_time_skipping() as first,
        await WorkflowEnvironment.start_time_skipping() as second,
    ):
        before = await second.get_current_time()
        await first.sleep(timedelta(days=1000))
        assert await second.get_current_time() - before < timedelta(days=1)
