"""The workers: child 4 of the tree, and what a child of it is.

::

    WorkerSupervisor (dynamic)
     └── SupervisedWorker "orders"      registered for as long as it lives
          └── polls (one_for_one)
               ├── workflow             transient
               └── activity             transient

A worker is up before it is registered: connecting may take long, and no other worker waits for it.
The first registration's failure is its starter's to know. Later, when the worker has come back
after a cascade, it tries again and again, a little later each time.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, TypedDict

from hourglass.exceptions import StaleHandleError
from hourglass.subsystem.errors import AlreadyRegisteredError, WorkerNotRegisteredError
from hourglass.subsystem.events import RegistrationFailed, emit
from hourglass.subsystem.poll_loop import PollLoop
from hourglass.subsystem.worker_spec import Declaration
from hourglass.supervision import (
    Budget,
    ChildSpec,
    DynamicSupervisor,
    Exit,
    Exited,
    ExitReason,
    Ignore,
    Process,
    Refuse,
    Reply,
    Server,
    Shutdown,
    StartFailed,
    Supervisor,
)
from hourglass.supervision.children import Child, halt
from hourglass.supervision.restart import answer

if TYPE_CHECKING:
    from hourglass.subsystem.bridge_holder import BridgeHolder
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.subsystem.worker_registry import WorkerRegistry

RETRY_FIRST, RETRY_MOST = 0.1, 5.0
"""Seconds until a worker that came back tries to register again: at first, and at most."""
LOOPS_END = 5.0
"""Seconds that poll loops get to end by themselves once the worker is unregistered."""


class Limits(TypedDict):
    """The restart limits of a supervisor."""

    max_restarts: int
    max_seconds: float


class Tree(Protocol):
    """The tree, as far as a worker sees it; a part that is gone raises `SubsystemStoppedError`."""

    def holder(self) -> BridgeHolder:
        """The owner of the worker handles."""
        ...

    def registry(self) -> WorkerRegistry:
        """The names of the workers."""
        ...

    def intensity(self) -> Limits:
        """The restart limits of every supervisor in the tree."""
        ...

    def forget(self, declaration: Declaration) -> None:
        """Let a worker not come back any more."""

    def comes_back(self, declaration: Declaration) -> bool:
        """Say whether the launcher will start it again."""
        ...


class SupervisedWorker(Server):
    """A worker: its registration and its poll loops, for as long as it lives."""

    shutdown: ClassVar[Budget] = 30.0

    def __init__(self, tree: Tree, declaration: Declaration) -> None:
        super().__init__()
        self._tree = tree
        self.declaration: Final = declaration
        self._holder = tree.holder()
        self._name = declaration.spec.name
        self._polls: Supervisor | None = None
        self._retry_in = RETRY_FIRST
        self._was_stale = False

    @property
    def polls(self) -> Supervisor | None:
        """The supervisor of its poll loops, once registered."""
        return self._polls

    async def init(self) -> None:
        """Take the name, and begin to register, unless it was undeclared on the way here."""
        self._tree.registry().register(self._name, self)
        if not self.declaration.wanted:  # said before the name could be looked up
            raise Ignore
        self._begin_registration()

    async def terminate(self, reason: ExitReason) -> None:
        """Unregister first; the loops end by themselves, because their polls do."""
        handles = list(self.declaration.handles)
        if self._holder.alive:
            self._holder.unregister(self._name, self)
        else:  # then its loops wait for the cascade, which we are
            for handle in handles:
                handle.release()
        if self._polls is None or not self._polls.alive:
            return
        if self._holder.alive:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._loops_ended(handles), LOOPS_END)
        await halt(self._polls, "infinity")

    async def _loops_ended(self, handles: list[WorkerHandle]) -> None:
        for handle in handles:
            for ended in handle.ended.values():
                if await ended.answer is not None:
                    return  # not by a shutdown: its loop waits for the cascade, which we are
        assert self._polls is not None
        for child in await self._polls.which_children():
            if child.process is not None:
                await child.process.exit

    def _begin_registration(self) -> None:
        registration = self._holder.register(self.declaration, self)
        registration.on_done(lambda: self.cast(self._registered, registration))

    async def _registered(self, registration: Reply[WorkerHandle]) -> None:
        try:
            registration.result()
        except Exited:
            return  # the holder is gone: this worker is about to be stopped for it
        except Exception as error:
            self._not_registered(error)
            return
        spec = self.declaration.spec
        loops = [
            ChildSpec(poll, partial(PollLoop, self._holder, self._name, poll), "transient")
            for poll in spec.polls()
        ]
        self._polls = Supervisor(loops, **self._tree.intensity())
        try:
            await self.start_link(self._polls, "polls")
        except StartFailed as failure:
            self._fail_start(_root_of(failure))
            raise
        self.declaration.started.resolve(None)

    def _not_registered(self, error: Exception) -> None:
        """Tell its starter; once that has its answer, try again later.

        On a runtime that turns out to be stale, which was reported, there is a second try.
        """
        stale = isinstance(error, StaleHandleError)
        if not stale or self._was_stale:
            self._fail_start(error)
        self._was_stale = stale
        emit(RegistrationFailed(self._name, error, self._retry_in))
        self.place.loop.call_later(self._retry_in, partial(self.cast, self._again))
        self._retry_in = min(2 * self._retry_in, RETRY_MOST)

    def _fail_start(self, error: BaseException) -> None:
        """Answer the first start with `error`, and end; nothing if it was answered before."""
        if self.declaration.started.reject(error):
            emit(RegistrationFailed(self._name, error, None))
            raise Exit(Shutdown(error))

    async def _again(self) -> None:
        self._begin_registration()


def _root_of(failure: StartFailed) -> BaseException:
    """Return the error a start failed with, at the bottom of a tree."""
    cause: BaseException = failure
    while isinstance(cause, StartFailed) and cause.cause is not None:
        cause = cause.cause
    return cause


@dataclass(frozen=True)
class WorkerChild(ChildSpec):
    """The specification of a worker's process, which knows the worker."""

    declaration: Declaration | None = None


