"""The thread and event loop on which supervision lives.

Of its own, so that it works the same under a user's event loop that is blocked, in a program that
has none, in Django and in a notebook. The thread starts with the first thing to run. It is a
daemon, and the trees on it are stopped in order, last started first, by `stop` or else at the
interpreter's exit. In a forked child the tree is dead: its processes read as `Killed`, its loop
raises `LoopGone`, and `default_loop` makes a new one. A thread that can't start or dies is
`LoopFailed` for everything that waits: calls, exits of processes, what was to be run.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .children import halt
from .clock import Clock, Timer, WallClock
from .errors import CallTimeout, LoopFailed, LoopGone
from .exits import Crash, exception_of, is_abnormal
from .lifetime import lifetime
from .place import Place
from .process import Process
from .reply import Promise, Reply, mark_supervision_thread
from .task import KILL_TURNS

if TYPE_CHECKING:
    from typing_extensions import TypeVarTuple, Unpack

    from .exits import ExitReason

    Args = TypeVarTuple("Args")

P = TypeVar("P", bound=Process)
T = TypeVar("T")

EXIT_BUDGET: Final = 30.0
"""Seconds that trees still running at the interpreter's exit may take to stop."""

_log = logging.getLogger("hourglass.supervision")


class SupervisionLoop:
    """A thread with an event loop for supervision trees."""

    def __init__(self, name: str = "hourglass-supervision", clock: Clock | None = None) -> None:
        self.name: Final = name
        self.clock: Final[Clock] = clock or WallClock()
        self._os_pid = os.getpid()
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id: int | None = None
        self._closed = False
        self._stopped: Promise[None] = Promise()
        self._died_of: BaseException | None = None
        self._posts: deque[Callable[[], object]] = deque()
        """Callbacks that the loop has not taken yet."""
        self._roots: dict[int, Process] = {}
        self._tasks: dict[asyncio.Task[None], Promise[Any]] = {}
        """Coroutines that run, and what their callers wait for."""
        self._stopping = False
        self._halted = False

    def __repr__(self) -> str:
        return f"<SupervisionLoop {self.name}>"

    # --- from any thread ----------------------------------------------------------

    @property
    def forked(self) -> bool:
        """Say whether it belongs to the process that this one was forked from."""
        return self._os_pid != os.getpid()

    @property
    def gone(self) -> bool:
        """Say whether it is of no more use: stopped (or about to be), or left behind by a fork."""
        return self.forked or self._closed or self._stopping

    def is_current(self) -> bool:
        """Say whether this is its thread."""
        return self._thread_id == threading.get_ident() and not self.forked

    def start(self, process: P, name: str | None = None) -> Reply[P]:
        """Start `process` as the root of a tree; fails with `StartFailed` or `Ignore`."""
        return self.run(self._start_root, process, name or type(process).__name__)

    def run(
        self, function: Callable[[Unpack[Args]], Coroutine[Any, Any, T]], *args: Unpack[Args]
    ) -> Reply[T]:
        """Run a coroutine function on the loop; fails with `LoopGone` when the loop stops first."""
        promise: Promise[T] = Promise()
        try:
            self.post(self._spawn, promise, partial(function, *args))
        except LoopGone as error:
            promise.reject(error)
        return promise.answer

    def post(self, callback: Callable[[Unpack[Args]], object], *args: Unpack[Args]) -> None:
        """Have the loop call `callback`, soon. Raises `LoopGone`.

        It is called in an empty context: a process must not carry on what happened to be set where
        it was started.
        """
        if self.forked:
            raise LoopGone(f"{self} belongs to the process this one was forked from")
        with self._lock:
            if self._closed:
                raise self._refusal()
            loop = self._running_loop()
            self._posts.append(partial(callback, *args))
            loop.call_soon_threadsafe(self._take_post, context=Context())

    def stop(self, timeout: float | None = None) -> Reply[None]:
        """Stop the trees, last started first, each within its shutdown budget, and end the thread.

        Processes left after `timeout` seconds are killed. Stopping again is allowed; a loop that
        was stopped stays so.
        """
        with contextlib.suppress(LoopGone), self._lock:
            if self._loop is None and not self.forked:
                self._closed = True
                self._stopped.resolve(None)
            self.post(self._begin_stop, timeout)
        return self._stopped.answer

    # --- for processes, on the loop's thread -----------------------------------------------------

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in `seconds` of the injected clock."""
        assert self._loop is not None
        return self.clock.call_later(self._loop, seconds, callback)

    # --- inside ----------------------------------------------------------------------------------

    def _refusal(self) -> LoopGone:
        """Return the error of a call to a loop that has ended."""
        if self._died_of is not None:
            return LoopFailed(self, self._died_of)
        return LoopGone(f"{self} was stopped")

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            lifetime.register(self)
            try:
                _check_threads()
                self._loop = self._start_thread()
            except (RuntimeError, OSError) as error:  # no thread to be had, or no descriptor
                raise LoopFailed(self, error) from error
        return self._loop

    def _start_thread(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        try:
            threading.Thread(
                target=self._thread_main, args=(loop,), name=self.name, daemon=True
            ).start()
        except RuntimeError:
            loop.close()
            raise
        return loop

    def _thread_main(self, loop: asyncio.AbstractEventLoop) -> None:
        mark_supervision_thread()
        self._thread_id = threading.get_ident()
        try:
            while not self._halted:
                self._run(loop)
            with self._lock:
                self._closed = True  # nothing is accepted from here on; what was still runs
            loop.run_until_complete(_cancel_everything())
        except BaseException as error:
            self._die(error)
            _drop_tasks(loop)
        finally:
            loop.close()
            self._thread_id = None  # thread ids are used again
            self._stopped.resolve(None)

    def _die(self, error: BaseException) -> None:
        """Tell everything that waits for the loop that it runs no more."""
        _log.critical("%s died: %s", self, error, exc_info=error)
        with self._lock:
            self._died_of, self._closed = error, True
        failure = LoopFailed(self, error)
        for process in tuple(self._roots.values()):
            process.lose(Crash(failure))
        while self._posts:  # they find their process gone
            self._take_post()
        for promise in tuple(self._tasks.values()):
            promise.reject(failure)

    def _take_post(self) -> None:
        try:
            self._posts.popleft()()
        except Exception:
            _log.exception("%s: a callback failed", self)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):  # these two come through every task and callback
            _log.exception("something on %s tried to end the thread", self)

    def _spawn(self, promise: Promise[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        if self._died_of is not None:
            promise.reject(self._refusal())
            return
        task = asyncio.get_running_loop().create_task(_fulfil(promise, work))
        self._tasks[task] = promise
        task.add_done_callback(self._tasks.pop)
        task.add_done_callback(lambda _: promise.reject(LoopGone(f"{self} was stopped meanwhile")))

    async def _start_root(self, process: P, name: str) -> P:
        if self._stopping:
            raise LoopGone(f"{self} is being stopped")
        process.launch(Place(self, None, name))
        self._roots[process.pid] = process
        try:
            await process.until_up()
        except BaseException:
            self._roots.pop(process.pid, None)
            raise
        process.monitor(self._root_exited)
        return process

    def _root_exited(self, process: Process, reason: ExitReason) -> None:
        self._roots.pop(process.pid, None)
        if is_abnormal(reason):
            _log.error("%s exited: %s", process, reason, exc_info=exception_of(reason))

    def _begin_stop(self, timeout: float | None) -> None:
        if timeout is not None:
            self.call_later(timeout, self._kill_roots)
        if not self._stopping:
            self._stopping = True
            self._spawn(Promise(), self._stop_roots)

    async def _stop_roots(self) -> None:
        try:
            for process in reversed(tuple(self._roots.values())):
                await halt(process, process.shutdown)
        except Exception:
            _log.exception("%s could not stop its trees in order", self)
        finally:
            self._halted = True
            asyncio.get_running_loop().stop()

    def _kill_roots(self) -> None:
        for process in tuple(self._roots.values()):
            process.kill()

    # --- the ends of the interpreter -------------------------------------------------------------

    def stop_at_exit(self) -> None:
        """Stop in order, but don't keep the interpreter for ever."""
        try:
            self.stop(EXIT_BUDGET).result(EXIT_BUDGET + 1)
        except CallTimeout:
            _log.error("%s did not stop within %s s: %s", self, EXIT_BUDGET, self._roots)

    def reset_after_fork(self) -> None:
        """The lock may have been held by a thread that is not here."""
        self._lock = threading.RLock()


