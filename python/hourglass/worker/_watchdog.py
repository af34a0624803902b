"""The watchdog: gives an evaluator up that does not come back from workflow code.

The measuring is native (`rust/bridge/src/watchdog.rs` says what, and why). This is the Python side:
a thread that is blocked in native code until something is found, with the GIL released. Then it
takes the stack of the evaluator; takes the activation away from it, which fails if it came back in
this very moment; has another desk take over; fails the workflow task with the stack as its trace;
and tries to end the thread that was given up.

* An **import** inside workflow code is left alone for ten budgets: it happens once per process, and
  begun anew by the next attempt it would take as long again.
* A desk whose thread **dies** is replaced too; its task, if it was at one, fails.
* A **payload codec** never runs here: it has its worker's event loop. A payload converter does.
* A run whose earlier code **still runs** in a thread that was given up is not evaluated again
  before that has ended: a loop nobody can break must not take one more thread with every attempt.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from hourglass.exceptions import DeadlockError
from hourglass.subsystem.events import EvaluatorGivenUp, emit
from hourglass.worker._desk import Desk
from hourglass.worker._stacks import frame_of

if TYPE_CHECKING:
    from hourglass._bridge import Overrun

logger = logging.getLogger("hourglass.worker")
_IMPORT_BUDGETS = 10
_INTERRUPTS = 10
_FIRST_INTERRUPT = 0.2
"""Seconds that the failure of a task waits for the thread to end."""
_BETWEEN_INTERRUPTS = 1.0


class Watchdog:
    """The thread that watches over one desk. It ends with it."""

    def __init__(self, desk: Desk, take_over: Callable[[Desk], None]) -> None:
        """`take_over` is called on this thread when the desk was given up."""
        self._desk = desk
        self._take_over = take_over
        self._importing = (0, 0)
        self.thread = threading.Thread(target=self._serve, name="hourglass-watchdog", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while (overrun := self._desk.watch.wait()) is not None:
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
        if self._desk.died is not None:
            self._replace(self._desk.died)

    def _replace(self, error: BaseException) -> None:
        """Nothing of ours ends a desk's thread from outside; somebody did, or memory ran out."""
        run = "none" if self._desk.task is None else self._desk.task[1].run_id
        logger.critical("the evaluator died, at run %s: another goes on", run, exc_info=error)
        self._take_over(self._desk)
        emit(EvaluatorGivenUp(run, error))

    def _judge(self, overrun: Overrun) -> None:
        desk = self._desk
        task, frame = desk.task, frame_of(desk.thread.ident)
        if task is None or frame is None:
            return  # it came back
        registration, activation = task
        error = DeadlockError(_description(overrun, registration.budget / 1e6))
        error.__traceback__ = _traceback(frame)
        if _imports(error.__traceback__) and self._may_import(overrun.turn):
            logger.warning("run %s: imports for long: %s", activation.run_id, error, exc_info=error)
            return
        if not desk.watch.give_up(overrun):
            return  # just now
        logger.error("run %s: %s", activation.run_id, error, exc_info=error)
        desk.dismiss(registration.abandon(activation))
        self._take_over(desk)
        # Mostly it lets itself be interrupted: then the next attempt finds nothing in its way.
        emit(EvaluatorGivenUp(activation.run_id, error))
        ended = self._interrupt(_FIRST_INTERRUPT)
        registration.fail(activation, error)
        if not ended:
            self._end_thread()

    def _may_import(self, turn: int) -> bool:
        earlier, budgets = self._importing
        self._importing = (turn, budgets + 1 if turn == earlier else 1)
        return self._importing[1] < _IMPORT_BUDGETS

    def _end_thread(self) -> None:
        for _ in range(_INTERRUPTS):
            if self._interrupt(_BETWEEN_INTERRUPTS):
                return
        logger.error(
            "%s was given up and does not end: its code catches every exception or waits for"
            " something outside of Python; it goes on until the process ends",
            self._desk.thread.name,
        )

    def _interrupt(self, patience: float) -> bool:
        """Whether the thread ends of it."""
        return not self._desk.interrupt() or self._desk.left.wait(patience)


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
    """Of the trace, not of the frames: those come apart when the import ends meanwhile."""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        trace = trace.tb_next
    return False


def _traceback(frame: FrameType | None) -> TracebackType | None:
    """What is running, as if it had raised: from the call into workflow code inwards."""
    trace: TracebackType | None = None
    while frame is not None and frame.f_code is not Desk.evaluate.__code__:
        trace = TracebackType(trace, frame, frame.f_lasti, frame.f_lineno or 0)
        frame = frame.f_back
    return trace
