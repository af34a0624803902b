"""The embedded engines of this process.

One engine per database file, shared by every client of it and closed with the last. An engine in
memory belongs to one client. Engines live beside the tree: when the runtime is replaced, the next
one adopts them as they are, open file, running timers, data in memory and all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from hourglass import _bridge
from hourglass._aio import completed
from hourglass.exceptions import DatabaseInUseError, StaleHandleError
from hourglass.subsystem import _state
from hourglass.subsystem.runtime import CLOSE_TIMEOUT, runtime_ready

if TYPE_CHECKING:
    from hourglass._bridge import Engine, Operation, Runtime
    from hourglass.subsystem._state import ProcessState

Synchronous = Literal["full", "normal"]
HistoryLimits = tuple[int | None, int | None]
"""Limits of a run's history, in events and in bytes; 0 is unlimited, None as on a server."""
RETRY_IN_USE = 0.05
"""Seconds between attempts at a database that another process has. A lock can't be waited for and
given up again, so this one thing is asked for again and again."""


class SharedEngine:
    """An engine and how many clients use it. `path` None: in memory, not shared."""

    def __init__(
        self,
        path: str | None,
        synchronous: Synchronous,
        time_skipping: bool = False,
        history_limits: HistoryLimits = (None, None),
    ) -> None:
        self.path = path
        self.synchronous: Synchronous = synchronous
        self.time_skipping = time_skipping
        self.history_limits = history_limits
        self.users = 0
        self._opening: Operation[Engine] | None = None
        self._engine: Engine | None = None
        self._closing: Operation[None] | None = None
        self._closed = False

    async def engine(self, wait: float = 0.0) -> Engine:
        """The engine as a handle of the current epoch; `DatabaseError` if it can't be opened.

        `wait`: for how many seconds, if another process has the database open.
        """
        give_up = time.monotonic() + wait
        while True:
            runtime = await runtime_ready()
            try:
                return await self._on(runtime)
            except StaleHandleError:
                if _state.current().runtime is runtime:
                    raise
            except DatabaseInUseError:
                if time.monotonic() >= give_up:
                    raise
                await asyncio.sleep(RETRY_IN_USE)

    async def _on(self, runtime: Runtime) -> Engine:
        if self._engine is None:
            if self._opening is None:
                self._opening = _bridge.Engine.open(
                    runtime,
                    self.path,
                    synchronous=self.synchronous,
                    time_skipping=self.time_skipping,
                    history_events=self.history_limits[0],
                    history_bytes=self.history_limits[1],
                )
            opening = self._opening
            try:
                opened = await completed(opening, shared=True)
            except (StaleHandleError, DatabaseInUseError):  # may be tried again
                if self._opening is opening:
                    self._opening = None
                raise
            self._engine = self._engine or opened
        if self._engine.epoch != runtime.epoch:
            self._engine = self._engine.adopt(runtime)
        return self._engine

    async def closed(self) -> None:
        """Wait until the file is free again."""
        if self._closing is not None:
            await completed(self._closing, shared=True)

    @property
    def is_lost(self) -> bool:
        """The file is not there any more, or not as it was: another engine may open what is."""
        return not self._closed and self._engine is not None and self._engine.lost is not None

    @property
    def is_closing(self) -> bool:
        """No client may join any more."""
        return self._closed

    def close(self, runtime: Runtime | None) -> Operation[None] | None:
        """Begin to close, on `runtime`; None if it never opened or there is no runtime."""
        self._closed = True
        if self._closing is None:
            try:
                if self._engine is None and self._opening is not None:
                    self._engine = self._opening.wait(CLOSE_TIMEOUT)
                if self._engine is None or runtime is None:
                    return None
                if self._engine.epoch != runtime.epoch:
                    self._engine = self._engine.adopt(runtime)
                self._closing = self._engine.close()
            except _bridge.BridgeError:
                return None  # its opener was told
        return self._closing


async def open_engine(
    path: str | None,
    synchronous: Synchronous = "full",
    *,
    wait: float = 0.0,
    time_skipping: bool = False,
    history_limits: HistoryLimits = (None, None),
) -> EngineLease:
    """Open the engine of a database, or join the one that has it open in this process.

    Only one in memory (`path` None) can skip time.
    Raises `DatabaseError`; `DatabaseInUseError` if another process has it for `wait` more seconds.
    Close the lease when done; the last one closes the engine.
    """
    state = _state.current()
    if path is None:
        alone = SharedEngine(None, synchronous, time_skipping, history_limits)
        return await _lease(state, alone, 0.0)
    while True:
        with state.lock:
            key = _name_of(path, state.engines)
            shared = cast("SharedEngine | None", state.engines.get(key))
            if shared is None or shared.is_lost:
                shared = SharedEngine(key, synchronous, time_skipping, history_limits)
                state.engines[key] = shared
            if not shared.is_closing:
                shared.users += 1
                break
        await shared.closed()
        with state.lock:
            _forget(state, shared)
    return await _lease(state, shared, wait)


def _name_of(path: str, known: Iterable[str]) -> str:
    """Return the one name of a file, however it was written; a hard link is another name of it."""
    for name in known:
        with contextlib.suppress(OSError):
            if Path(name).samefile(path):
                return name
    return os.path.realpath(path)  # leaves a loop of links to the engine, which names it


def _forget(state: ProcessState, shared: SharedEngine) -> None:
    """Let the next client of the file have an engine of its own."""
    if shared.path is not None and state.engines.get(shared.path) is shared:
        del state.engines[shared.path]


async def _lease(state: ProcessState, shared: SharedEngine, wait: float) -> EngineLease:
    lease = EngineLease(state, shared)
    try:
        await lease.renew(wait)
    except BaseException:
        lease.release()
        raise
    return lease


class EngineLease:
    """A client's share of an engine. Give it back with `close`, or `release` without waiting."""

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

    @property
    def lost(self) -> bool:
        """Everything was closed since: a new lease is needed."""
        return self._state is not _state.current()

    async def renew(self, wait: float = 0.0) -> Engine:
        """The engine as a handle of the current epoch."""
        assert self._shared is not None
        self.opened = await self._shared.engine(wait)
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
            if shared.users > 0 or self._state is not _state.current():
                return None
            closing = shared.close(self._state.runtime)
            if closing is None:
                _forget(self._state, shared)  # it never opened
            return closing

    async def close(self) -> None:
        """Give it back, and wait until the file is closed if this was the last."""
        shared = self._shared
        if shared is None or self._pid != os.getpid():
            return
        if self._state is _state.current() and shared.users <= 1:
            await runtime_ready()  # an engine is closed on a runtime
        closing = self.release()
        if closing is None:
            return
        await completed(closing, shared=True)
        with self._state.lock:
            _forget(self._state, shared)
