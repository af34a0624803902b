"""The native watch: what it finds, and who wins when both sides want to end an activation."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from hourglass._bridge import Overrun, Watch

BUDGET = 200_000
"""Microseconds."""


def on_thread(work: Callable[[Watch], Any]) -> "tuple[Future[Any], Watch]":
    """Run `work` in a thread of its own that is watched."""
    pool = ThreadPoolExecutor(1)
    watch = pool.submit(Watch, "evaluator").result()
    future = pool.submit(work, watch)
    pool.shutdown(wait=False)
    return future, watch


def spin(watch: Watch) -> bool:
    watch.begin(BUDGET)
    end = time.thread_time() + 2
    while time.thread_time() < end:
        pass
    return watch.end()


def found(watch: Watch) -> Overrun:
    """Wait for the next thing that is found about the activation."""
    while (overrun := watch.wait()) is not None:
        if overrun.kind != "gil":
            return overrun
    raise AssertionError("the watch was closed")


def test_an_activation_that_uses_up_its_cpu_time_is_found_and_can_be_taken_away() -> None:
    future, watch = on_thread(spin)
    overrun = found(watch)
    assert overrun.kind == "busy"
    assert overrun.cpu >= BUDGET / 1e6
    assert watch.give_up(overrun)
    assert not watch.give_up(overrun)
    assert watch.wait() is None
    assert not future.result()


def test_one_that_has_ended_can_not_be_taken_away() -> None:
    future, watch = on_thread(spin)
    overrun = found(watch)
    assert future.result()
    assert not watch.give_up(overrun)
    watch.close()


def test_what_is_left_alone_is_found_again_after_another_budget() -> None:
    future, watch = on_thread(spin)
    first, second = found(watch), found(watch)
    assert second.turn == first.turn
    assert second.cpu >= first.cpu + BUDGET / 1e6
    watch.close()
    assert future.result()


def test_standing_still_is_found_after_a_budget() -> None:
    release = threading.Event()

    def wait(watch: Watch) -> bool:
        watch.begin(BUDGET)
        release.wait()
        return watch.end()

    future, watch = on_thread(wait)
    overrun = found(watch)
    release.set()
    assert overrun.kind == "blocked"
    assert overrun.wall >= BUDGET / 1e6
    assert overrun.cpu < BUDGET / 1e6
    assert future.result()
    watch.close()


@pytest.mark.parametrize("budget", [0, BUDGET])
def test_nothing_is_found_without_a_budget_or_between_activations(budget: int) -> None:
    def work(watch: Watch) -> None:
        if budget == 0:
            watch.begin(0)
        end = time.thread_time() + 3 * BUDGET / 1e6
        while time.thread_time() < end:
            pass
        watch.close()

    future, watch = on_thread(work)
    kinds: list[str] = []
    while (overrun := watch.wait()) is not None:
        kinds.append(overrun.kind)
    future.result()
    assert "busy" not in kinds
    assert "blocked" not in kinds


def test_python_that_stands_still_is_reported_on_stderr_while_it_does(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def hold(watch: Watch) -> bool:
        watch.begin(BUDGET)
        sum(range(60_000_000))  # in C, without letting go of the GIL
        return watch.end()

    future, watch = on_thread(hold)
    waiting = ThreadPoolExecutor(1)
    overrun = waiting.submit(watch.wait).result()
    assert overrun is not None
    assert overrun.kind == "gil"
    assert overrun.wall >= BUDGET / 1e6
    assert future.result()
    watch.close()
    said = capfd.readouterr().err
    assert "hourglass: Python stands still" in said
    assert "Thread evaluator is at a workflow task" in said
    assert "it holds the GIL itself" in said
