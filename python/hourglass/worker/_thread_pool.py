"""Threads for synchronous activities of a worker without a pool of the program's.

Unlike those of a `ThreadPoolExecutor`, they don't keep the process from ending: Python waits for
the threads of such a pool at exit, however long, also for one whose activity ignores its
cancellation and was left behind when its worker stopped.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ActivityThreadPool(Executor):
    """Up to `limit` threads, made when they are needed, kept until `shutdown`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self._threads = 0
        self._open = 0
        """Calls that have not ended."""
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn` called in a thread. `RuntimeError` after `shutdown`."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        with self._lock:
            if self._closed:
                raise RuntimeError("the threads for activities are shut down")
            if self._threads <= self._open and self._threads < self._limit:
                name = f"hourglass-activity_{next(self._numbers)}"
                thread = threading.Thread(target=self._serve, name=name, daemon=True)
                try:
                    thread.start()
                    self._threads += 1
                except RuntimeError:  # at exit Python starts no more: the others serve it
                    if not self._threads:
                        raise
            self._open += 1
            self._calls.put(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let each thread end after its call. Never waits: that is what this pool is for."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in range(self._threads):
                    self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call
            with self._lock:
                self._open -= 1
