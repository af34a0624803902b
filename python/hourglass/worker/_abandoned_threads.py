"""Threads of activities that ignore their cancellation, and the end of a process that has some.

At exit Python waits for every ordinary thread, a pool's too: one that never ends keeps the process
for ever, a pod in "Terminating" until it is killed. A process that belongs to its workers
(`run_until_signal`) says which threads these are, gives them a last period, and ends without them:
after its exit handlers, with status 1.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from typing import Any

from hourglass.worker._thread_dump import frame_of, stack

logger = logging.getLogger("hourglass.worker")
_LAST_PERIOD = 5.0
_LOOK_AGAIN = 0.05
"""Seconds."""
_threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def note(thread: threading.Thread) -> None:
    """Remember an abandoned thread."""
    _threads.add(thread)


def forget(thread: threading.Thread) -> None:
    """Forget a thread whose activity has ended after all."""
    _threads.discard(thread)


def end_without_abandoned_threads() -> None:
    """Let this process end without its abandoned threads, if there are any."""
    if _blocking():
        # Called before Python waits for threads, unlike what `atexit` has.
        register: Any = getattr(threading, "_register_atexit")  # noqa: B009 - not in the stubs
        register(_end)


def _blocking() -> list[threading.Thread]:
    return [thread for thread in _threads if thread.is_alive() and not thread.daemon]


def _end() -> None:
    end = time.monotonic() + _LAST_PERIOD
    while (blocking := _blocking()) and time.monotonic() < end:
        blocking[0].join(_LOOK_AGAIN)  # it may also come back and stay in its pool
    if not blocking:
        return
    for thread in blocking:
        logger.critical(
            "thread %s keeps this process from ending, in an activity that ignores its"
            " cancellation: ending without it\n%s",
            thread.name,
            stack(frame_of(thread.ident)),
        )
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)
