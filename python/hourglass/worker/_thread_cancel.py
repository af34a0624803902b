"""Raising a cancellation in the thread of a synchronous activity.

Python can set an exception in another thread; it is raised there between two bytecodes. The hard
part is the end: an exception set just before the function returns must not hit what the thread does
next. So setting it and leaving both happen under one lock, and leaving takes back what was set but
not raised yet.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from hourglass.exceptions import CancelledError

_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
_set_async_exception.restype = ctypes.c_int
_clear_async_exception = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)


def raise_in(thread: int, kind: type[BaseException]) -> None:
    """Have `kind` raised in a thread, in place of what was set before and not raised yet."""
    _set_async_exception(thread, kind)


def take_back(thread: int) -> None:
    """Take back an exception that was set and not raised yet."""
    _clear_async_exception(thread, None)


class ThreadCancel:
    """Runs one function in the current thread, and can raise `CancelledError` in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._shields = 0
        self._wanted = False
        self._raised = False

    def run(self, fn: Callable[..., Any], args: Sequence[Any]) -> Any:
        """Call the function here; a cancellation from before the start is raised at once."""
        with self._lock:
            if self._wanted:
                raise CancelledError
            self._thread = threading.get_ident()
        try:
            return fn(*args)
        finally:
            with self._lock:
                self._thread = None
                if self._raised:
                    take_back(threading.get_ident())

    def cancel(self) -> None:
        """Raise in the thread now, or as soon as no shield is up. From any thread."""
        with self._lock:
            self._wanted = True
            self._raise_if_due()

    @contextmanager
    def shield(self) -> Generator[None]:
        """Keep exceptions back within the block; raise what is due at its end."""
        with self._lock:
            self._shields += 1
        try:
            yield
        finally:
            with self._lock:
                self._shields -= 1
                self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._wanted and not self._raised and self._shields == 0 and self._thread is not None:
            self._raised = True
            raise_in(self._thread, CancelledError)
