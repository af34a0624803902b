"""The event loop that workflow code runs on: asyncio's rules, without a clock, threads or sockets.

Ordinary asyncio code (tasks, futures, gather, queues, locks, timeouts, task groups) runs on it
unchanged, because it only ever needs `call_soon`, `call_later`, `create_task` and
`create_future`. What makes the loop deterministic:

* **One ordered queue.** Callbacks run first in, first out. Nothing enters from another thread.
* **Time stands still.** `time()` is the time of the current activation. A timer is a durable one:
  the run's owner is asked to record it (`LoopHost`), and calls back when history says it fired.
* **Tasks hash by their order of creation.** asyncio keeps tasks in sets (`asyncio.wait`,
  `TaskGroup`), whose order would otherwise depend on memory addresses. The hash is salted by the
  run's seed, so that tasks of different runs don't collide in asyncio's own registry.

The loop is never *run*: `drain` runs what is ready and returns. Between drains it holds the live
coroutines of a workflow that waits. A loop is only ever used by one thread at a time.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import CodeType
from typing import Any, NoReturn, TypeVar, cast

from hourglass.workflow._runtime.deadlines import install, wait_for
from hourglass.workflow._runtime.errors import Evicted, NotInWorkflowError
from hourglass.workflow._runtime.guard import PATIENCE, Guard
from hourglass.workflow._runtime.tasks import Handle, LoopHost, Task, TimerHandle

T = TypeVar("T")
Context = contextvars.Context

_log = logging.getLogger("hourglass.workflow")
_get_loop = asyncio._get_running_loop
_set_loop = asyncio._set_running_loop
_frame = sys._getframe  # pyright: ignore[reportPrivateUsage]
_copy_context = contextvars.copy_context


def running_host() -> LoopHost:
    """Find the run whose code is running; `NotInWorkflowError` when there is none."""
    loop = _get_loop()
    if isinstance(loop, WorkflowLoop):
        return loop.host
    raise NotInWorkflowError("not in a workflow: this call only works in workflow code")


class WorkflowLoop(Guard, asyncio.AbstractEventLoop):
    """See the module's text. Its owner sets `now`, calls `drain`, and at the end `evict`."""

    def __init__(self, host: LoopHost, seed: int) -> None:
        super().__init__(seed)
        self.host = host
        self.now = 0.0
        self.ready: deque[Handle | TimerHandle] = deque()
        self.ran = 0
        """Counts callbacks."""
        self._task_count = 0
        self._tasks: list[Task[Any]] = []
        self._prune_at = 16
        self._exception_handler: Callable[..., object] | None = None

    def whose(self) -> object:
        return self.host.log_details

    # --- what asyncio asks for

    def time(self) -> float:
        """The time of the activation, in seconds since the epoch."""
        return self.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.evicted

    def is_closed(self) -> bool:
        return self.evicted

    def call_soon(  # type: ignore[override]  # typeshed spells the arguments as a TypeVarTuple
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, _copy_context() if context is None else context)
        if self.evicted:
            return handle
        if _get_loop() is not self:
            self.refuse_strangers()
        if self.read_only:
            self.refuse_to_wake(callback, args)
        self.ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> TimerHandle:
        return self.start_timer(delay, None, callback, args, context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> TimerHandle:
        # The time is a float of this century: a difference is good to a microsecond, not better.
        timer = self.start_timer(round(when - self.now, 6), None, callback, args, context)
        timer._when = when  # pyright: ignore[reportPrivateUsage]
        return timer

    def start_timer(
        self,
        delay: float,
        summary: str | None,
        callback: Callable[..., object],
        args: tuple[Any, ...] = (),
        context: Context | None = None,
        *,
        at_once: bool = False,
    ) -> TimerHandle:
        """Start a durable timer of `delay` seconds. `at_once`: the callback only wakes waiters,
        and does so as soon as history has it, before what history has later."""
        self.check_writable("start a timer")
        timer = TimerHandle(self.host, self.now + delay, callback, args, context or _copy_context())
        timer.at_once = at_once or callback in _WAKES
        self.host.start_timer(timer, delay, summary)
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        if self.evicted:
            self.refuse_to_go_on()
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **options: Any,
    ) -> Task[T]:
        if options.pop("eager_start", None):
            options["eager_start"] = True
        if options:
            _close(coro)
            raise TypeError(f"create_task in a workflow takes no {', '.join(options)}")
        if _frame(1).f_code is _ENSURE_FUTURE and _made_from_a_set():
            _close(coro)
            raise RuntimeError(
                "asyncio.wait and asyncio.as_completed start coroutines in an order that a replay"
                " does not repeat: use workflow.wait and workflow.as_completed, or make tasks first"
            )
        if self.evicted:
            _close(coro)  # the task of an ended coroutine: it never runs, and never is done
        elif self.read_only:
            _close(coro)
            self.check_writable("create a task")
        self._task_count += 1
        return self._add_task(coro, self._task_count, name, context)

    def create_uncounted_task(
        self, coro: Coroutine[Any, Any, T], *, name: str, key: str
    ) -> Task[T]:
        """Make a task that may leave no trace in history: later ones keep their names and their
        order. `key` is what tells it from others, the same in every replay."""
        return self._add_task(coro, -1 - zlib.crc32(key.encode()), name, None)

    def _add_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        order: int,
        name: str | None,
        context: Context | None,
    ) -> Task[T]:
        task = Task(coro, self, order, name, context)
        task.own_context = self._context_of(task)
        tasks = self._tasks
        if len(tasks) >= self._prune_at:
            self._tasks = tasks = [known for known in tasks if not known.done()]
            self._prune_at = max(16, 2 * len(tasks))
        tasks.append(task)
        return task

    def _context_of(self, task: Task[Any]) -> Context:
        """Find a new task's context, also before Python 3.12: its first step is queued with it."""
        get_context: Callable[[], Context] | None = getattr(task, "get_context", None)
        if get_context is not None:
            return get_context()
        step = self.ready[-1] if self.ready and not self.evicted else None
        return _copy_context() if step is None else step._context  # pyright: ignore[reportPrivateUsage]

    def set_exception_handler(self, handler: Callable[..., object] | None) -> None:
        self.check_writable("set an exception handler")
        self._exception_handler = handler

    def get_exception_handler(self) -> Callable[..., object] | None:
        return self._exception_handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Log; silent for a run that is torn down, whose futures are waited for no more."""
        if not self.evicted:
            self.host.report(
                context.get("message", "unhandled error in a workflow"), context.get("exception")
            )

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if self._exception_handler is not None and not self.evicted:
            self._exception_handler(self, context)
        else:
            self.default_exception_handler(context)

    def get_task_factory(self) -> None:
        return None

    # --- what asyncio is led to (see `deadlines`)

    wait_for = staticmethod(wait_for)

    # --- what its owner asks for

    def drain(self) -> None:
        """Run callbacks until none is ready. What one raises comes out; the rest stays queued."""
        ready = self.ready
        while ready:
            handle = ready.popleft()
            self.ran += 1
            if not handle._cancelled:
                # What a Handle is made for, without one more call.
                run = handle._context.run  # pyright: ignore[reportPrivateUsage]
                run(handle._callback, *handle._args)  # pyright: ignore[reportPrivateUsage]

    def fire(self, timer: TimerHandle) -> None:
        """Call a timer's callback in its turn. One that only wakes waiters is called now: queued,
        it would wake them after a deadline that history has later."""
        if timer.at_once:
            timer._callback(*timer._args)  # pyright: ignore[reportPrivateUsage]
        else:
            self.ready.append(timer)

    def enter(self) -> Callable[[], None]:
        """Make this the thread's running loop; the result puts back what was there."""
        outer = _get_loop()
        leave = _leave if outer is None else _displace(outer)
        _set_loop(self)
        return leave

    def stack_trace(self) -> str:
        """Where each unfinished task waits."""
        traces: list[str] = []
        for task in self._tasks:
            if not task.done():
                lines = [f"{task.get_name()}:\n"]
                awaited: Any = task.get_coro()
                while (frame := getattr(awaited, "cr_frame", None)) is not None:
                    lines += traceback.format_stack(frame, limit=1)
                    awaited = awaited.cr_await
                traces.append("".join(lines))
        return "\n".join(traces)

    def evict(self) -> None:
        """End all coroutines where they wait. Their ``finally`` blocks run, up to the next wait,
        each in its task's context.

        Nothing they do has an effect. Code that insists on waiting is left behind unfinished.
        """
        self.evicted = True
        self.ready.clear()
        # A closing coroutine can still finish a task that another one created: walk a copy.
        for task in tuple(self._tasks):
            if not task.done():
                task.own_context.run(_close, task.get_coro())
                waiter: asyncio.Future[Any] | None = getattr(task, "_fut_waiter", None)
                if waiter is not None:
                    waiter.cancel()  # lets go of the task
        self._tasks.clear()
        self.ready.clear()


