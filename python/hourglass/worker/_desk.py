"""A desk: one thread of the evaluator, the watch over it, and how it leaves when it is given up.

A thread can't be killed. One that does not come back from workflow code has its activation taken
away (`Watch.give_up`), another desk takes its place, and `Evicted` is raised in it again and again
for a while. Whenever it does come back, `Watch.end` tells it that its answer does not count: it
ends what is left of the run, and itself. Code that catches everything and never returns keeps its
thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from hourglass._bridge import Watch
from hourglass.worker._stacks import frame_of, place
from hourglass.worker._thread_cancel import raise_in, take_back
from hourglass.workflow._runtime.errors import Evicted

if TYPE_CHECKING:
    from hourglass._bridge import WorkflowActivation, WorkflowCompletion
    from hourglass.worker._evaluator import Registration


class GivenUp(BaseException):
    """Unwinds the thread of a desk whose activation was taken away."""


class Desk:
    """See the module's text. Raises what keeps the thread from starting."""

    watch: Watch

    def __init__(self, serve: Callable[[Desk], None]) -> None:
        self.task: tuple[Registration, WorkflowActivation] | None = None
        """What it is at; kept when it dies of it."""
        self.completion: WorkflowCompletion | None = None
        """What came of the task, once that is known."""
        self.died: BaseException | None = None
        """What ended its thread, unless that was meant to end."""
        self.left = threading.Event()
        self._serve = serve
        self._clean_up: Callable[[], None] = lambda: None
        self._dismissed = threading.Event()
        self._lock = threading.Lock()
        ready: Future[Watch] = Future()
        self.thread = threading.Thread(
            target=self._run, args=[ready], name="hourglass-evaluator", daemon=True
        )
        self.thread.start()
        self.watch = ready.result()

    def evaluate(
        self, registration: Registration, activation: WorkflowActivation
    ) -> WorkflowCompletion:
        """The answer to an activation; only on the desk's own thread."""
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

    def __str__(self) -> str:
        task, frame = self.task, frame_of(self.thread.ident)
        if task is None:
            return f"{self.thread.name}, idle"
        return f"code of run {task[1].run_id} in thread {self.thread.name} at {place(frame)}"

    def begin(self, registration: Registration, activation: WorkflowActivation) -> None:
        """Take up a task. In this order: whoever comes after must not mix up two of them."""
        self.completion = None
        self.task = (registration, activation)

    def dismiss(self, clean_up: Callable[[], None]) -> None:
        """Have `clean_up` called when the thread comes back: its activation was taken away."""
        self._clean_up = clean_up
        self._dismissed.set()

    def interrupt(self) -> bool:
        """Raise `Evicted` in the thread, wherever it is; False if it has left."""
        with self._lock:
            if self.left.is_set():
                return False
            assert self.thread.ident is not None
            raise_in(self.thread.ident, Evicted)
            return True

    def _run(self, ready: Future[Watch]) -> None:
        try:
            watch = Watch(f"{threading.current_thread().name} ({threading.get_native_id()})")
            self.watch = watch
            ready.set_result(watch)
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
