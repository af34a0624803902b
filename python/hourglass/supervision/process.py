"""A process: something alive that starts once and ends once, with a reason.

What a supervisor needs of a child is small: start it, ask it to stop, kill it, learn how it ended.
`Process` is that, and the identity (`pid`) that tells one life from the next. How it lives is up to
the subclass: `TaskProcess`, `ThreadProcess`, or a third one that implements the three hooks.

Life::

    made ──launch()──> starting ──ready()──> up ──stop() · kill() · by itself──> exited
                           └── ended before it was up: until_up() raises StartFailed or Ignore

The public methods may be called from any thread. The hooks (`_launch`, `_ask`, `_slay`) and
`_finish` run on the supervision loop, one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import ContextVar
from typing import ClassVar, Final, Literal, TypeAlias

from .errors import LoopGone, NotStarted, StartedTwice, StartFailed
from .exits import KILLED, NORMAL, SHUTDOWN, Crash, Exit, ExitReason, Ignore
from .place import Parent, Place
from .reply import Promise, Reply

Kind: TypeAlias = Literal["worker", "supervisor"]
Budget: TypeAlias = float | Literal["infinity", "brutal_kill"]
"""How long a child may take to stop before it is killed, in seconds; `brutal_kill`: no time."""

_log = logging.getLogger("hourglass.supervision")
_pids: itertools.count[int] = globals().get("_pids") or itertools.count(1)
_current: ContextVar[Process | None] = ContextVar("hourglass_supervision_process", default=None)


def current_process() -> Process | None:
    """The process whose code is running here; None outside of all processes."""
    return _current.get()


class Process(ABC):
    """Something alive that starts once and ends once, with a reason."""

    kind: ClassVar[Kind] = "worker"
    shutdown: ClassVar[Budget] = 5.0
    """The shutdown budget of a child spec that names none."""

    def __init__(self) -> None:
        self.pid: Final = next(_pids)
        self._place: Place | None = None
        self._up: asyncio.Future[ExitReason | Ignore | None] | None = None
        self._asked: ExitReason | None = None
        self._exited: Promise[ExitReason] = Promise()
        self._monitors: dict[Monitor, None] = {}
        self.exit.on_done(self._tell_monitors)

    def __repr__(self) -> str:
        name = f"{self._place.id}: " if self._place else ""
        return f"<{name}{type(self).__name__} #{self.pid}>"

    # --- from any thread ------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """Where it was started. Raises `NotStarted` before that."""
        if self._place is None:
            raise NotStarted(self)
        return self._place

    @property
    def id(self) -> str:
        """The id under which it was started."""
        return self.place.id

    @property
    def exit(self) -> Reply[ExitReason]:
        """The reason it will have ended with: wait for it, as often as you like."""
        return self._exited.answer

    @property
    def exit_reason(self) -> ExitReason | None:
        """The reason it ended with; None before. In a forked child: `Killed`."""
        if self._forked:
            return KILLED
        return self.exit.result() if self.exit.done() else None

    @property
    def alive(self) -> bool:
        """Say whether it was started and has not ended."""
        return self._place is not None and self.exit_reason is None

    @property
    def started(self) -> bool:
        """Say whether it was ever started: once is all a process can be."""
        return self._place is not None

    @property
    def starting(self) -> bool:
        """Say whether its starter waits for it to come up."""
        return self._up is not None and not self._up.done()

    def stop(self, reason: ExitReason = SHUTDOWN) -> None:
        """Ask it to end with `reason`, and return at once. The first one who asks sets the reason.

        A process that ends without failing after it was asked exits with that reason.
        """
        self._signal(self._stop_now, reason)

    def kill(self) -> None:
        """End it by force, and return at once. Nothing of its own gets time to run."""
        self._signal(self._kill_now)

    def monitor(self, callback: Callable[[Process, ExitReason], None]) -> Monitor:
        """Call `callback` exactly once when it has ended: at once if it already has.

        Else the call comes on the supervision loop's thread, so it must be quick.
        """
        monitor = Monitor(self, callback)
        if self._forked:
            monitor.tell(KILLED)  # and leave the others to the parent
            return monitor
        self._monitors[monitor] = None
        if self.exit.done():  # then `_tell_monitors` may have been before us
            self._tell_monitors()
        return monitor

    def forget(self, monitor: Monitor) -> bool:
        """Take a monitor off the list; False when it is not there (any more)."""
        return self._monitors.pop(monitor, monitor) is None

    def _tell_monitors(self) -> None:
        # May run on two threads at once: the one that takes a monitor off the list calls it.
        reason = self.exit.result()
        for monitor in tuple(self._monitors):
            if self.forget(monitor):
                monitor.tell(reason)

    # --- starting: for supervisors, `Server.start_link` and `SupervisionLoop.start` ---------------

    def launch(self, place: Place) -> None:
        """Begin its life, on the loop's thread; `until_up` is the second half of starting it."""
        if self._place is not None:
            raise StartedTwice(self)
        self._place = place
        self._up = asyncio.get_running_loop().create_future()
        try:
            self._launch()
        except Exception as error:  # no thread to be had, for one
            self._finish(Crash(error))

    async def until_up(self) -> None:
        """Wait until it is up. Raises `StartFailed`, or `Ignore` when it found nothing to run."""
        assert self._up is not None
        outcome = await self._up
        if isinstance(outcome, Ignore):
            raise outcome
        if outcome is not None:
            raise StartFailed(self.id, outcome)

    def ready(self) -> None:
        """Tell its starter that it is up. Any thread may call it; once is enough."""
        self._signal(self._set_up, None)

    # --- for subclasses --------------------------------------------------------------------------

    @abstractmethod
    def _launch(self) -> None:
        """Begin to live, and return at once; `ready` says when it is up."""

    @abstractmethod
    def _ask(self, reason: ExitReason) -> None:
        """Pass on that it was asked to stop. Called at most once."""

    @abstractmethod
    def _slay(self) -> None:
        """End it by force, in bounded time, with `_finish(KILLED)`."""

    def lose(self, reason: ExitReason) -> None:
        """Record its end when its loop has died: none of its hooks can run any more."""
        self._finish(reason)

    def _judge(self, error: BaseException | None) -> ExitReason:
        """The exit reason of a body that returned (None) or raised."""
        match error:
            case None:
                return self._asked or NORMAL
            case Exit():
                return error.reason
            case Ignore():
                return NORMAL
            case asyncio.CancelledError() if self._asked is not None:
                return self._asked
            case _:
                return Crash(error)

    def waits_for(self, server: Process) -> bool:
        """Say whether `server` can do nothing before the code that runs here is done.

        It runs here as `server` itself, or as a process that `server` is just starting.
        """
        process: Parent | None = self if self._runs_here() else None
        while process is not None and process is not server and process.starting:
            process = process.place.parent
        return process is server

    def _runs_here(self) -> bool:
        """Say whether the running code is this process's own, not that of something it began."""
        return True

    def _finish(self, reason: ExitReason, error: BaseException | None = None) -> None:
        """Record its end and tell those who wait. Only the first call counts."""
        self._set_up(error if isinstance(error, Ignore) else reason)
        self._exited.resolve(reason)

    @property
    def _forked(self) -> bool:
        return self._place is not None and self._place.loop.forked

    # --- on the loop -----------------------------------------------------------------------------

    def _set_up(self, outcome: ExitReason | Ignore | None) -> None:
        if self._up is not None and not self._up.done():
            self._up.set_result(outcome)

    def _stop_now(self, reason: ExitReason) -> None:
        if self._asked is None and not self.exit.done():
            self._asked = reason
            self._ask(reason)

    def _kill_now(self) -> None:
        if not self.exit.done():
            self._slay()

    def _signal(self, action: Callable[..., None], *args: object) -> None:
        loop = self.place.loop
        if loop.is_current():
            action(*args)
            return
        with contextlib.suppress(LoopGone):  # then the process is gone too: nothing to tell it
            loop.post(action, *args)


class Monitor:
    """A pending `Process.monitor`."""

    def __init__(self, process: Process, callback: Callable[[Process, ExitReason], None]) -> None:
        self.process: Final = process
        self._callback: Final = callback

    def cancel(self) -> None:
        """Don't call it any more."""
        self.process.forget(self)

    def tell(self, reason: ExitReason) -> None:
        """Call it. Its failure is logged: it must not keep others from being told."""
        try:
            self._callback(self.process, reason)
        except Exception:
            _log.exception("a monitor of %s failed", self.process)


def enter_process(process: Process) -> None:
    """Mark the running task or thread as `process`'s own."""
    _current.set(process)
