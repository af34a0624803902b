"""Operation, Port and Inbox: waiting without holding anything up."""

import select
import signal
import threading
import time
from collections.abc import Callable

import pytest

from hourglass._bridge import BridgeError, Client, Inbox, Port, Runtime, Worker


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run `work` in a thread; the list gets what it returned."""
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    return thread, answers


def test_an_operation_can_be_waited_for_again(runtime: Runtime, embedded_native: Client) -> None:
    operation = embedded_native.call("GetSystemInfo", {})
    first = operation.wait(10)
    assert operation.done()
    assert operation.result() is first
    assert operation.wait(0) is first


def test_the_time_of_a_wait_ends_and_the_operation_goes_on(embedded_native: Client) -> None:
    inbox_poll = embedded_native.call(
        "PollWorkflowTaskQueue", {"task_queue": {"name": "nobody"}}, timeout=5, retry=False
    )
    with pytest.raises(BridgeError) as raised:
        inbox_poll.wait(0.05)
    assert raised.value.kind == "timeout"
    assert not inbox_poll.done()
    inbox_poll.cancel()


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(BridgeError, match="timeout"):
        Inbox().take(timeout=seconds)


def test_a_cancelled_operation_says_so(embedded_native: Client) -> None:
    operation = embedded_native.call(
        "PollWorkflowTaskQueue", {"task_queue": {"name": "nobody"}}, timeout=30
    )
    operation.cancel()
    with pytest.raises(BridgeError) as raised:
        operation.wait(10)
    assert raised.value.kind == "cancelled"


def test_a_done_operation_stays_done_when_it_is_cancelled(embedded_native: Client) -> None:
    operation = embedded_native.call("GetSystemInfo", {})
    answer = operation.wait(10)
    operation.cancel()
    assert operation.result() is answer


def test_a_port_is_readable_while_tokens_wait(embedded_native: Client) -> None:
    port = Port()
    assert select.select([port], [], [], 0)[0] == []
    for token in (7, 8):
        operation = embedded_native.call("GetSystemInfo", {})
        operation.wait(10)
        operation.notify(port, token)
    assert select.select([port], [], [], 10)[0] == [port]
    assert port.drain() == [7, 8]
    assert select.select([port], [], [], 0)[0] == []
    assert port.drain() == []


def test_a_port_is_told_once_when_an_operation_ends_later(embedded_native: Client) -> None:
    port = Port()
    operation = embedded_native.call("GetSystemInfo", {})
    operation.notify(port, 1)
    assert port.wait(10) == [1]
    assert port.wait(0.01) == []


def test_a_closed_port_refuses_and_is_forgotten(embedded_native: Client) -> None:
    port = Port()
    operation = embedded_native.call("GetSystemInfo", {})
    port.close()
    port.close()
    operation.notify(port, 1)
    operation.wait(10)
    with pytest.raises(BridgeError) as raised:
        port.drain()
    assert raised.value.kind == "shutdown"


def test_closing_a_port_wakes_who_waits_for_it() -> None:
    port = Port()

    def wait() -> str:
        try:
            port.wait()
        except BridgeError as error:
            return error.kind
        return "returned"

    thread, answers = in_thread(wait)
    port.close()
    thread.join(10)
    assert answers == ["shutdown"]


def test_an_empty_inbox_answers_when_the_time_is_over() -> None:
    inbox = Inbox()
    start = time.monotonic()
    assert inbox.take(timeout=0) == []
    assert inbox.take(timeout=0.05) == []
    assert time.monotonic() - start >= 0.05
    assert len(inbox) == 0


def test_a_wake_ends_a_blocked_take() -> None:
    inbox = Inbox()
    thread, answers = in_thread(inbox.take)
    inbox.wake()
    thread.join(10)
    assert answers == [[]]


def test_a_wake_just_before_take_is_not_lost() -> None:
    inbox = Inbox()
    inbox.wake()
    assert inbox.take() == []
    assert inbox.take(timeout=0.01) == []


def test_nothing_can_be_taken_by_taking_none() -> None:
    with pytest.raises(BridgeError, match="max_items"):
        Inbox().take(0)


def test_ctrl_c_interrupts_a_wait() -> None:
    inbox = Inbox()
    main = threading.main_thread().ident
    assert main is not None
    # A shell that runs the tests in its background makes them ignore Ctrl-C.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            inbox.take(timeout=30)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)


def test_b11_waiting_leaves_the_interpreter_to_others(embedded_native: Client) -> None:
    """B-11: while threads wait in native code, the tick of another one jitters less than 50 ms."""
    inboxes = [Inbox() for _ in range(20)]
    waiting = [in_thread(inbox.take)[0] for inbox in inboxes]
    worst = 0.0
    for _ in range(50):
        start = time.perf_counter()
        threading.Event().wait(0.002)
        worst = max(worst, time.perf_counter() - start - 0.002)
    for inbox in inboxes:
        inbox.wake()
    for thread in waiting:
        thread.join(10)
    assert worst < 0.05


def test_b11_idle_workers_use_no_thread_each(runtime: Runtime, embedded_native: Client) -> None:
    """B-11: two hundred workers that have nothing to do share the threads of the runtime.

    Of activities: for workflows core itself keeps one thread for each worker's state machines.
    """
    inbox = Inbox()
    before = threads_of_this_process()
    workers = [
        Worker(
            runtime,
            embedded_native,
            task_queue=f"idle-{index}",
            workflows=False,
            workflow_inbox=inbox,
            activity_inbox=inbox,
            tag=index,
        )
        for index in range(200)
    ]
    for worker in workers[::50]:
        worker.validate().wait(30)
    assert threads_of_this_process() - before < 20
    for worker in workers:
        worker.initiate_shutdown()
    for operation in [worker.finalize_shutdown() for worker in workers]:
        operation.wait(60)


def threads_of_this_process() -> int:
    """Count them, the native ones too."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
