"""Threads for synchronous activities: as many as needed up to a limit, not in the way at exit."""

import threading
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from hourglass.worker._thread_pool import ActivityThreadPool


@pytest.fixture
def pool() -> Iterator[ActivityThreadPool]:
    pool = ActivityThreadPool(3)
    yield pool
    pool.shutdown()


def test_calls_one_after_the_other_share_one_thread(pool: ActivityThreadPool) -> None:
    names = set()
    for _ in range(20):
        names.add(pool.submit(lambda: threading.current_thread().name).result())
        # The result is there a moment before its thread is free: a second thread is allowed.
    assert names <= {"hourglass-activity_0", "hourglass-activity_1"}


def test_calls_at_once_get_a_thread_each_up_to_the_limit(pool: ActivityThreadPool) -> None:
    together = threading.Barrier(3)
    futures = [pool.submit(together.wait, 10) for _ in range(6)]
    wait(futures)
    assert sorted(future.result() for future in futures) == [0, 0, 1, 1, 2, 2]


def test_errors_arrive_and_the_thread_lives_on(pool: ActivityThreadPool) -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        pool.submit(leave).result()
    assert pool.submit(lambda: 1).result() == 1


def test_a_call_that_was_cancelled_before_its_start_is_not_made(pool: ActivityThreadPool) -> None:
    release = threading.Event()
    busy = [pool.submit(release.wait) for _ in range(3)]
    called: list[int] = []
    late = pool.submit(called.append, 1)
    assert late.cancel()
    release.set()
    wait(busy)
    assert pool.submit(lambda: called).result() == []


def test_after_shutdown_calls_are_refused_and_threads_end() -> None:
    pool = ActivityThreadPool(2)
    thread = pool.submit(threading.current_thread).result()
    assert thread.daemon
    pool.shutdown()
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(lambda: 1)
    thread.join()


def test_calls_are_served_when_python_starts_no_more_threads(
    pool: ActivityThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at exit, while other threads still run."""
    first = pool.submit(threading.get_ident).result()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    release = threading.Event()
    waits = pool.submit(release.wait)
    behind = pool.submit(threading.get_ident)
    release.set()
    assert waits.result()
    assert behind.result() == first
    with pytest.raises(RuntimeError, match="shutdown"):
        ActivityThreadPool(1).submit(release.wait)