_ENSURE_FUTURE = getattr(asyncio.tasks, "_ensure_future", asyncio.ensure_future).__code__
_AS_COMPLETED_ITERATOR = getattr(asyncio.tasks, "_AsCompletedIterator", None)  # Python 3.13
_FROM_SETS: set[CodeType] = {asyncio.wait.__code__, asyncio.as_completed.__code__}
if _AS_COMPLETED_ITERATOR is not None:
    _FROM_SETS.add(_AS_COMPLETED_ITERATOR.__init__.__code__)


def _made_from_a_set() -> bool:
    """Tell whether asyncio is making tasks of a set of coroutines, ordered by address."""
    frame = _frame(2).f_back
    for _ in range(3):  # ensure_future, a comprehension, the function
        if frame is None:
            return False
        if frame.f_code in _FROM_SETS:
            return True
        frame = frame.f_back
    return False


def wake(future: asyncio.Future[Any], result: Any = None) -> None:
    """End the wait for a timer."""
    if not future.done():
        future.set_result(result)


_WAKES = (wake, getattr(asyncio.futures, "_set_result_unless_cancelled", wake))
"""The callbacks of `workflow.sleep` and `asyncio.sleep`."""


def _close(coro: Any) -> None:
    """End a coroutine quietly, also one that awaits in ``finally``.

    `throw` instead of `close`: it can be repeated when the code stops to wait once more.
    """
    for _ in range(PATIENCE):
        try:
            coro.throw(Evicted())
        except (Evicted, StopIteration):
            return
        except KeyboardInterrupt:
            raise
        except BaseException:
            _log.debug("workflow code raised while its run was evicted", exc_info=True)
            return
    import ctypes  # costs a program's start too much

    # Never freed: the interpreter's exit would close it, and it would go on for ever there.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coro))
    _log.warning("workflow code does not let go of an evicted run: %r", coro)


