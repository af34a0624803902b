"""Relief of an evaluator thread whose activation takes long: another one takes the inbox over.

One evaluator thread has the inbox at any time. Code that takes longer than `LONG` (it computes,
imports, reads a file, hangs) must not keep other runs waiting, so the inbox passes to a new thread;
the old one ends after its activation. Whether the code comes back at all is the watchdog's
question.

Nothing of this is on the way of an activation that is short: its thread leaves its task where it
can be seen, and wakes the relief only if that sleeps, because nothing was evaluated for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING

from hourglass.worker._thread_dump import switches_asleep

if TYPE_CHECKING:
    from hourglass.worker._evaluator_thread import EvaluatorThread

LONG = 0.01
"""Seconds from one look to the next: an activation seen by two of them takes long. Half as much
for each thread that is at such an activation: several in a row must not add up."""
_SHORTEST = 0.002
_LATE = 0.03
"""Seconds. A look that comes later had to wait for the GIL, or for a core, as everything does then:
one more thread that computes would make it longer. One for a thread that sleeps does not."""
_LOOKS_AT_REST = 20
"""Looks at an idle thread before the relief sleeps."""


class Relief(threading.Thread):
    """Looks after the thread that has the inbox."""

    def __init__(
        self,
        current: Callable[[], EvaluatorThread],
        relieve: Callable[[EvaluatorThread], None],
        relieved: Sized,
    ) -> None:
        """`relieve` is called, on this thread, when the current one's activation takes long."""
        super().__init__(name="hourglass-relief", daemon=True)
        self.asleep = False
        """True if `wake` has to be called when an activation begins."""
        self._current = current
        self._relieve = relieve
        self._relieved = relieved
        self._ended = False
        self._wakeup = threading.Event()
        self.start()

    def wake(self) -> None:
        """Begin to look again. From any thread."""
        self.asleep = False
        self._wakeup.set()

    def end(self) -> None:
        """Let the thread end."""
        self._ended = True
        self.wake()

    def run(self) -> None:
        """Look until the end."""
        seen: object = None
        asleep: int | None = None
        looks = 0
        due = time.monotonic()
        while not self._ended:
            thread = self._current()
            task = thread.task
            if task is None:
                looks += 1
                if looks >= _LOOKS_AT_REST:
                    looks, seen = 0, None
                    self._sleep()
            elif time.monotonic() <= due + _LATE:
                looks, asleep = 0, None
                if task is seen:
                    self._relieve(thread)
            else:
                looks, before, asleep = 0, asleep, switches_asleep(thread)
                if task is seen and asleep is not None and asleep == before:
                    self._relieve(thread)
            seen = task
            del task
            pause = max(_SHORTEST, LONG / 2 ** len(self._relieved))
            due = time.monotonic() + pause
            time.sleep(pause)

    def _sleep(self) -> None:
        self._wakeup.clear()
        # In this order: a task that begins now is either seen here, or wakes.
        self.asleep = True
        if self._current().task is None and not self._ended:
            self._wakeup.wait()
        self.asleep = False
