"""Workflow code that does not come back: reported, failed, replaced; everything else goes on."""

import asyncio
import importlib
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.converter import DataConverter, Payload, PayloadCodec
from hourglass.exceptions import InvalidArgumentError
from hourglass.subsystem import events
from hourglass.worker import Worker
from hourglass.worker._thread_cancel import raise_in
from hourglass.workflow._runtime.errors import Evicted
from tests.subsystem.kit import Heard
from tests.support import event_types, history_events, new_worker, unique

BUDGET = timedelta(milliseconds=300)
TASK_TIMEOUT = timedelta(seconds=1)
"""Core does not report the failure of a second attempt: the service waits for this."""


class Trap:
    """Holds the first `places` activations that walk in; what holds them is up to `hold`."""

    def __init__(self) -> None:
        self.hold: Callable[[], object] = lambda: None
        self.release = threading.Event()
        self.places = 1
        self.visits = 0

    def walk_in(self) -> int:
        self.visits += 1
        if self.visits <= self.places:
            self.hold()
        return self.visits


trap = Trap()


@pytest.fixture(autouse=True)
def fresh_trap() -> Any:
    """Set the trap anew; afterwards let out what is in it, and wait until its thread is gone."""
    trap.__init__()  # type: ignore[misc]
    yield
    trap.release.set()
    for thread in evaluators()[:-1]:
        thread.join()
    assert len(evaluators()) == 1


def evaluators() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hourglass-evaluator"]


@workflow.defn
class WalksIn:
    @workflow.run
    async def run(self) -> int:
        return trap.walk_in()


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: str) -> str:
        return value


@workflow.defn
class WaitsThenWorks:
    def __init__(self) -> None:
        self.go = False

    @workflow.signal
    def release(self) -> None:
        self.go = True

    @workflow.query
    def seen(self) -> bool:
        return True

    @workflow.run
    async def run(self) -> None:
        burn(0.02)
        await workflow.wait_condition(lambda: self.go)


