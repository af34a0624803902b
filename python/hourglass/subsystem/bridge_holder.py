"""The single owner of worker handles: child 2 of the tree.

A name has at most one entry here, and only its handle takes tasks::

                 register            opened
    (nothing) ──────────> in flight ─────────> serving ── recycle ──> in flight, then serving again
        ^                    │ failed             │
        └────────────────────┴── unregister ──────┘    wins against everything: gone at once

Whatever takes time (connecting, asking the service, draining) happens outside the mailbox, so no
worker waits for another one. What is under way belongs to an *entry*; when the entry is no longer
the one of its name, the result is thrown away. A handle that is thrown away or unregistered is
*released*: it stops taking tasks, what it delivered is answered through it, and then it is gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hourglass import _bridge
from hourglass._aio import performed
from hourglass.exceptions import from_bridge
from hourglass.subsystem.errors import (
    AlreadyRegisteredError,
    RegistrationInFlightError,
    WorkerNotRegisteredError,
)
from hourglass.subsystem.events import (
    WorkerRecycled,
    WorkerRegistered,
    WorkerUnregistered,
    emit,
)
from hourglass.subsystem.stale_handle import reload_rescue
from hourglass.subsystem.worker_handle import WorkerHandle
from hourglass.supervision import (
    Budget,
    Crash,
    ExitReason,
    Process,
    Refuse,
    Reply,
    ReplyToken,
    Server,
    Task,
    is_abnormal,
)
from hourglass.supervision.exits import exception_of

if TYPE_CHECKING:
    from hourglass.subsystem._state import ProcessState
    from hourglass.subsystem.worker_spec import Declaration

logger = logging.getLogger("hourglass.subsystem")
REGISTER_TIMEOUT = 60.0
"""Seconds a registration may take."""
UNREGISTER_TIMEOUT = 300.0
"""Seconds until a caller no longer waits for a handle to drain; it goes on draining."""


@dataclass(eq=False)
class Entry:
    """A worker under its name: the handle that serves, and the one that is being made."""

    declaration: Declaration
    owner: Process | None
    handle: WorkerHandle | None = None
    """The one that serves; None while one is being made."""
    opening: WorkerHandle | None = None
    """The one that is being made."""
    under_way: Process | None = None
    recycling: bool = False
    """The one that is being made replaces another."""
    leaving: bool = False
    """About to be unregistered."""
    waiting: list[ReplyToken[WorkerHandle]] = field(default_factory=list[ReplyToken[WorkerHandle]])
    """The callers that are told how it ends."""


class BridgeHolder(Server):
    """Owns the handles of all workers, by name."""

    shutdown: ClassVar[Budget] = 30.0

    def __init__(self, state: ProcessState) -> None:
        super().__init__()
        self._state = state
        self._entries: dict[str, Entry] = {}

    # --- calls, from any thread ------------------------------------------------------------------

    def register(
        self, declaration: Declaration, owner: Process | None = None
    ) -> Reply[WorkerHandle]:
        """Make a handle for a worker; the answer comes when it serves.

        Fails with `AlreadyRegisteredError`, `RegistrationInFlightError`, with what the service or
        the connection said, or with `WorkerNotRegisteredError` if it is unregistered meanwhile.
        When `owner` ends, the handle is unregistered.
        """
        return self.call_deferred(self._register, declaration, owner, timeout=REGISTER_TIMEOUT)

    def unregister(self, name: str, owner: Process | None = None) -> Reply[None]:
        """Take no more tasks: `registered` says no at once; the answer comes when it is drained.

        Unknown names are fine. With `owner`, only what that one registered.
        """
        entry = self._entries.get(name)
        if entry is not None and owner in (None, entry.owner):
            entry.leaving = True  # seen at once, wherever the holder is with its mailbox
        return self.call_deferred(self._unregister, name, owner, timeout=UNREGISTER_TIMEOUT)

    def recycle(self, name: str) -> Reply[WorkerHandle]:
        """Replace a worker's handle by a fresh one with exactly the same options."""
        return self.call_deferred(self._recycle, name, timeout=REGISTER_TIMEOUT)

    def serving(self, name: str, after: WorkerHandle | None = None) -> Reply[WorkerHandle]:
        """The handle of a worker; the next one, if `after` is the one there is.

        For poll loops, so it has no timeout: it waits while a handle is being made.
        `WorkerNotRegisteredError` when there is none and none is coming.
        """
        return self.call_deferred(self._serving, name, after, timeout=None)

    def settled(self) -> Reply[None]:
        """Answered when everything that was said to the holder before has been dealt with."""
        return self.call(self._nothing)

    def registered(self, name: str) -> bool:
        """Say whether the worker's tasks are taken. Takes no turn of the mailbox."""
        entry = self._serving_entry(name)
        return entry is not None and (entry.handle is not None or entry.recycling)

    def handle(self, name: str) -> WorkerHandle | None:
        """The handle that serves the worker now. Takes no turn of the mailbox."""
        entry = self._serving_entry(name)
        return None if entry is None else entry.handle

    def _serving_entry(self, name: str) -> Entry | None:
        entry = self._entries.get(name) if self.alive else None
        return None if entry is None or entry.leaving else entry

    # --- its life --------------------------------------------------------------------------------

    async def init(self) -> None:
        """Release what a killed predecessor left."""
        for handle in list(self._state.handles.values()):
            handle.release()

    async def terminate(self, reason: ExitReason) -> None:
        """Shut every handle down, so that every parked poll returns, and wait until all is said."""
        self._entries.clear()
        gone = [handle.release() for handle in list(self._state.handles.values())]
        for promise in gone:
            await promise.answer

    async def handle_exit(self, process: Process, reason: ExitReason) -> None:
        """Fail an entry whose opening failed, and tell its callers."""
        for name, entry in list(self._entries.items()):
            if entry.under_way is process:
                if is_abnormal(reason):
                    error = exception_of(reason) or WorkerNotRegisteredError(
                        f"the registration of worker {name!r} was killed"
                    )
                    await self._failed(entry, error)
                return
        if is_abnormal(reason):
            logger.warning("%s: %s ended: %s", self, process, reason)

    async def handle_down(self, process: Process, reason: ExitReason) -> None:
        """Unregister what an owner left that is gone."""
        for name, entry in list(self._entries.items()):
            if entry.owner is process:
                self._forget(name, entry)

    # --- registering -----------------------------------------------------------------------------

    async def _register(
        self, token: ReplyToken[WorkerHandle], declaration: Declaration, owner: Process | None
    ) -> None:
        name = declaration.spec.name
        present = self._entries.get(name)
        if present is not None and present.owner is not None and not present.owner.alive:
            self._forget(name, present)  # its end is told later than its successor came
            present = None
        if present is not None and owner is not None and present.owner is owner:
            self._answer_with(present, token)  # asked again, having waited too long
            return
        if present is not None:
            if present.handle is None:
                raise Refuse(RegistrationInFlightError(f"worker {name!r} is being registered"))
            raise Refuse(AlreadyRegisteredError(f"worker {name!r} is registered already"))
        entry = self._entries[name] = Entry(declaration, owner, waiting=[token])
        if owner is not None:
            self.watch(owner)
        await self._open(entry)

    async def _open(self, entry: Entry) -> None:
        name = entry.declaration.spec.name
        opening = Task(partial(self._opening, entry), handshake=False)
        entry.under_way = opening
        await self.start_link(opening, f"opening of {name}")

    async def _opening(self, entry: Entry, _task: Task) -> None:
        """Connect, make the native worker, ask the service: the slow part, in its own task."""
        spec = entry.declaration.spec
        client = await spec.connect()
        runtime = await self._state.next_runtime()
        handle = WorkerHandle(entry.declaration, self._state, self.place.loop)
        entry.opening = handle
        inboxes: dict[str, Any] = {
            f"{poll}_inbox": taker.inbox
            for poll in spec.polls()
            if (taker := spec.taker(poll)) is not None
        }
        try:
            with reload_rescue("worker_new/register"):
                native = _bridge.Worker(runtime, client, tag=handle.tag, **inboxes, **spec.options)
        except _bridge.BridgeError as error:
            raise from_bridge(error) from None
        handle.attach(native)
        with reload_rescue("worker_validate"):
            await performed(native.validate)
        self.cast(self._opened, entry, handle)

    async def _opened(self, entry: Entry, handle: WorkerHandle) -> None:
        name = entry.declaration.spec.name
        entry.under_way = entry.opening = None
        entry.recycling = False
        if self._entries.get(name) is not entry:
            handle.release()
            return
        entry.handle = handle
        emit(WorkerRegistered(name, handle.epoch))
        waiting, entry.waiting = entry.waiting, []
        for token in waiting:
            token.resolve(handle)

    async def _failed(self, entry: Entry, error: BaseException) -> None:
        name = entry.declaration.spec.name
        recycled = entry.recycling
        if self._entries.get(name) is entry:
            del self._entries[name]
        self._discard(entry, error)
        if recycled and entry.owner is not None:
            entry.owner.stop(Crash(error))  # it starts again, and registers afresh

    # --- unregistering and recycling -------------------------------------------------------------

    async def _unregister(self, token: ReplyToken[None], name: str, owner: Process | None) -> None:
        entry = self._entries.get(name)
        if entry is None or owner not in (None, entry.owner):
            token.resolve(None)
            return
        handle = self._forget(name, entry)
        if handle is None:
            token.resolve(None)
        else:
            handle.gone.answer.on_done(partial(_drained, token))

    def _forget(self, name: str, entry: Entry) -> WorkerHandle | None:
        """Drop an entry at once. Returns the handle that drains now."""
        del self._entries[name]
        emit(WorkerUnregistered(name))
        handle = entry.handle or entry.opening
        self._discard(entry, WorkerNotRegisteredError(f"worker {name!r} was unregistered"))
        return handle

    def _discard(self, entry: Entry, error: BaseException) -> None:
        waiting, entry.waiting = entry.waiting, []
        for token in waiting:
            token.reject(error)
        for handle in (entry.handle, entry.opening):
            if handle is not None:
                handle.release()

    async def _recycle(self, token: ReplyToken[WorkerHandle], name: str) -> None:
        entry = self._entries.get(name)
        if entry is None:
            raise Refuse(WorkerNotRegisteredError(f"there is no worker {name!r}"))
        entry.waiting.append(token)
        if entry.handle is None:
            return  # one is being made already: that is as fresh as it gets
        old, entry.handle = entry.handle, None
        entry.recycling = True
        await self._open(entry)
        old.release()
        emit(WorkerRecycled(name, old.epoch))

    async def _nothing(self) -> None:
        """Do nothing, in turn: for `settled`."""

    async def _serving(
        self, token: ReplyToken[WorkerHandle], name: str, after: WorkerHandle | None
    ) -> None:
        entry = self._entries.get(name)
        if entry is None or (entry.handle is not None and entry.handle is after):
            raise Refuse(WorkerNotRegisteredError(f"worker {name!r} is not registered"))
        self._answer_with(entry, token)

    def _answer_with(self, entry: Entry, token: ReplyToken[WorkerHandle]) -> None:
        """Answer with an entry's handle, as soon as there is one."""
        if entry.handle is None:
            entry.waiting.append(token)
        else:
            token.resolve(entry.handle)


def _drained(token: ReplyToken[None]) -> None:
    token.resolve(None)
