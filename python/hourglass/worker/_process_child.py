"""The child's side of `_process_pool`: takes attempts from the pipe, runs them, answers.

The main thread runs them, one after the other; another one listens for what the parent says
meanwhile. An activity sees that it is cancelled (`activity.is_cancelled`); nothing is raised in
it, unlike in a thread of the worker: that is the convention. When the pipe ends, the parent is
gone, and so is the process, at once: the attempt is the service's to give out again.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.activity import _context
from hourglass.activity._context import Context, Info, Latch
from hourglass.converter import DataConverter
from hourglass.converter.failure_text import cause_of, text_of, type_name
from hourglass.exceptions import ApplicationError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Attempt = tuple[int, Callable[..., Any], Sequence[Any], Info]
"""Its number, function, arguments and info."""


_MAX_CAUSES = 20


class RemoteTracebackError(Exception):
    """The traceback in the child, as text: tracebacks don't cross processes."""


def serve(
    pipe: Connection, initializer: Callable[..., object] | None, initargs: Sequence[Any]
) -> None:
    """Run attempts until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it cancels what runs
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if initializer is not None:
        initializer(*initargs)
    child = Child(pipe)
    threading.Thread(target=child.listen, name="hourglass-parent", daemon=True).start()
    child.run()


class Child:
    """Runs attempts, and listens to the parent meanwhile."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._attempts: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._number = 0
        self._wanted = -1
        """The attempt that was last asked to end; it may not have begun yet."""
        self._cancelled = Latch(None)
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Hear the parent until it is gone; on a thread of its own."""
        while True:
            try:
                kind, value = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(0)
            if kind == "run":
                self._attempts.put(value)
            else:
                self._cancel_attempt(value)

    def run(self) -> None:
        """Run one attempt after the other, for ever."""
        while True:
            self._answer(*self._outcome(self._attempts.get()))

    def _cancel_attempt(self, number: int) -> None:
        with self._lock:
            self._wanted = number
            self._cancel_if_wanted()

    def _cancel_if_wanted(self) -> None:
        if self._wanted == self._number:
            self._cancelled.set()

    def _outcome(self, message: bytes) -> tuple[str, Any]:
        try:
            attempt: Attempt = pickle.loads(message)
            return ("returned", contextvars.copy_context().run(self._attempt, *attempt))
        except _context.CompleteAsyncError:
            return ("async", None)
        except BaseException as error:  # noqa: BLE001, RUF100 - whatever it is, it is the answer
            return ("raised", _portable(error))

    def _attempt(
        self, number: int, function: Callable[..., Any], args: Sequence[Any], info: Info
    ) -> Any:
        context = Context(
            info=info,
            payload_converter=DataConverter.default.payload_converter,
            send_heartbeat=lambda details: self._answer("heartbeat", tuple(details)),
            cancelled=Latch(None),
            worker_shutdown=Latch(None),
        )
        _context.enter(context)
        with self._lock:
            self._number, self._cancelled = number, context.cancelled
            self._cancel_if_wanted()
        return function(*args)

    def _answer(self, kind: str, value: Any) -> None:
        """Tell the parent; a value that can't leave is an error: the activity's, or its result."""
        try:
            message = pickle.dumps((kind, value))
        except BaseException as error:
            what = "the result" if kind == "returned" else f"the {kind}"
            refused = ApplicationError(
                f"{what} can't leave the process of the activity: {error}",
                type="EncodingError",
                non_retryable=True,
            )
            if kind == "heartbeat":
                raise refused from error
            message = pickle.dumps(("raised", [refused]))
        self._pipe.send_bytes(message)


def _portable(error: BaseException) -> list[BaseException]:
    """An exception and its causes, each as something that arrives whole, and where it came from."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException as failed:  # noqa: BLE001, RUF100 - texts are the program's own code
        text = f"no traceback: {type(failed).__name__}\n"
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _MAX_CAUSES:
        chain.append(_whole(current))
        current = cause_of(current)
    return [*chain, RemoteTracebackError(f"\n{text}")]


def _whole(error: BaseException) -> BaseException:
    """Return the exception if it survives pickling, else an `ApplicationError` in its place.

    Many exceptions with arguments of their own don't. `SystemExit` and its kind would, but are not
    for the parent: they end what raises them.
    """
    if isinstance(error, (Exception, asyncio.CancelledError)):
        try:
            if isinstance(pickle.loads(pickle.dumps(error)), type(error)):
                return error
        except BaseException:  # noqa: BLE001, RUF100 - pickling runs the program's own code
            pass
    return ApplicationError(text_of(error), type=type_name(error))