@workflow.defn
class SpinsWhenItIsEvicted:
    @workflow.run
    async def run(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            trap.walk_in()


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def spin_for_ever() -> None:
    while True:
        pass


def swallow_everything() -> None:
    while not trap.release.is_set():
        try:
            while not trap.release.is_set():
                pass
        except BaseException:
            pass


@asynccontextmanager
async def worker_for(**options: Any) -> AsyncIterator[tuple[Client, Worker]]:
    """A worker with two slots for workflow tasks, the fewest there can be with a cache."""
    converter = options.pop("data_converter", DataConverter.default)
    async with await Client.connect("sqlite://", data_converter=converter) as client:
        options = {"deadlock_timeout": BUDGET, "max_concurrent_workflow_tasks": 2, **options}
        kinds = (WalksIn, Echo, WaitsThenWorks, SpinsWhenItIsEvicted)
        async with new_worker(client, *kinds, **options) as worker:
            yield client, worker


async def walk_in(client: Client, worker: Worker, **options: Any) -> Any:
    return await client.start_workflow(
        WalksIn.run, id=unique("trap"), task_queue=worker.task_queue, **options
    )


async def echo(client: Client, worker: Worker) -> None:
    value = await client.execute_workflow(
        Echo.run, "x", id=unique("echo"), task_queue=worker.task_queue
    )
    assert value == "x"


async def failures(handle: Any) -> list[Any]:
    events = await history_events(handle)
    kind = "EVENT_TYPE_WORKFLOW_TASK_FAILED"
    return [
        event["workflowTaskFailedEventAttributes"]["failure"]
        for event in events
        if event["eventType"] == kind
    ]


async def first_failure(handle: Any) -> Any:
    """Wait until a task of the run has failed; the test's deadline ends it."""
    while not (found := await failures(handle)):
        pass
    return found[0]


async def test_an_endless_loop_is_reported_with_its_stack_ended_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trap.hold = spin_for_ever
    heard = Heard()
    async with worker_for() as (client, worker):
        before = evaluators()
        handle = await walk_in(client, worker)
        await echo(client, worker)
        assert await handle.result() == 2
        (failure,) = await failures(handle)
        for thread in before:
            await asyncio.to_thread(thread.join)
    given_up = await heard.came(events.EvaluatorGivenUp)
    heard.end()
    assert given_up.task == handle.first_execution_run_id
    assert failure["applicationFailureInfo"]["type"] == "DeadlockError"
    assert failure["message"].startswith("[TMPRL1101] Potential deadlock detected")
    assert "spin_for_ever" in failure["stackTrace"]
    assert "spin_for_ever" in caplog.text


async def test_a_loop_that_swallows_exceptions_keeps_its_thread_but_not_its_slot() -> None:
    """sp PR #806: slots of workflows that swallow everything never come back."""
    trap.hold, trap.places = swallow_everything, 2
    async with worker_for() as (client, worker):
        first, second = [await walk_in(client, worker, task_timeout=TASK_TIMEOUT) for _ in range(2)]
        for _ in range(3):
            await echo(client, worker)
        assert len(evaluators()) == 3
        # Tried again while the first attempt still runs, a run takes no further thread.
        while await attempt_of(first) < 3:
            await echo(client, worker)
        assert trap.visits == 2
        assert len(evaluators()) == 3
        trap.release.set()
        assert sorted([await first.result(), await second.result()]) == [3, 4]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells; the test's deadline ends it."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.05)


async def attempt_of(handle: Any) -> int:
    description = await handle.describe()
    pending = description.raw_description.get("pending_workflow_task", {})
    return int(pending.get("attempt", 0))


@pytest.mark.parametrize("codec", [False, True], ids=["plain", "codec"])
async def test_code_that_blocks_without_using_the_cpu_is_given_up_too(codec: bool) -> None:
    trap.hold = trap.release.wait
    converter = DataConverter(payload_codec=Reversed()) if codec else DataConverter.default
    async with worker_for(data_converter=converter) as (client, worker):
        handle = await walk_in(client, worker)
        await echo(client, worker)
        failure = await first_failure(handle)
        assert "stood still" in failure["message"]
        assert "walk_in" in failure["stackTrace"]


async def test_a_sleep_is_given_up_and_what_it_does_later_has_no_effect() -> None:
    raised: list[BaseException] = []

    def sleep_then_act() -> None:
        try:
            time.sleep(3)
        finally:
            with pytest.raises(Evicted) as refused:
                workflow.start_activity("never", start_to_close_timeout=BUDGET)
            raised.append(refused.value)

    trap.hold = sleep_then_act
    async with worker_for() as (client, worker):
        (asleep,) = evaluators()
        handle = await walk_in(client, worker)
        await echo(client, worker)
        await asyncio.to_thread(asleep.join)
        assert len(raised) == 1
        assert "ActivityTaskScheduled" not in await event_types(handle)


async def test_a_run_that_does_not_let_itself_be_evicted_keeps_nothing_up() -> None:
    trap.hold = swallow_everything
    async with worker_for(max_cached_workflows=1) as (client, worker):
        await client.start_workflow(
            SpinsWhenItIsEvicted.run, id=unique("evicted"), task_queue=worker.task_queue
        )
        for _ in range(3):
            await echo(client, worker)
        while not trap.visits:
            await echo(client, worker)
        await echo(client, worker)
        assert len(evaluators()) == 2


async def test_a_call_that_keeps_the_gil_is_reported_natively(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def hold_the_gil() -> None:
        sum(range(60_000_000))

    trap.hold = hold_the_gil
    async with worker_for() as (client, worker):
        handle = await walk_in(client, worker)
        await handle.result()
        await until(lambda: "Python stood still" in caplog.text)
    said = capfd.readouterr().err
    assert "hourglass: Python stands still" in said
    assert "hourglass-evaluator" in said


async def test_a_mass_replay_on_a_busy_machine_trips_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """20 ms of CPU each, some 20 times that on the wall: well above the budget, were it wall."""
    budget = timedelta(milliseconds=200)
    async with await Client.connect("sqlite://") as client:
        queue = unique("mass")
        handles = []
        async with new_worker(client, WaitsThenWorks, task_queue=queue, deadlock_timeout=budget):
            for number in range(20):
                handle = await client.start_workflow(
                    WaitsThenWorks.run, id=unique(f"mass-{number}"), task_queue=queue
                )
                handles.append(handle)
            for handle in handles:
                await handle.query(WaitsThenWorks.seen)
        with hogs(8):
            again = new_worker(client, WaitsThenWorks, task_queue=queue, deadlock_timeout=budget)
            async with again:
                for handle in handles:
                    await handle.signal(WaitsThenWorks.release)
                for handle in handles:
                    await handle.result()
        for handle in handles:
            assert await failures(handle) == []
    assert "TMPRL1101" not in caplog.text


async def test_an_evaluator_that_is_killed_is_replaced_and_nothing_is_lost() -> None:
    """Killed while it waits: what wakes it is delivered to its successor."""
    heard = Heard()
    async with worker_for() as (client, worker):
        for number in range(1, 21):
            (evaluator,) = evaluators()
            assert evaluator.ident is not None
            raise_in(evaluator.ident, SystemExit)
            await echo(client, worker)
            await asyncio.to_thread(evaluator.join)
            given_up = await heard.came(events.EvaluatorGivenUp, number)
            assert isinstance(given_up.error, SystemExit)
    heard.end()


@contextmanager
def hogs(count: int) -> Any:
    """Threads that want the GIL all the time."""
    end = threading.Event()

    def hog() -> None:
        while not end.is_set():
            pass

    threads = [threading.Thread(target=hog) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


async def test_an_import_may_take_longer_than_workflow_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"slow_{unique('module').replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "import time\nend = time.thread_time() + 1\nwhile time.thread_time() < end: pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    trap.hold = lambda: importlib.import_module(name)
    async with worker_for() as (client, worker):
        handle = await walk_in(client, worker)
        assert await handle.result() == 1
        assert await failures(handle) == []
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert any("imports for long" in record.getMessage() for record in warned)
    del sys.modules[name]


async def test_without_a_timeout_code_may_take_as_long_as_it_likes() -> None:
    trap.hold = lambda: burn(1)
    async with worker_for(deadlock_timeout=None) as (client, worker):
        handle = await walk_in(client, worker)
        assert await handle.result() == 1


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(seconds=-1), 2])
async def test_a_timeout_that_can_not_be_is_refused_by_name(wrong: Any) -> None:
    async with await Client.connect("sqlite://") as client:
        with pytest.raises(InvalidArgumentError, match="deadlock_timeout"):
            new_worker(client, Echo, deadlock_timeout=wrong)


class Reversed(PayloadCodec):
    async def encode(self, payloads: Any) -> list[Payload]:
        return [Payload(metadata=p.metadata, data=p.data[::-1]) for p in payloads]

    async def decode(self, payloads: Any) -> list[Payload]:
        return await self.encode(payloads)
