"""A thread of the evaluator, the watch over it, and how it leaves when it is given up.

A thread can't be killed. One that does not come back from workflow code has its activation taken
away (`Watch.give_up`), another takes its place, and `Evicted` is raised in it again and again
for a while. Whenever it does come back, `Watch.end` tells it that its answer does not count: it
ends what is left of the run, and itself. Code that catches everything and never returns keeps its
thread.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hourglass._bridge import Watch
from hourglass.worker._thread_cancel import raise_in, take_back
from hourglass.worker._thread_dump import frame_of, place
from hourglass.workflow._runtime.errors import Evicted

if TYPE_CHECKING:
    from hourglass._bridge import WorkflowActivation, WorkflowCompletion
    from hourglass.worker._evaluator import Registration


logger = logging.getLogger("hourglass.worker")


class GivenUp(BaseException):
    """Unwinds an evaluator thread whose activation was taken away."""


class EvaluatorThread(threading.Thread):
    """Runs `serve` under a watch. Raises what keeps the thread from starting."""

    watch: Watch

    def __init__(self, serve: Callable[[EvaluatorThread], None]) -> None:
        super().__init__(name="hourglass-evaluator", daemon=True)
        self.task: tuple[Registration, WorkflowActivation | None] | None = None
        """The activation being evaluated, or None to evict all runs of a handle; kept when the
        thread dies of it."""
        self.completion: WorkflowCompletion | None = None
        """The task's answer, once there is one."""
        self.died: BaseException | None = None
        """The exception that ended the thread, unless it was meant to end."""
        self.left = threading.Event()
        self._token: list[None] = []
        self.watchdog: threading.Thread | None = None
        self._serve = serve
        self._clean_up: Callable[[], None] = lambda: None
        self._dismissed = threading.Event()
        self._lock = threading.Lock()
        self._ready: Future[Watch] = Future()
        self._go: Future[bool] = Future()
        self.start()
        self.watch = self._ready.result()

    def go(self, serves: bool) -> None:
        """Let the thread serve, or end: it waits for this."""
        self._go.set_result(serves)

    def evaluate(
        self, registration: Registration, activation: WorkflowActivation
    ) -> WorkflowCompletion:
        """Answer an activation. On this very thread only."""
        watch = self.watch
        watch.begin(registration.budget)
        try:
            completion = registration.evaluate(activation)
        except BaseException as error:
            completion = registration.failed(activation, error)
        if not watch.end():
            raise GivenUp
        self.completion = completion
        return completion

    def evict(self, registration: Registration) -> None:
        """End the code of all runs of a handle. On this very thread only."""
        self.watch.begin(registration.budget)
        try:
            registration.evict_all()
        except BaseException:
            logger.exception("the runs of a worker could not all be evicted")
        if not self.watch.end():
            raise GivenUp

    def __str__(self) -> str:
        task, frame = self.task, frame_of(self.ident)
        if task is None:
            return f"{self.name}, idle"
        return f"code of {self.run_name} in thread {self.name} at {place(frame)}"

    @property
    def run_name(self) -> str:
        """The run that is evaluated, for messages."""
        if self.task is None:
            return "no run"
        activation = self.task[1]
        return "runs that are evicted" if activation is None else f"run {activation.run_id}"

    def begin(self, registration: Registration, activation: WorkflowActivation | None) -> None:
        """Take up a task."""
        # In this order: a successor must not mistake an earlier answer for this task's.
        self.completion = None
        self.task = (registration, activation)

    def lend_inbox(self) -> None:
        """Let another thread take the inbox, until `reclaim_inbox`."""
        self._token.append(None)

    def reclaim_inbox(self) -> bool:
        """Take the token that stands for the inbox; False if another thread was faster.

        Who has it may look at what was taken from the inbox, and nobody else. One atomic step
        decides, as between `Watch.end` and `Watch.give_up`.
        """
        try:
            self._token.pop()
        except IndexError:
            return False
        return True

    def dismiss(self, clean_up: Callable[[], None]) -> None:
        """Have `clean_up` called when the thread comes back, whose activation was taken away."""
        self._clean_up = clean_up
        self._dismissed.set()

    def interrupt(self) -> bool:
        """Raise `Evicted` in the thread, wherever it is; False if it has left."""
        with self._lock:
            if self.left.is_set():
                return False
            assert self.ident is not None
            raise_in(self.ident, Evicted)
            return True

    def run(self) -> None:
        """Serve until the evaluator stops or gives the thread up."""
        ready = self._ready
        try:
            watch = Watch(f"{self.name} ({threading.get_native_id()})")
            self.watch = watch
            ready.set_result(watch)
            if self._go.result():
                self._serve(self)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
                return
            if self.watch.end():  # it was not given up
                self.died = error
        while not self.left.is_set():
            with contextlib.suppress(BaseException):  # an interruption that comes late
                self._leave()

    def _leave(self) -> None:
        if not self.watch.end():  # it was given up, and may be back before it was dismissed
            self._dismissed.wait()
            self._clean_up()
        with self._lock:
            take_back(threading.get_ident())
            self.watch.close()
            self.left.set()
