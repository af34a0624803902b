"""Runtimes: epochs, stale handles, forks, logs."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from hourglass._bridge import (
    BridgeError,
    Client,
    Inbox,
    PollingEnded,
    Port,
    Runtime,
    StaleHandleError,
    Worker,
)
from tests.bridge.conftest import connect


def test_epochs_count_the_runtimes_of_a_process() -> None:
    first, second = Runtime(), Runtime(worker_threads=1)
    assert second.epoch == first.epoch + 1
    assert first.pid == second.pid == os.getpid()
    first.close()
    second.close()


def test_a_runtime_without_threads_is_refused() -> None:
    with pytest.raises(BridgeError, match="worker_threads"):
        Runtime(worker_threads=0)


def test_closing_twice_is_fine() -> None:
    runtime = Runtime()
    runtime.close()
    runtime.close()


def test_b08_handles_of_a_closed_runtime_are_stale_and_the_next_one_is_not_touched() -> None:
    """B-08: a leftover of epoch 1 fails by its class; epoch 2 goes on."""
    first = Runtime()
    client = connect(first, "sqlite://")
    worker = Worker(first, client, task_queue="q")
    pending = client.call("PollWorkflowTaskQueue", {"task_queue": {"name": "nobody"}}, timeout=60)
    first.close()
    second = Runtime()
    other = connect(second, "sqlite://")
    uses: list[Callable[[], object]] = [
        lambda: client.call("GetSystemInfo", {}),
        worker.validate,
        worker.initiate_shutdown,
        worker.drained,
        worker.poll_workflow_activation,
        lambda: Client.connect(first, target_url="http://localhost:1"),
        lambda: pending.wait(10),
    ]
    for use in uses:
        with pytest.raises(StaleHandleError):
            use()
    ended = {
        delivery.poll for delivery in [*take(worker.workflow_inbox), *take(worker.activity_inbox)]
    }
    assert ended == {"workflow", "activity"}
    assert other.call("GetSystemInfo", {}).wait(10)
    second.close()


def take(inbox: Inbox) -> list[PollingEnded]:
    return inbox.take(timeout=10)


def test_a_client_of_one_runtime_is_refused_by_another() -> None:
    first, second = Runtime(), Runtime()
    client = connect(first, "sqlite://")
    with pytest.raises(BridgeError, match="another runtime") as raised:
        Worker(second, client, task_queue="q")
    assert raised.value.kind == "bad_argument"
    first.close()
    second.close()


def in_child(work: Callable[[], object]) -> int:
    """Fork, do the work in the child, and give its exit status: 0 if it raised nothing."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_b09_a_forked_child_gets_stale_handles_and_can_start_anew() -> None:
    """B-09: immediate typed errors, no hang, and the parent is not affected."""
    runtime = Runtime()
    client = connect(runtime, "sqlite://")
    worker = Worker(runtime, client, task_queue="q")
    operation = client.call("PollWorkflowTaskQueue", {"task_queue": {"name": "no"}}, timeout=60)
    port, inbox = Port(), Inbox()

    def child() -> None:
        uses: list[Callable[[], object]] = [
            lambda: client.call("GetSystemInfo", {}),
            operation.wait,
            worker.initiate_shutdown,
            worker.workflow_inbox.take,
            port.drain,
            inbox.take,
            runtime.close,
            runtime.take_logs,
        ]
        for use in uses:
            with pytest.raises(StaleHandleError):
                use()
        fresh = Runtime()
        assert fresh.epoch == 1
        assert connect(fresh, "sqlite://").call("GetSystemInfo", {}).wait(10)
        fresh.close()

    for _ in range(10):
        assert in_child(child) == 0
    assert client.call("GetSystemInfo", {}).wait(10)
    operation.cancel()
    runtime.close()


def test_logs_are_kept_until_taken_and_nothing_is_printed() -> None:
    """A completion nobody asked for makes core warn; the line is in the ring, not on stderr."""
    program = """
from hourglass._bridge import *
runtime = Runtime()
engine = Engine.open(runtime, None).wait(30)
client = Client.connect(runtime, engine=engine).wait(30)
worker = Worker(runtime, client, task_queue="q")
worker.validate().wait(30)
worker.complete_activity_task_confirmed(ActivityCompletion.completed(b"no", Payload())).wait(10)
lines = runtime.take_logs()
assert any("sdk_core" in target for level, target, message, fields in lines), lines
assert all(level in {"INFO", "WARN", "ERROR"} for level, *_ in lines)
assert runtime.take_logs() == []
runtime.close()
"""
    assert run(program) == (0, "", "")


@pytest.mark.parametrize("last_words", ["", "runtime.close()", "del runtime", "del worker, client"])
def test_a_process_ends_clean_however_it_leaves_its_runtime(last_words: str) -> None:
    program = f"""
from hourglass._bridge import *
runtime = Runtime()
engine = Engine.open(runtime, None).wait(30)
client = Client.connect(runtime, engine=engine).wait(30)
worker = Worker(runtime, client, task_queue="q")
{last_words}
"""
    assert run(program) == (0, "", "")


def run(program: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50
    )
    return done.returncode, done.stdout, done.stderr
