"""`run_until_signal`: processes that end when told to, in bounded time, also as process 1."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.exceptions import InvalidArgumentError, ValidationError
from hourglass.worker import Worker, run_until_signal
from tests.conftest import ROOT
from tests.support import unique
from tests.worker import runs_until_signal

NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child"]


def can_be_process_one() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def ended(
    way: str, number: signal.Signals, prefix: Sequence[str] = (), target: str = "sqlite://"
) -> "subprocess.CompletedProcess[str]":
    """Run the program until it is ready, send the signal, and wait for its end."""
    command = [*prefix, sys.executable, "-m", "tests.worker.runs_until_signal", way, target]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if first != "ready\n":
            process.kill()
            pytest.fail(f"not ready: {process.communicate()}")
        os.kill(program(process.pid) if prefix else process.pid, number)
        out, err = process.communicate(timeout=50)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def program(unshare: int) -> int:
    """Find the one child of `unshare`."""
    children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text()
    return int(children.split()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_process_with_status_zero(number: signal.Signals) -> None:
    process = ended("idle", number)
    assert process.returncode == 0, process.stderr
    assert process.stdout.split("\n")[0] == f"ended by {number.name}"


def test_an_activity_may_end_in_the_graceful_period() -> None:
    process = ended("polite", signal.SIGTERM)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("saw the shutdown\nended by SIGTERM\n")
    assert "activity 'polite' (1) of workflow 'calls' in the event loop" in process.stderr


@pytest.mark.parametrize("way", ["deaf", "pool"])
@pytest.mark.parametrize("first", [False, True], ids=["child", "process-1"])
def test_a_thread_that_ignores_its_cancellation_is_named_and_does_not_keep_the_process(
    way: str, first: bool
) -> None:
    if first and not can_be_process_one():
        pytest.skip("needs a process namespace of its own")
    process = ended(way, signal.SIGTERM, NAMESPACE if first else ())
    thread = "hourglass-activity_0" if way == "deaf" else "ThreadPoolExecutor-0_0"
    told = f"activity 'deaf' (1) of workflow 'calls' in thread {thread} at "
    assert f"cancels {told}" in process.stderr
    assert "ignores its cancellation and is left behind" in process.stderr
    assert "threading.Event().wait()" in process.stderr
    assert process.stdout == "ended by SIGTERM\nexit handlers ran\n"
    assert process.returncode == (0 if way == "deaf" else 1)
    keeps = f"thread {thread} keeps this process from ending"
    assert (keeps in process.stderr) == (way == "pool")


def test_workflow_code_that_nothing_interrupts_does_not_keep_the_process() -> None:
    process = ended("wedged", signal.SIGTERM)
    assert process.stdout == "ended by SIGTERM\nexit handlers ran\n"
    assert process.returncode == 0, process.stderr
    assert "left behind at exit: code of run" in process.stderr


async def test_a_pod_that_ends_under_load_ends_cleanly_and_the_next_one_completes_everything(
    tmp_path: Path,
) -> None:
    target = f"sqlite:///{tmp_path / 'pod.db'}"
    process = await asyncio.to_thread(ended, "load", signal.SIGTERM, target=target)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("ended by SIGTERM\n")
    async with await Client.connect(target) as client:
        worker = Worker(
            client,
            task_queue="queue",
            workflows=[runs_until_signal.Steps],
            activities=[runs_until_signal.step],
        )
        async with worker:
            handles = [client.get_workflow_handle(f"load-{n}") for n in range(200)]
            results = await asyncio.gather(*(handle.result() for handle in handles))
    assert results == [3] * 200


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None:
        pass


def new_worker(client: Client) -> Worker:
    return Worker(client, task_queue=unique("signals"), workflows=[Nothing])


async def test_a_signal_stops_all_workers_and_the_handlers_are_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    async with await Client.connect("sqlite://") as client:
        workers = [new_worker(client) for _ in range(3)]
        running = asyncio.ensure_future(run_until_signal(*workers))
        for worker in workers:
            await client.execute_workflow(Nothing.run, id=unique("w"), task_queue=worker.task_queue)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == signal.SIGTERM
        assert all(worker.is_shutdown for worker in workers)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


async def test_workers_that_are_shut_down_otherwise_end_it_without_a_signal() -> None:
    async with await Client.connect("sqlite://") as client:
        worker = new_worker(client)
        running = asyncio.ensure_future(run_until_signal(worker))
        await client.execute_workflow(Nothing.run, id=unique("w"), task_queue=worker.task_queue)
        await worker.shutdown()
        assert await running is None


async def test_a_worker_that_can_not_start_stops_the_others_and_says_why() -> None:
    async with (
        await Client.connect("sqlite://") as client,
        await Client.connect("sqlite://", namespace="nowhere") as lost,
    ):
        good, bad = new_worker(client), new_worker(lost)
        with pytest.raises(ValidationError, match="nowhere"):
            await run_until_signal(good, bad)
        assert good.is_shutdown


async def test_cancelling_it_stops_the_workers_first() -> None:
    async with await Client.connect("sqlite://") as client:
        worker = new_worker(client)
        running = asyncio.ensure_future(run_until_signal(worker))
        await client.execute_workflow(Nothing.run, id=unique("w"), task_queue=worker.task_queue)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert worker.is_shutdown


async def test_outside_of_the_main_thread_it_is_refused() -> None:
    async def run() -> None:
        async with await Client.connect("sqlite://") as client:
            await run_until_signal(new_worker(client))

    def in_thread() -> Any:
        asyncio.run(run())

    with pytest.raises(InvalidArgumentError, match="signals"):
        await asyncio.to_thread(in_thread)
