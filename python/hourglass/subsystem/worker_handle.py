"""A worker's handle: one native worker, from registration until it is released.

Completions go back through the very handle that delivered the task, never through the one that
happens to serve the worker by then. That is the epoch check: a task outlives its handle at most to
be told so.

Life::

    registering ── attach ──> serving ── release ──> draining ── core has finalized ──> gone
                                  └─────────── its runtime was closed ────────────────────^
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from hourglass._aio import performed
from hourglass._bridge import BridgeError
from hourglass.exceptions import TemporalError
from hourglass.subsystem.errors import WorkerNotRegisteredError
from hourglass.subsystem.events import CompletionLost, HandleReleased, emit
from hourglass.supervision import Promise, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourglass._bridge import (
        ActivityCompletion,
        Payload,
        PollingEnded,
        Worker,
        WorkflowCompletion,
    )
    from hourglass.subsystem._state import ProcessState
    from hourglass.subsystem.worker_spec import Declaration, Poll
    from hourglass.supervision.place import Loop

logger = logging.getLogger("hourglass.subsystem")
HandleState: TypeAlias = Literal["registering", "serving", "draining", "gone"]
_tags: itertools.count[int] = globals().get("_tags") or itertools.count(1)
_GONE = ("stale_handle", "shutdown")


class WorkerHandle:
    """A native worker, from registration to release. Completing may be done on any thread."""

    def __init__(self, declaration: Declaration, state: ProcessState, loop: Loop) -> None:
        self.tag: Final = next(_tags)
        self.declaration: Final = declaration
        self.spec: Final = declaration.spec
        self.epoch = 0
        self.state: HandleState = "registering"
        self.gone: Final[Promise[None]] = Promise()
        """Answered when it is released."""
        self.ended: Final[dict[Poll, Promise[BridgeError | None]]] = {
            poll: Promise() for poll in self.spec.polls()
        }
        """Answered when core has no more tasks of a kind: with None, or why it gave up."""
        self._process_state = state
        self._loop = loop
        self._native: Worker | None = None
        self._attached = threading.Event()
        self._end_error = BridgeError("shutdown", "the handle is released")
        self._serial = Serial(self, loop) if self.spec.completions == "serial" else None
        state.handles[self.tag] = self
        declaration.handles.add(self)
        for poll in self.ended:
            taker = self.spec.taker(poll)
            assert taker is not None
            taker.begin(self)

    def __repr__(self) -> str:
        return f"<WorkerHandle {self.spec.name!r} #{self.tag} {self.state}>"

    def attach(self, native: Worker) -> None:
        """Say which native worker it is. Its pumps run already: completions wait for this."""
        self._native = native
        self.epoch = native.epoch
        self.state = "serving"
        self._attached.set()

    # --- tasks on their way back, from any thread ------------------------------------------------

    def complete_workflow(self, completion: WorkflowCompletion) -> None:
        """Hand over without waiting. `WorkerNotRegisteredError` if the handle is gone."""
        if self._serial is not None:
            self._serial.add(completion)
            return
        try:
            (self._native or self._wait_for_native()).complete_workflow_activation(completion)
        except BridgeError as error:
            raise self._lost(error, completion.run_id) from error

    def complete_activity(self, completion: ActivityCompletion) -> None:
        """Hand over without waiting, never behind workflows. `WorkerNotRegisteredError`."""
        try:
            (self._native or self._wait_for_native()).complete_activity_task(completion)
        except BridgeError as error:
            raise self._not_registered(error) from error

    def heartbeat(self, task_token: bytes, details: Sequence[Payload]) -> None:
        """Record a heartbeat; one that comes too late is no failure of the activity's."""
        try:
            native = self._native or self._wait_for_native()
            native.record_activity_heartbeat(task_token, details)
        except BridgeError as error:
            if error.kind not in _GONE:
                raise
            logger.debug("%s: a heartbeat came too late: %s", self, error)

    async def complete_confirmed(self, completion: WorkflowCompletion) -> None:
        """Hand over and wait until core has it, as long as that takes."""
        try:
            native = self._native or self._wait_for_native()
            await performed(native.complete_workflow_activation_confirmed, completion)
        except BridgeError as error:
            raise self._lost(error, completion.run_id) from error
        except TemporalError as error:
            native_error = error.__context__  # as `performed` leaves it
            if isinstance(native_error, BridgeError) and native_error.kind in _GONE:
                raise self._lost(native_error, completion.run_id) from error
            logger.warning("run %s: completion refused: %s", completion.run_id, error)

    def request_eviction(self, run_id: str) -> None:
        """Have core give back a run, its local activities cancelled. Nothing if it is gone."""
        native = self._native
        if native is not None:
            with suppress(BridgeError):
                native.request_workflow_eviction(run_id)

    def polling_ended(self, delivery: PollingEnded) -> None:
        """Core has no more tasks of a kind."""
        promise = self.ended.get(delivery.poll)
        if promise is not None:
            promise.resolve(delivery.error)

    def slots(self) -> dict[str, int]:
        """Return the counts of the native worker; empty when it can't be asked."""
        if self._native is None or self.state == "gone":
            return {}
        try:
            return self._native.slots()
        except BridgeError:
            return {}

    def _wait_for_native(self) -> Worker:
        """Wait until the native worker is made. Raises if it is gone."""
        self._attached.wait()
        native = self._native
        if native is None:
            raise self._end_error
        return native

    def _lost(self, error: BridgeError, run_id: str) -> WorkerNotRegisteredError:
        # Its runtime's end may have drained it, so that it was shut down in order all the same.
        runtime = self._process_state.runtime
        is_stale = runtime is None or runtime.epoch != self.epoch
        if is_stale or error.kind == "stale_handle":  # else only evictions are still answered
            emit(CompletionLost(self.spec.name, "run", run_id))
        return self._not_registered(error)

    def _not_registered(self, error: BridgeError) -> WorkerNotRegisteredError:
        if error.kind not in _GONE:
            raise error
        return WorkerNotRegisteredError(f"worker {self.spec.name!r}: its handle is gone: {error}")

    # --- its end ---------------------------------------------------------------------------------

    def release(self) -> Promise[None]:
        """Take no more tasks, and be gone when what was taken is answered. Idempotent.

        It goes on beside the tree, whatever happens there; on the supervision thread only.
        """
        if self.state in ("registering", "serving"):
            self.state = "draining"
            self._loop.run(self._release).on_done(self._is_gone)
        return self.gone

    async def _release(self) -> None:
        if self._native is None:
            return
        try:
            await performed(self._native.finalize_shutdown)
        except TemporalError as error:
            logger.debug("%s: %s", self, error)  # its runtime is gone: so is everything it had
            if isinstance(error.__context__, BridgeError):
                self._end_error = error.__context__

    def _is_gone(self) -> None:
        self.state = "gone"
        self._native = None  # what a closed runtime left of it ends with the last reference
        self._attached.set()
        self._process_state.handles.pop(self.tag, None)
        for poll, ended in self.ended.items():
            ended.resolve(None)
            taker = self.spec.taker(poll)
            assert taker is not None
            taker.end(self)
        self.declaration.handles.discard(self)
        emit(HandleReleased(self.spec.name, self.epoch))
        self.gone.resolve(None)