def _leave() -> None:
    _set_loop(None)


def _displace(outer: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """The thread runs another loop (a test, a replay inside a program): hide its current task and
    its hooks for async generators, which would otherwise adopt ours."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    swap: Any = getattr(asyncio.tasks, "_swap_current_task", None)  # Python 3.12
    task = swap(outer, None) if swap is not None else None

    def restore() -> None:
        _set_loop(outer)
        if swap is not None:
            swap(outer, task)
        sys.set_asyncgen_hooks(*hooks)

    return restore


def make_loop(host: LoopHost, seed: int) -> WorkflowLoop:
    """A loop for one run. (Type checkers find the class abstract: they don't see the refusals.)"""
    concrete: Callable[[LoopHost, int], WorkflowLoop] = cast("Any", WorkflowLoop)
    install()
    return concrete(host, seed)


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(self: WorkflowLoop, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            f"loop.{name} does not exist in a workflow: what touches threads, files, the network or"
            " the loop itself is not deterministic; do it in an activity"
        )

    refuse.__name__ = name
    return refuse


_REFUSED = """
    add_reader add_signal_handler add_writer call_soon_threadsafe close
    connect_accepted_socket connect_read_pipe connect_write_pipe create_connection
    create_datagram_endpoint create_server create_unix_connection create_unix_server
    getaddrinfo getnameinfo remove_reader remove_signal_handler remove_writer run_forever
    run_in_executor run_until_complete sendfile set_debug set_default_executor
    set_task_factory shutdown_asyncgens shutdown_default_executor sock_accept sock_connect
    sock_recv sock_recv_into sock_recvfrom sock_recvfrom_into sock_sendall sock_sendfile
    sock_sendto start_tls stop subprocess_exec subprocess_shell
""".split()  # noqa: SIM905 - one name a line would fill a page
for _name in _REFUSED:
    setattr(WorkflowLoop, _name, _refusal(_name))
