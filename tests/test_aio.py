"""Waiting for native operations on event loops: many, cancelled, on loops that come and go."""

import asyncio
import threading
from typing import Any

import pytest

from hourglass import _bridge
from hourglass._aio import LimitPassedError, completed, hub, performed
from hourglass.exceptions import (
    ConnectError,
    InvalidArgumentError,
    OperationCancelledError,
)
from hourglass.subsystem.runtime import process_runtime
from tests.conftest import free_port


def refused_connection() -> "_bridge.Operation[_bridge.Client]":
    """An operation that takes a moment and fails."""
    url = f"http://127.0.0.1:{free_port()}"
    return _bridge.Client.connect(process_runtime(), target_url=url, connect_timeout=5.0)


def silent_connection(port: int) -> "_bridge.Operation[_bridge.Client]":
    """An operation that takes as long as its timeout."""
    url = f"http://127.0.0.1:{port}"
    return _bridge.Client.connect(process_runtime(), target_url=url, connect_timeout=30.0)


@pytest.fixture
def silent_port() -> Any:
    """A port that accepts connections and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_many_operations_are_waited_for_at_once() -> None:
    outcomes = await asyncio.gather(
        *(completed(refused_connection()) for _ in range(20)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {ConnectError}


async def test_an_operation_that_is_done_needs_no_port() -> None:
    operation = refused_connection()
    with pytest.raises(_bridge.BridgeError):
        operation.wait(10)
    with pytest.raises(ConnectError):
        await completed(operation)


async def test_errors_of_beginning_an_operation_are_ours_too() -> None:
    with pytest.raises(InvalidArgumentError):
        await performed(
            _bridge.Client.connect,
            process_runtime(),
            target_url="http://h:1",
            connect_timeout=-1.0,
        )


async def test_cancelling_the_waiter_cancels_the_operation(silent_port: int) -> None:
    operation = silent_connection(silent_port)
    task = asyncio.ensure_future(completed(operation))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(OperationCancelledError):
        await completed(operation)


async def test_cancelling_one_waiter_leaves_a_shared_operation_alone(silent_port: int) -> None:
    operation = silent_connection(silent_port)
    task = asyncio.ensure_future(completed(operation, shared=True))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not operation.done()
    operation.cancel()


def test_every_loop_has_a_port_of_its_own_and_closing_it_is_safe() -> None:
    async def refused() -> int:
        with pytest.raises(ConnectError):
            await completed(refused_connection())
        return hub().port.fileno()

    for _ in range(3):
        asyncio.run(refused())
    threads = [threading.Thread(target=lambda: asyncio.run(refused())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_a_loop_that_closes_under_an_operation_harms_nothing(silent_port: int) -> None:
    operation = silent_connection(silent_port)

    async def leave() -> None:
        waiter = asyncio.ensure_future(completed(operation, shared=True))
        await asyncio.sleep(0)
        del waiter

    asyncio.run(leave())
    operation.cancel()
    with pytest.raises(_bridge.BridgeError, match="cancelled"):
        operation.wait(10)


class Unwatching(asyncio.SelectorEventLoop):
    """A loop that can't watch descriptors, as Windows' default one."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


def test_a_loop_that_can_not_watch_descriptors_works_too() -> None:
    loop = Unwatching()
    try:
        with pytest.raises(ConnectError):
            loop.run_until_complete(completed(refused_connection()))
    finally:
        loop.close()


async def test_a_limit_ends_the_wait_and_the_operation(silent_port: int) -> None:
    operation = silent_connection(silent_port)
    with pytest.raises(LimitPassedError):
        await completed(operation, limit=0.05)
    with pytest.raises(OperationCancelledError):
        await completed(operation)
    with pytest.raises(ConnectError):
        await completed(refused_connection(), limit=60)
