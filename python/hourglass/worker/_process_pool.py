"""Processes for synchronous activities, each supervised on its own.

One process runs one attempt at a time, and one thread here keeps it: hands over the attempt,
passes heartbeats on, takes the answer. A process that dies (a segmentation fault, the OOM killer)
takes its own attempt along and no other; its keeper starts another one for the next. A pool of
`concurrent.futures` gives up all of its processes and everything in them when one dies.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from hourglass.activity._context import CompleteAsyncError
from hourglass.exceptions import ApplicationError, CancelledError
from hourglass.worker import _process_child
from hourglass.worker._ended_call import EndedCall

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from hourglass.activity._context import Info

_PATIENCE = 5.0
"""Seconds that an idle process may take to end before it is killed."""


class Start:
    """Holds `lock` while a process starts: another one would inherit its end of the pipe."""

    lock = threading.Lock()

    @classmethod
    def after_fork(cls) -> None:
        """Renew the lock: a child of ours was forked while it was held."""
        cls.lock = threading.Lock()


os.register_at_fork(after_in_child=Start.after_fork)


class Job:
    """An attempt on its way through a process."""

    def __init__(
        self, number: int, message: bytes, heartbeat: Callable[[Sequence[Any]], None]
    ) -> None:
        self.number = number
        self.message = message
        self.heartbeat = heartbeat
        self.future: Future[EndedCall] = Future()
        self.future.set_running_or_notify_cancel()
        self._lock = threading.Lock()
        self._pipe: Connection | None = None
        self._cancelled = False

    def begin(self, pipe: Connection) -> None:
        """Send the attempt off. `CancelledError` if it was cancelled before."""
        with self._lock:
            if self._cancelled:
                raise CancelledError
            pipe.send(("run", self.message))
            self._pipe = pipe

    def end(self) -> None:
        """Forget the process: the attempt does not run any more."""
        with self._lock:
            self._pipe = None

    def cancel(self) -> None:
        """Have it see that it is cancelled, or never start it. From any thread."""
        with self._lock:
            self._cancelled = True
            if self._pipe is not None:
                with contextlib.suppress(OSError):  # it has died: its keeper finds out
                    self._pipe.send(("cancel", self.number))


class Keeper:
    """A thread and the process it keeps."""

    def __init__(self, processes: ActivityProcessPool) -> None:
        self._processes = processes
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self.thread = threading.Thread(target=self._keep, name="hourglass-process", daemon=True)
        self.thread.start()

    def _keep(self) -> None:
        while (job := self._processes.jobs.get()) is not None:
            job.future.set_result(EndedCall.of(self._run, job))
            self._processes.idle.release()
        self._end()

    def _run(self, job: Job) -> Any:
        process, pipe = self._living()
        try:
            job.begin(pipe)
            kind, value = self._answer(job, pipe)
        except (EOFError, OSError) as error:
            raise self._died(process) from error
        finally:
            job.end()
        if kind == "returned":
            return value
        raise CompleteAsyncError if kind == "async" else _linked(value)

    def _answer(self, job: Job, pipe: Connection) -> tuple[str, Any]:
        refused: BaseException | None = None
        while True:
            message = pipe.recv_bytes()
            try:
                kind, value = pickle.loads(message)
            except BaseException as error:  # noqa: BLE001, RUF100 - runs the program's own code
                return "raised", [_unreadable(error)]
            if kind != "heartbeat":
                return (kind, value) if refused is None else ("raised", [refused])
            try:
                job.heartbeat(value)
            except BaseException as error:  # noqa: BLE001, RUF100 - the attempt fails with it
                refused = refused or error
                job.cancel()

    def _living(self) -> tuple[BaseProcess, Connection]:
        """Return the process; start one if none lives."""
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self._end()
            self._process, self._pipe = self._processes.start()
        return self._process, self._pipe

    def _died(self, process: BaseProcess) -> ApplicationError:
        process.join(_PATIENCE)
        code = process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with status {code}"
        return ApplicationError(
            f"the process {process.pid} of the activity ended {how}", type="ProcessDied"
        )

    def _end(self) -> None:
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is None or pipe is None:
            return
        pipe.close()
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
            process.join(_PATIENCE)


class ActivityProcessPool:
    """As many processes as a `ProcessPoolExecutor` would have, started when they are needed."""

    def __init__(self, pool: Executor) -> None:
        # What it was made with is kept under names of its own only.
        self._context: BaseContext = getattr(pool, "_mp_context")  # noqa: B009
        self._initializer = getattr(pool, "_initializer", None)
        self._initargs = getattr(pool, "_initargs", ())
        self._most: int = getattr(pool, "_max_workers")  # noqa: B009
        self._keepers: list[Keeper] = []
        self._numbers = itertools.count(1)
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.idle = threading.Semaphore(0)

    def submit(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        info: Info,
        heartbeat: Callable[[Sequence[Any]], None],
    ) -> Job:
        """Run an attempt. `heartbeat` is called on another thread.

        Raises `ApplicationError`, which no retry helps, if an argument can't be pickled.
        """
        number = next(self._numbers)
        try:
            message = pickle.dumps((number, function, tuple(args), info))
        except Exception as error:
            raise ApplicationError(
                f"the arguments can't go to the process of the activity: {error}",
                type="EncodingError",
                non_retryable=True,
            ) from error
        if not self.idle.acquire(blocking=False) and len(self._keepers) < self._most:
            self._keepers.append(Keeper(self))
        job = Job(number, message, heartbeat)
        self.jobs.put(job)  # last: without a thread, the attempt fails and must not run as well
        return job

    def start(self) -> tuple[BaseProcess, Connection]:
        """Start one process; its end of the pipe is open nowhere else."""
        with Start.lock:
            ours, theirs = self._context.Pipe()
            make: Callable[..., BaseProcess] = getattr(self._context, "Process")  # noqa: B009
            process: BaseProcess = make(
                target=_process_child.serve,
                args=(theirs, self._initializer, self._initargs),
                name="hourglass-activity",
                daemon=True,
            )
            try:
                process.start()
            finally:
                theirs.close()
        return process, ours

    def shutdown(self) -> None:
        """Let every process end after its attempt. Does not wait."""
        for _ in self._keepers:
            self.jobs.put(None)


def _unreadable(error: BaseException) -> ApplicationError:
    return ApplicationError(
        f"what the process of the activity answered can't be unpickled: {type(error).__name__}:"
        f" {error}",
        type="EncodingError",
        non_retryable=True,
    )


def _linked(chain: list[BaseException]) -> BaseException:
    """Link the exceptions of a chain as causes again."""
    for error, cause in itertools.pairwise(chain):
        error.__cause__ = cause
    return chain[0]
