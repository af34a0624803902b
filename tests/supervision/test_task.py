"""Processes that are tasks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    AsyncResource,
    Crash,
    Exit,
    Exited,
    ExitReason,
    Ignore,
    ProcessAbandoned,
    Shutdown,
    StartFailed,
    Task,
    subscribe,
)
from hourglass.supervision.place import Place
from tests.supervision.kit import WAIT, Kit

BOOM = ValueError("boom")
LEAVE = SystemExit(3)


async def returns(process: Task) -> None:
    await asyncio.sleep(0)


async def fails(process: Task) -> None:
    raise BOOM


async def leaves(process: Task) -> None:
    raise LEAVE


async def chooses(process: Task) -> None:
    raise Exit(Shutdown("enough"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (returns, NORMAL),
        (fails, Crash(BOOM)),
        (leaves, Crash(LEAVE)),
        (chooses, Shutdown("enough")),
    ],
)
def test_how_the_body_ends_is_the_reason(
    kit: Kit, body: Callable[[Task], Awaitable[None]], reason: ExitReason
) -> None:
    assert kit.start(Task(body)).exit.result(WAIT) == reason


def test_a_cancellation_that_nobody_asked_for_is_a_crash(kit: Kit) -> None:
    async def waits_for_the_cancelled(process: Task) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    reason = kit.start(Task(waits_for_the_cancelled)).exit.result(WAIT)
    assert isinstance(reason, Crash)
    assert isinstance(reason.exception, asyncio.CancelledError)


@pytest.mark.parametrize("asked", [SHUTDOWN, Shutdown("enough"), NORMAL, Crash(BOOM)])
def test_being_asked_to_stop_cancels_and_gives_the_reason(kit: Kit, asked: ExitReason) -> None:
    cleaned: list[str] = []

    async def cleans_up(process: Task) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    process = kit.start(Task(cleans_up))
    kit.end(process, asked)
    assert process.exit_reason == asked
    assert cleaned == ["up"]


def test_failing_while_stopping_is_a_crash_all_the_same(kit: Kit) -> None:
    async def fails_late(process: Task) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise BOOM

    process = kit.start(Task(fails_late))
    kit.end(process, SHUTDOWN)
    assert process.exit_reason == Crash(BOOM)


def test_with_a_handshake_the_start_waits_until_it_is_ready(kit: Kit) -> None:
    gate = asyncio.Event()

    async def ready_later(process: Task) -> None:
        await gate.wait()
        process.ready()
        await asyncio.Event().wait()

    starting = kit.loop.start(Task(ready_later, handshake=True))
    kit.settle()
    assert not starting.done()
    kit.loop.post(gate.set)
    assert starting.result(WAIT).alive


async def ignores(process: Task) -> None:
    raise Ignore


@pytest.mark.parametrize(
    ("body", "error"), [(fails, StartFailed), (returns, StartFailed), (ignores, Ignore)]
)
def test_ending_before_it_is_ready_is_no_start(
    kit: Kit, body: Callable[[Task], Awaitable[None]], error: type[Exception]
) -> None:
    with pytest.raises(error):
        kit.start(Task(body, handshake=True))


def test_a_killed_task_gets_no_time_to_clean_up(kit: Kit) -> None:
    cleaned: list[str] = []

    async def cleans_up_slowly(process: Task) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()
            cleaned.append("up")

    process = kit.start(Task(cleans_up_slowly))
    kit.settle()
    kit.kill(process)
    assert process.exit_reason == KILLED
    assert cleaned == []


def test_a_task_that_resists_its_kill_is_abandoned_and_reported(kit: Kit) -> None:
    told: list[object] = []
    gate = asyncio.Event()

    async def immortal(process: Task) -> None:
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    process = kit.start(Task(immortal))
    kit.settle()
    with subscribe(told.append):
        kit.kill(process)
    assert process.exit_reason == KILLED
    assert told == [ProcessAbandoned(process)]
    kit.loop.post(gate.set)
    kit.settle()
    assert process.exit_reason == KILLED


def test_a_task_that_is_stopped_before_its_first_step_was_never_up(kit: Kit) -> None:
    process = Task(returns)

    async def start_and_stop() -> None:
        process.launch(Place(kit.loop, None, "early"))
        process.stop()
        await process.until_up()

    with pytest.raises(StartFailed):
        kit.loop.run(start_and_stop).result(WAIT)
    assert process.exit_reason == SHUTDOWN


def test_a_resource_is_up_once_started_and_stopped_with_its_value(kit: Kit) -> None:
    story: list[object] = []

    async def start() -> str:
        await asyncio.sleep(0)
        return "handle"

    async def stop(value: str) -> None:
        story.append(value)

    resource = kit.start(AsyncResource(start, stop))
    assert resource.value == "handle"
    kit.end(resource, SHUTDOWN)
    assert story == ["handle"]
    assert resource.exit_reason == SHUTDOWN


def test_a_killed_resource_is_not_stopped_in_order(kit: Kit) -> None:
    async def start() -> int:
        return 1

    async def stop(value: int) -> None:
        raise AssertionError("no time for that")

    resource = kit.start(AsyncResource(start, stop))
    kit.kill(resource)
    assert resource.exit_reason == KILLED


def test_the_exited_error_carries_the_crash_as_its_cause(kit: Kit) -> None:
    process = kit.start(Task(fails))
    reason = process.exit.result(WAIT)
    assert Exited(process, reason).__cause__ is BOOM