class WorkerSupervisor(DynamicSupervisor):
    """Starts and stops workers; a worker that crashes is started again."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(**tree.intensity())
        self._tree = tree
        self.exit.on_done(self._tell_starters)

    def start_worker(self, declaration: Declaration) -> Reply[Process | None]:
        """Start a worker, unless it is there already; `declaration.started` tells of its success.

        Fails with `AlreadyRegisteredError` when another one has its name, and with `StartFailed`.
        """
        return self.call(self._start_worker, declaration, timeout=None)

    def stop_worker(self, name: str) -> Reply[None]:
        """Stop a worker for good. Fails with `WorkerNotRegisteredError` when none has that name."""
        return self.call(self._stop_worker, name, timeout=None)

    async def _start_worker(self, declaration: Declaration) -> Process | None:
        name = declaration.spec.name
        for child in self._children:
            if child.spec.id == name and not _is_over(child):
                if isinstance(child.spec, WorkerChild) and child.spec.declaration is declaration:
                    return child.process  # the launcher was first, or a restart will be
                raise Refuse(AlreadyRegisteredError(f"worker {name!r} is there already"))
        start = partial(self._make, declaration)
        return await self._start_child(WorkerChild(name, start, "transient", None, declaration))

    def _make(self, declaration: Declaration) -> Process | None:
        return SupervisedWorker(self._tree, declaration) if declaration.wanted else None

    async def _stop_worker(self, name: str) -> None:
        worker = self._tree.registry().lookup(name)
        if not isinstance(worker, SupervisedWorker):
            raise Refuse(WorkerNotRegisteredError(f"there is no worker {name!r}"))
        self._tree.forget(worker.declaration)
        worker.declaration.never_registered("was stopped")
        await self._terminate_child(worker)
        worker.declaration.stopped()

    def _tell_starters(self) -> None:
        """Answer for the workers that end with this process and don't come back by themselves."""
        for child in self._children:
            declaration = child.spec.declaration if isinstance(child.spec, WorkerChild) else None
            if declaration is not None and not self._tree.comes_back(declaration):
                declaration.never_registered("ended")


def _is_over(child: Child) -> bool:
    """Say whether a child has ended for good, which its supervisor may not have read yet."""
    reason = None if child.process is None else child.process.exit_reason
    return reason is not None and answer(child.spec.restart, reason) != "restart"