async def _fulfil(promise: Promise[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
    try:
        promise.resolve(await work())
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        promise.reject(error)


def _drop_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Close the coroutines of a loop that can't run them any more."""
    for task in asyncio.all_tasks(loop):
        with contextlib.suppress(Exception):
            task._log_destroy_pending = False  # type: ignore[attr-defined] # that was said
            cast("Coroutine[Any, Any, Any]", task.get_coro()).close()


def _check_threads() -> None:
    """Raise if the threads of this program are greenlets: they can't run a loop beside another."""
    library = threading.get_ident.__module__.split(".")[0]
    if library != "_thread":
        raise RuntimeError(
            f"the threads of this process are greenlets of {library}, which can't wait in native "
            "code; leave threads and select as they are: patch_all(thread=False, select=False)"
        )


async def _cancel_everything() -> None:
    """Cancel what is left; abandoned tasks that resist are given some turns, then left."""
    for _ in range(KILL_TURNS):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if not others:
            return
        await asyncio.sleep(0)


_default: list[SupervisionLoop] = globals().get("_default") or []
"""The one there is, if there is one. A reload of this module keeps it."""


def default_loop() -> SupervisionLoop:
    """The loop of this OS process; a new one after it was stopped, and after a fork."""
    with lifetime.lock:
        if not _default or _default[0].gone:
            _default[:] = [SupervisionLoop()]
        return _default[0]