class Serial:
    """Workflow completions of one handle, strictly one after the other."""

    def __init__(self, handle: WorkerHandle, loop: Loop) -> None:
        self._handle = handle
        self._loop = loop
        self._waiting: deque[WorkflowCompletion] = deque()
        self._lock = threading.Lock()
        self._shipping = False

    def add(self, completion: WorkflowCompletion) -> None:
        """Queue one; from any thread."""
        with self._lock:
            self._waiting.append(completion)
            if self._shipping:
                return
            self._shipping = True
        shipping = self._loop.run(self._ship)
        shipping.on_done(partial(self._shipped, shipping))

    def _shipped(self, shipping: Reply[None]) -> None:
        """Report what waits when the supervision loop ends before it was sent."""
        try:
            shipping.result()
        except Exception as error:
            logger.warning("worker %r: completions not sent: %s", self._handle.spec.name, error)
            while (completion := self._next()) is not None:
                emit(CompletionLost(self._handle.spec.name, "run", completion.run_id))

    async def _ship(self) -> None:
        while (completion := self._next()) is not None:
            try:
                await self._handle.complete_confirmed(completion)
            except WorkerNotRegisteredError as error:
                logger.warning("run %s: completion not sent: %s", completion.run_id, error)

    def _next(self) -> WorkflowCompletion | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._shipping = False
            return None
