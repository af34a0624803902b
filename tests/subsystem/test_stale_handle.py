"""A stale handle is told of, once, and its runtime replaced, once (B-01 to B-09)."""

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from hourglass import _bridge
from hourglass.client import Client
from hourglass.exceptions import InvalidArgumentError, StaleHandleError, TemporalError
from hourglass.subsystem import events, runtime, runtime_owner
from hourglass.subsystem.stale_handle import reload_rescue, signal_reload, with_reload_rescue
from tests.subsystem.kit import Heard
from tests.support import forked

Told = list[tuple[str, object]]
REPORT = ["log", "event", "signal", "restart"]
"""In this order."""


@pytest.fixture
def epoch() -> int:
    """Return the epoch of this process's runtime."""
    return runtime.process_runtime().epoch


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Collect, in order, what is told and what is asked for."""
    seen: Told = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelname == "ERROR":
                seen.append(("log", record.getMessage()))

    handler = Handler()
    logger = logging.getLogger("hourglass.subsystem")
    logger.addHandler(handler)
    renew = runtime_owner.renew

    def counted(epoch: int, reason: str) -> bool:
        seen.append(("signal", epoch))
        began = renew(epoch, reason)
        if began:
            seen.append(("restart", epoch))
        return began

    monkeypatch.setattr(runtime_owner, "renew", counted)

    def hear(event: events.AnyEvent) -> None:
        if isinstance(event, events.StaleHandleUsed):
            seen.append(("event", event))

    with events.subscribe(hear):
        yield seen
    logger.removeHandler(handler)


def stale(epoch: int | None) -> StaleHandleError:
    return StaleHandleError("a handle", os.getpid(), epoch)


@pytest.mark.parametrize("value", [1, None, ValueError("a value too"), stale(1).__class__])
def test_b01_what_a_wrapped_call_returns_comes_back(told: Told, value: object) -> None:
    """B-01: whatever it is; nothing is logged and nothing restarted."""
    assert with_reload_rescue("here", lambda: value) is value
    assert told == []


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        InvalidArgumentError("x"),
        _bridge.BridgeError("bad_argument", "x"),
        TemporalError("x"),
        asyncio.CancelledError(),
    ],
)
def test_b02_any_other_exception_passes_untouched(told: Told, error: BaseException) -> None:
    """B-02: bad arguments, decoding, a KeyError: none of them is a reason to restart anything."""

    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        with_reload_rescue("here", fail)
    assert raised.value is error
    assert told == []


def test_b03_the_event_and_the_log_line_come_before_the_restart(told: Told, epoch: int) -> None:
    """B-03: the restart may take the caller along."""

    def fail() -> None:
        raise stale(epoch)

    with_reload_rescue("here", fail)
    assert [kind for kind, _ in told] == REPORT
    assert told[-1] == ("restart", epoch)


def test_b04_both_name_the_call_site(told: Told, epoch: int) -> None:
    """B-04."""

    def fail() -> None:
        raise stale(epoch)

    with_reload_rescue("worker_new/register", fail)
    (_, line), (_, event) = told[:2]
    assert str(line).startswith("worker_new/register: ")
    assert event == events.StaleHandleUsed("worker_new/register", os.getpid(), epoch, "a handle")


def test_b05_a_stale_handle_is_an_answer_and_the_call_is_not_repeated(
    told: Told, epoch: int
) -> None:
    """B-05: the error comes back as a value, after one call."""
    calls: list[int] = []
    error = stale(epoch)

    def fail() -> None:
        calls.append(1)
        raise error

    assert with_reload_rescue("here", fail) is error
    assert calls == [1]


def test_b05_a_block_is_told_by_the_exception_itself(told: Told, epoch: int) -> None:
    """B-05, for code that awaits: the same report, and the native error as ours."""
    native = _bridge.StaleHandleError("stale_handle", "a handle")
    native.pid, native.epoch = os.getpid(), epoch
    with pytest.raises(StaleHandleError) as raised, reload_rescue("here"):
        raise native
    assert (raised.value.pid, raised.value.epoch) == (os.getpid(), epoch)
    assert [kind for kind, _ in told] == REPORT


def test_b06_fifty_callers_begin_one_restart(told: Told, epoch: int) -> None:
    """B-06: every one of them gets the error."""
    together = Barrier(50)

    def fail() -> None:
        together.wait(10)
        raise stale(epoch)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: with_reload_rescue("here", fail), range(50)))
    assert all(isinstance(answer, StaleHandleError) for answer in answers)
    assert [what for what in told if what[0] == "restart"] == [("restart", epoch)]


def test_b07_a_runtime_that_is_gone_is_none_to_restart(told: Told) -> None:
    """B-07: before the first runtime and after the last, the signal is answered all the same."""
    runtime.close()
    signal_reload("here")
    signal_reload("here", stale(1))
    assert "restart" not in [kind for kind, _ in told]
    assert [kind for kind, _ in told].count("event") == 2


async def test_b08_a_leftover_of_an_earlier_epoch_does_not_restart_the_next() -> None:
    """B-08: its caller gets the stale error, and the runtime that is up stays."""
    first = runtime.process_runtime()
    engine = _bridge.Engine.open(first, None).wait(30)
    leftover = _bridge.Client.connect(first, engine=engine).wait(30)
    runtime_owner.renew(first.epoch, "a test")
    second = runtime.process_runtime()
    assert second.epoch > first.epoch
    async with await Client.connect("sqlite://") as client:
        for _ in range(3):
            answer = with_reload_rescue("use", lambda: use(leftover))
            assert isinstance(answer, StaleHandleError)
            assert (answer.pid, answer.epoch) == (os.getpid(), first.epoch)
        assert runtime.process_runtime() is second
        assert await client.connection.call("GetSystemInfo", {})


def use(client: _bridge.Client) -> object:
    return client.call("GetSystemInfo", {}).wait(10)


def test_b09_in_a_forked_child_a_handle_fails_at_once_and_nothing_is_restarted(
    tmp_path: object,
) -> None:
    """B-09: the parent's runtime goes on, and the child's own is not touched."""
    client = asyncio.run(Client.connect(f"sqlite:///{tmp_path}/x.db"))
    handle = client.get_workflow_handle("x")
    before = runtime.process_runtime()

    def child() -> None:
        with pytest.raises(StaleHandleError) as raised:
            asyncio.run(handle.describe())
        assert raised.value.pid == os.getppid()
        own = runtime.process_runtime()
        assert isinstance(with_reload_rescue("use", before.take_logs), StaleHandleError)
        assert runtime.process_runtime() is own
        runtime.close()

    with forked(child):
        pass
    assert runtime.process_runtime() is before
    assert asyncio.run(client.connection.call("GetSystemInfo", {}))
    asyncio.run(client.close())


async def test_a_client_whose_runtime_is_closed_under_a_call_tells_of_it(heard: Heard) -> None:
    async with await Client.connect("sqlite://") as client:
        runtime.process_runtime().close(engines=False)
        with pytest.raises(StaleHandleError):
            await client.connection.call("GetSystemInfo", {})
        await heard.came(events.StaleHandleUsed, call_site="client_call/GetSystemInfo")
        assert await client.connection.call("GetSystemInfo", {})


async def test_a_client_that_connects_on_a_runtime_that_closes_tells_of_it(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next connection is made on the next one."""

    async def closing() -> _bridge.Runtime:
        found = await runtime.runtime_ready()
        found.close(engines=False)
        return found

    with monkeypatch.context() as patch:
        patch.setattr("hourglass.client._connection.runtime_ready", closing)
        with pytest.raises(StaleHandleError):
            await Client.connect("sqlite://")
    await heard.came(events.StaleHandleUsed, call_site="client_new")
    async with await Client.connect("sqlite://") as client:
        assert await client.connection.call("GetSystemInfo", {})
