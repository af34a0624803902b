"""The native runtime of this process, and the engines that run on it.

* One runtime per process, made at first use. A forked child makes its own; what it inherited is
  kept untouched for ever, since the threads behind it exist in the parent only.
* One engine per database file in the process, shared by every client of it, closed with the last.
  An engine in memory belongs to one client.
* At exit, after the last ordinary thread has ended: evaluators stop, engines close, the runtime's
  threads are joined with the GIL released. Nothing native runs while Python is finalized.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hourglass import _bridge
from hourglass._aio import completed
from hourglass.exceptions import StaleHandleError

if TYPE_CHECKING:
    from hourglass._bridge import Engine, Operation, Runtime

_CLOSE_TIMEOUT = 10.0
"""Seconds that closing one engine may take at exit."""


class ProcessState:
    """What belongs to this process and must not be used in a child of it."""

    def __init__(self) -> None:
        # Re-entrant: a client that is garbage collected releases its engine wherever it happens.
        self.lock = threading.RLock()
        self.runtime: Runtime | None = None
        self.engines: dict[str, SharedEngine] = {}
        self.stoppers: list[Callable[[], None]] = []


_state = ProcessState()
_inherited: list[ProcessState] = []


def _after_fork() -> None:
    global _state  # noqa: PLW0603 - the state is the process's
    _inherited.append(_state)
    _state = ProcessState()


os.register_at_fork(after_in_child=_after_fork)


def process_runtime() -> Runtime:
    """The runtime of this process, made now if there is none."""
    state = _state
    if state.runtime is None:
        with state.lock:
            if state.runtime is None:
                state.runtime = _bridge.Runtime()
    return state.runtime


def current_epoch() -> int | None:
    """The epoch of the runtime there is now; None while there is none."""
    runtime = _state.runtime
    return None if runtime is None else runtime.epoch


def renew(epoch: int, reason: str) -> bool:
    """The restart signal: have the runtime of `epoch` replaced.

    Only the first signal of an epoch does anything (True): a handle left over from an older epoch
    never restarts the current one. Never raises.
    """
    state = _state
    with state.lock:
        runtime = state.runtime
        if runtime is None or runtime.epoch != epoch:
            return False
        state.runtime, state.engines = None, {}
    runtime.close()
    return True


def on_exit(stop: Callable[[], None]) -> None:
    """Call `stop` at exit of this very process, before engines and runtime close."""
    _state.stoppers.append(stop)


@atexit.register
def close() -> None:
    """Close everything in order. Runs at exit; harmless when nothing was opened."""
    global _state
    state, _state = _state, ProcessState()
    for stop in state.stoppers:
        stop()
    closing = [shared.close() for shared in list(state.engines.values())]
    for operation in filter(None, closing):
        operation.wait(_CLOSE_TIMEOUT)
    if state.runtime is not None:
        state.runtime.close()


Synchronous = Literal["full", "normal"]


class SharedEngine:
    """An engine and how many clients use it. `path` None: in memory, not shared."""

    def __init__(self, path: str | None, synchronous: Synchronous) -> None:
        self.path = path
        self.synchronous: Synchronous = synchronous
        self.users = 0
        self._opening: Operation[Engine] = _bridge.Engine.open(
            process_runtime(), path, synchronous=synchronous
        )
        self._closing: Operation[None] | None = None
        self._closed = False

    async def engine(self) -> Engine:
        """The engine, once open; `DatabaseError` if it can't be opened."""
        return await completed(self._opening, shared=True)

    async def closed(self) -> None:
        """Wait until the file is free again."""
        if self._closing is not None:
            await completed(self._closing, shared=True)

    @property
    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> Operation[None] | None:
        """Begin to close; None if it never opened."""
        self._closed = True
        if self._closing is None:
            try:
                engine = self._opening.wait(_CLOSE_TIMEOUT)
            except _bridge.BridgeError:
                return None  # whoever opened it was told
            try:
                self._closing = engine.close()
            except _bridge.StaleHandleError:
                return None  # closed with its runtime
        return self._closing


async def open_engine(path: str | None, synchronous: Synchronous = "full") -> EngineLease:
    """Open the engine of a database, or join the one that has it open in this process.

    Raises `DatabaseError`. Close the lease when done; the last one closes the engine.
    """
    state = _state
    if path is None:
        return await _lease(state, SharedEngine(None, synchronous))
    key = _canonical(path)
    while True:
        with state.lock:
            shared = state.engines.get(key)
            if shared is None:
                shared = state.engines[key] = SharedEngine(key, synchronous)
            if not shared.is_closing:
                shared.users += 1
                break
        await shared.closed()
        with state.lock:
            if state.engines.get(key) is shared:
                del state.engines[key]
    return await _lease(state, shared)


def _canonical(path: str) -> str:
    """One name for one file, however it was written."""
    return str(Path(path).resolve())


async def _lease(state: ProcessState, shared: SharedEngine) -> EngineLease:
    lease = EngineLease(state, shared)
    try:
        lease.opened = await shared.engine()
    except BaseException:
        lease.release()
        raise
    return lease


class EngineLease:
    """One client's share of an engine. Give it back with `close`, or `release` without waiting."""

    opened: Engine

    def __init__(self, state: ProcessState, shared: SharedEngine) -> None:
        self._pid = os.getpid()
        self._state = state
        self._shared: SharedEngine | None = shared

    @property
    def engine(self) -> Engine:
        """The engine. `StaleHandleError` in a forked child."""
        if self._pid != os.getpid():
            raise StaleHandleError(
                f"the engine of process {self._pid} can't be used in process {os.getpid()}, which "
                "was forked from it; connect a new client there",
                self._pid,
            )
        return self.opened

    def release(self) -> Operation[None] | None:
        """Give it back; the operation that closes the engine if this was the last lease."""
        if self._pid != os.getpid():
            return None  # the parent's. So is the lock: a thread of its may hold it for ever here
        with self._state.lock:
            shared, self._shared = self._shared, None
            if shared is None:
                return None
            shared.users -= 1
            if shared.users > 0 or self._state is not _state:
                return None
            closing = shared.close()
            if closing is None:
                self._forget(shared)  # it never opened, or is closed
            return closing

    async def close(self) -> None:
        """Give it back, and wait until the file is closed if this was the last."""
        shared = self._shared
        closing = self.release()
        if closing is None or shared is None:
            return
        await completed(closing, shared=True)
        with self._state.lock:
            self._forget(shared)

    def _forget(self, shared: SharedEngine) -> None:
        if shared.path is not None and self._state.engines.get(shared.path) is shared:
            del self._state.engines[shared.path]


__all__: list[Any] = ["EngineLease", "on_exit", "open_engine", "process_runtime"]
