"""Processes that are threads: for code that blocks."""

from __future__ import annotations

import contextlib
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from .errors import LoopGone
from .events import ProcessAbandoned, emit
from .exits import KILLED, ExitReason
from .process import Process, enter_process

T = TypeVar("T")


class ThreadProcess(Process):
    """A process whose life is `main`, on a thread of its own.

    Being asked to stop sets `stopping`; `main` is to look at it, or better wait for it. No thread
    can be ended by force: a killed one counts as dead at once and is left to itself, which is
    reported as `ProcessAbandoned`. The threads are daemons, so none keeps the interpreter up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stopping: Final = threading.Event()

    @abstractmethod
    def main(self) -> None:
        """Live. Call `ready` once up; return or raise to end."""

    def _launch(self) -> None:
        threading.Thread(target=self._live, name=repr(self), daemon=True).start()

    def _live(self) -> None:
        enter_process(self)
        error: BaseException | None = None
        try:
            self.main()
        except BaseException as caught:
            error = caught
        with contextlib.suppress(LoopGone):  # an abandoned thread may outlive its loop
            self.place.loop.post(self._thread_done, error)

    def _thread_done(self, error: BaseException | None) -> None:
        self._finish(self._judge(error), error)

    def lose(self, reason: ExitReason) -> None:
        """Have the thread end by itself; nothing waits for it any more."""
        self.stopping.set()
        super().lose(reason)

    def _ask(self, reason: ExitReason) -> None:
        self.stopping.set()

    def _slay(self) -> None:
        self.stopping.set()
        emit(ProcessAbandoned(self))
        self._finish(KILLED)


class Thread(ThreadProcess):
    """A blocking function as a process; it is given the process, for `stopping`.

    It is up at once; with `handshake` only when it calls `process.ready()`.
    """

    def __init__(self, function: Callable[[Thread], object], *, handshake: bool = False) -> None:
        super().__init__()
        self._function = function
        self._handshake = handshake

    def main(self) -> None:
        """Run the function."""
        if not self._handshake:
            self.ready()
        self._function(self)


class Resource(ThreadProcess, Generic[T]):
    """Something to start and to stop, by blocking functions, as a process.

    Both run on the same thread, which waits in between. It is up when `start` has returned; `stop`
    gets the `value` it returned.
    """

    def __init__(self, start: Callable[[], T], stop: Callable[[T], object]) -> None:
        super().__init__()
        self._start_it = start
        self._stop_it = stop
        self.value: T

    def main(self) -> None:
        """Start it, wait until asked to stop, stop it."""
        self.value = self._start_it()
        self.ready()
        self.stopping.wait()
        self._stop_it(self.value)
