"""Waits for what comes later end, with a typed error, when it never will."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hourglass import _bridge, workflow
from hourglass.client import (
    Client,
    RPCStatusCode,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from hourglass.client import _connection as connections
from hourglass.client import _service as services
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.exceptions import ClosedError, RPCError
from hourglass.subsystem.runtime import process_runtime
from tests.support import new_worker, unique

ACCEPTED = WorkflowUpdateStage.ACCEPTED


@workflow.defn
class Waits:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def wait(self) -> None:
        await workflow.wait_condition(lambda: False)


async def follow(client: Client, workflow_id: str) -> None:
    handle = client.get_workflow_handle(workflow_id)
    async for _ in handle.fetch_history_events(wait_new_event=True):
        pass


def with_start(client: Client, workflow_id: str) -> Awaitable[object]:
    operation: Any = WithStartWorkflowOperation(
        Waits.run,
        id=workflow_id,
        task_queue="nobody",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    return client.start_update_with_start_workflow(
        Waits.wait, start_workflow_operation=operation, wait_for_stage=ACCEPTED
    )


Wait = Callable[[Client, str], Awaitable[object]]
UPDATES: dict[str, Wait] = {
    "start": lambda client, id_: client.get_workflow_handle(id_).start_update(
        "wait", wait_for_stage=ACCEPTED
    ),
    "execute": lambda client, id_: client.get_workflow_handle(id_).execute_update("wait"),
    "result": lambda client, id_: client.get_workflow_handle(id_).get_update_handle("u").result(),
    "with start": with_start,
}
OTHERS: dict[str, Wait] = {
    "result of a workflow": lambda client, id_: client.get_workflow_handle(id_).result(),
    "result of an activity": lambda client, id_: client.get_activity_handle(id_).result(),
    "events": follow,
}


async def begun(wait: Awaitable[object]) -> asyncio.Future[object]:
    """Begin to wait, and go on when the service has been asked."""
    task = asyncio.ensure_future(wait)
    done, _ = await asyncio.wait([task], timeout=0.2)
    assert not done, task
    return task


@pytest.mark.parametrize("wait", UPDATES.values(), ids=UPDATES.keys())
async def test_a_cancelled_wait_for_an_update_is_the_conventions_error(
    client: Client, wait: Wait
) -> None:
    id_ = unique("waits")
    async with new_worker(client, Waits) as worker:
        handle = await client.start_workflow(Waits.run, id=id_, task_queue=worker.task_queue)
        await handle.start_update(Waits.wait, id="u", wait_for_stage=ACCEPTED)
    # Without a worker no update is accepted any more.
    task = await begun(wait(client, id_))
    task.cancel()
    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError, match="cancelled") as given_up:
        await task
    assert isinstance(given_up.value, RPCTimeoutOrCancelledError)
    await handle.terminate()


@pytest.mark.parametrize("wait", OTHERS.values(), ids=OTHERS.keys())
async def test_any_other_cancelled_wait_is_cancelled(client: Client, wait: Wait) -> None:
    id_ = unique("waits")
    handle = await client.start_workflow(Waits.run, id=id_, task_queue="nobody")
    limit = timedelta(minutes=1)
    activity = await client.start_activity(
        "a", id=id_, task_queue="nobody", start_to_close_timeout=limit
    )
    task = await begun(wait(client, id_))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await activity.terminate()
    await handle.terminate()


@pytest.mark.parametrize("wait", [*UPDATES.values(), *OTHERS.values()], ids=[*UPDATES, *OTHERS])
async def test_a_client_that_closes_ends_what_waits_on_its_engine(wait: Wait) -> None:
    id_ = unique("waits")
    client = await Client.connect("sqlite://")
    async with new_worker(client, Waits) as worker:
        handle = await client.start_workflow(Waits.run, id=id_, task_queue=worker.task_queue)
        await handle.start_update(Waits.wait, id="u", wait_for_stage=ACCEPTED)
    await client.start_activity(
        "a", id=id_, task_queue="nobody", start_to_close_timeout=timedelta(minutes=1)
    )
    task = await begun(wait(client, id_))
    await client.close()
    with pytest.raises(ClosedError, match="closed"):
        await task


class Hanging:
    """A native client whose calls end at no limit, as when the thread of an engine hangs."""

    epoch = None

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def call(self, *_args: object, **_options: object) -> object:
        runtime = process_runtime()
        return _bridge.Client.connect(runtime, target_url=self._url, connect_timeout=60.0)


async def test_a_call_whose_limit_is_not_kept_below_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        hanging = Hanging(server.getsockname()[1])
        monkeypatch.setattr(connections.Connection, "connected", property(lambda _: hanging))
        monkeypatch.setattr(connections, "ANSWERED", 0.1)
        monkeypatch.setattr(connections, "LATE", 0.1)
        client = await Client.connect("127.0.0.1:1", lazy=True)
        for limit in (None, timedelta(seconds=0.1)):
            with pytest.raises(RPCError, match="has not answered") as given_up:
                await client.get_workflow_handle("w").describe(rpc_timeout=limit)
            assert given_up.value.status is RPCStatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("wait", [*UPDATES.values(), *OTHERS.values()], ids=[*UPDATES, *OTHERS])
async def test_a_service_that_never_answers_is_given_up(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked a few times, each for as long as a service may take."""
    asked = 0
    now = 0.0

    async def call(_: object, rpc: str, *_args: object, **_options: object) -> object:
        nonlocal asked, now
        asked += 1
        now += services.LONG_POLL.total_seconds()
        raise RPCError(f"no answer to {rpc}", RPCStatusCode.DEADLINE_EXCEEDED)

    monkeypatch.setattr(connections.Connection, "call", call)
    monkeypatch.setattr(services, "monotonic", lambda: now)
    client = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(RPCError) as given_up:
        await wait(client, "w")
    assert given_up.value.status is RPCStatusCode.DEADLINE_EXCEEDED
    assert asked == services.SILENT_CALLS
