"""The watchdog: gives an evaluator up that does not come back from workflow code.

The measuring is native (`rust/bridge/src/watchdog.rs` says what, and why). This is the Python side:
a thread that is blocked in native code until something is found, with the GIL released. Then it
takes the stack of the evaluator; takes the activation away from it, which fails if it came back in
this very moment; has another thread go on; fails the workflow task with the stack as its trace;
and tries to end the thread that was given up.

* An **import** inside workflow code is left alone for ten budgets: it happens once per process, and
  begun anew by the next attempt it would take as long again.
* A thread that **dies** is replaced too; its task, if it had one, fails.
* A **payload codec** never runs here: it has its worker's event loop. A payload converter does.
* A run whose earlier code **still runs** in a thread that was given up is not evaluated again
  before that has ended: a loop nobody can break must not take one more thread with every attempt.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from hourglass.exceptions import DeadlockError
from hourglass.subsystem.events import EvaluatorGivenUp, emit
from hourglass.worker._evaluator_thread import EvaluatorThread
from hourglass.worker._thread_dump import frame_of, switches_asleep

if TYPE_CHECKING:
    from hourglass._bridge import Overrun

logger = logging.getLogger("hourglass.worker")
_IMPORT_BUDGETS = 10
_WAKING_BUDGETS = 4
_STEP = 0.05
"""Seconds: longer than a thread waits before it asks for the GIL again."""
_INTERRUPTS = 10
_FIRST_INTERRUPT = 0.2
"""Seconds that the failure of a task waits for the thread to end."""
_BETWEEN_INTERRUPTS = 1.0


class Watchdog(threading.Thread):
    """Watches over one evaluator thread, and ends with it."""

    def __init__(self, thread: EvaluatorThread, replace: Callable[[EvaluatorThread], None]) -> None:
        """`replace` is called on the watchdog's thread when `thread` was given up or died."""
        super().__init__(name="hourglass-watchdog", daemon=True)
        self._watched = thread
        self._replace = replace
        self._importing = (0, 0)
        self._waking = (0, 0)
        self.start()

    def run(self) -> None:
        """Deal with what is found, until the thread ends."""
        while (overrun := self._watched.watch.wait()) is not None:
            if overrun.kind == "gil":
                logger.error(
                    "Python stood still for %.1f s: no thread but the one that held the GIL could"
                    " run. What that was at, the standard error may tell",
                    overrun.wall,
                )
                continue
            try:
                self._judge(overrun)
            except Exception:
                logger.exception("the watchdog could not deal with an evaluator")
        if self._watched.died is not None:
            self._replace_dead(self._watched.died)

    def _replace_dead(self, error: BaseException) -> None:
        """Replace a thread that died: of an exception raised in it from outside, or of memory."""
        run = self._watched.run_name
        logger.critical("the evaluator died, at %s: another goes on", run, exc_info=error)
        self._replace(self._watched)
        emit(EvaluatorGivenUp(run.removeprefix("run "), error))

    def _judge(self, overrun: Overrun) -> None:
        thread = self._watched
        task, frame = thread.task, frame_of(thread.ident)
        if task is None or frame is None:
            return  # it came back
        run = thread.run_name
        registration, activation = task
        error = DeadlockError(_description(overrun, registration.budget / 1e6))
        error.__traceback__ = _traceback(frame)
        if _imports(error.__traceback__) and self._may_import(overrun.turn):
            logger.warning("%s: imports for long: %s", run, error, exc_info=error)
            return
        if overrun.kind == "blocked" and self._may_wait_for_the_gil(overrun.turn):
            return  # it is found again after another budget
        if not thread.watch.give_up(overrun):
            return  # just now
        logger.error("%s: %s", run, error, exc_info=error)
        thread.dismiss(_nothing if activation is None else registration.abandon(activation))
        self._replace(thread)
        # Mostly it lets itself be interrupted: then the next attempt finds nothing in its way.
        emit(EvaluatorGivenUp(run.removeprefix("run "), error))
        ended = self._interrupt(_FIRST_INTERRUPT)
        if activation is not None:
            registration.fail(activation, error)
        if not ended:
            self._end_thread()

    def _may_import(self, turn: int) -> bool:
        earlier, budgets = self._importing
        self._importing = (turn, budgets + 1 if turn == earlier else 1)
        return self._importing[1] < _IMPORT_BUDGETS

    def _may_wait_for_the_gil(self, turn: int) -> bool:
        """Tell whether the thread wakes now and then, as one does that waits for the GIL or a core.

        Code that waits in small steps does, too: it gets four budgets.
        """
        before = switches_asleep(self._watched)
        time.sleep(_STEP)
        if before is not None and before == switches_asleep(self._watched):
            return False
        earlier, budgets = self._waking
        self._waking = (turn, budgets + 1 if turn == earlier else 1)
        return self._waking[1] < _WAKING_BUDGETS

    def _end_thread(self) -> None:
        for _ in range(_INTERRUPTS):
            if self._interrupt(_BETWEEN_INTERRUPTS):
                return
        logger.error(
            "%s was given up and does not end: its code catches every exception or waits for"
            " something outside of Python; it goes on until the process ends",
            self._watched.name,
        )

    def _interrupt(self, patience: float) -> bool:
        """Raise `Evicted` in the thread; True if that ends it in time."""
        return not self._watched.interrupt() or self._watched.left.wait(patience)


def _nothing() -> None:
    pass


def _description(overrun: Overrun, budget: float) -> str:
    if overrun.kind == "busy":
        what = f"used {overrun.cpu:.1f} s of CPU time"
    else:
        what = f"stood still for most of {overrun.wall:.1f} s"
    return (
        f"[TMPRL1101] Potential deadlock detected: workflow code {what} in one activation without"
        f" coming back (deadlock_timeout of the worker: {budget:g} s)"
    )


def _imports(trace: TracebackType | None) -> bool:
    """Tell whether the traced code is in an import."""
    # Of the trace, not of the frames: those come apart when the import ends meanwhile.
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        trace = trace.tb_next
    return False


def _traceback(frame: FrameType | None) -> TracebackType | None:
    """Make a traceback of the running frames, from the call into workflow code inwards."""
    trace: TracebackType | None = None
    while frame is not None and frame.f_code is not EvaluatorThread.evaluate.__code__:
        trace = TracebackType(trace, frame, frame.f_lasti, frame.f_lineno or 0)
        frame = frame.f_back
    return trace
