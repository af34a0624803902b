"""The evaluator: the one thread of this process that runs workflow code.

It blocks in the native inbox with the GIL released, takes activations of all workers in batches,
lets each worker's runner evaluate them and hands the completions back without waiting for what core
says. No event loop is on this path: measured, that is twice as fast as any way through one. One
thread is enough for one GIL, and a worker that stops or crashes never takes it along.

Activations of one run come one after the other (core waits for the completion), so one thread also
means that no run is ever evaluated twice at once.
"""

from __future__ import annotations

import functools
import itertools
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from hourglass._bridge import (
    BridgeError,
    CompletionRejected,
    Inbox,
    PollingEnded,
    WorkflowActivation,
)
from hourglass.subsystem import runtime

if TYPE_CHECKING:
    from hourglass._bridge import Worker, WorkflowCompletion
    from hourglass.worker._codec import CodecSteps

logger = logging.getLogger("hourglass.worker")
_JOIN_TIMEOUT = 5.0
"""Seconds that a piece of workflow code may still run at exit before it is left behind."""


class Runner(Protocol):
    """What evaluates one worker's activations."""

    def evaluate(self, activation: WorkflowActivation) -> WorkflowCompletion:
        """The answer to an activation; never raises."""
        ...


class Registration:
    """One worker's place at the evaluator. Deliveries find it by `tag`."""

    def __init__(
        self,
        tag: int,
        runner: Runner,
        polling_ended: Callable[[PollingEnded], None],
        codec: CodecSteps | None,
        again: Callable[[Registration, WorkflowActivation], None],
    ) -> None:
        self.tag = tag
        self.polling_ended = polling_ended
        self._evaluate = runner.evaluate
        self._codec = codec
        self._again = again
        self._worker: Worker | None = None
        self._ready = threading.Event()

    def attach(self, worker: Worker) -> None:
        """Say where completions go. Its pumps run already: deliveries wait for this."""
        self._worker = worker
        self._ready.set()

    def run(self, activation: WorkflowActivation) -> None:
        """Deal with one activation as core delivered it."""
        if self._codec is None:
            self._complete(self._evaluate(activation))
        else:
            again = functools.partial(self._again, self)
            self._codec.decode(activation, then=again, fail=self._complete)

    def run_decoded(self, activation: WorkflowActivation) -> None:
        """Deal with one that went through the codec; so does what comes of it."""
        assert self._codec is not None
        self._codec.encode(self._evaluate(activation), then=self._complete)

    def _complete(self, completion: WorkflowCompletion) -> None:
        worker = self._worker
        if worker is None:
            self._ready.wait()
            worker = self._worker
            assert worker is not None
        try:
            worker.complete_workflow_activation(completion)
        except BridgeError as error:
            # After the end of the worker only evictions are answered, and nobody waits for those.
            level = logging.DEBUG if error.kind == "shutdown" else logging.WARNING
            logger.log(level, "run %s: completion not sent: %s", completion.run_id, error)


class Evaluator:
    """The thread, its inbox and who is registered."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self._tags = itertools.count(1)
        self._registrations: dict[int, Registration] = {}
        self._decoded: deque[tuple[Registration, WorkflowActivation]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="hourglass-evaluator", daemon=True)
        self._thread.start()
        runtime.on_exit(self.stop)

    def register(
        self,
        runner: Runner,
        polling_ended: Callable[[PollingEnded], None],
        codec: CodecSteps | None = None,
    ) -> Registration:
        """A place for a worker that is about to start; `polling_ended` is called on this thread."""
        registration = Registration(next(self._tags), runner, polling_ended, codec, self._again)
        self._registrations[registration.tag] = registration
        return registration

    def unregister(self, registration: Registration) -> None:
        """Forget a worker that has ended."""
        self._registrations.pop(registration.tag, None)

    def stop(self) -> None:
        """Let the thread end after what it is doing; at exit only."""
        self._stopping = True
        self.inbox.wake()
        self._thread.join(_JOIN_TIMEOUT)

    def _again(self, registration: Registration, activation: WorkflowActivation) -> None:
        """Take back, from a codec, what this thread has to evaluate."""
        self._decoded.append((registration, activation))
        self.inbox.wake()

    def _serve(self) -> None:
        take = self.inbox.take
        while not self._stopping:
            for delivery in take(64):
                try:
                    self._route(delivery)
                except Exception:
                    logger.exception("the evaluator could not deal with %r", delivery)
            while self._decoded:
                registration, activation = self._decoded.popleft()
                try:
                    registration.run_decoded(activation)
                except Exception:
                    logger.exception("the evaluator could not deal with %r", activation)

    def _route(self, delivery: object) -> None:
        if isinstance(delivery, WorkflowActivation):
            registration = self._registrations.get(delivery.tag)
            if registration is not None:
                registration.run(delivery)
        elif isinstance(delivery, PollingEnded):
            registration = self._registrations.get(delivery.tag)
            if registration is not None:
                registration.polling_ended(delivery)
        elif isinstance(delivery, CompletionRejected):
            logger.warning("run %s: completion refused: %s", delivery.run_id, delivery.error)


_lock = threading.Lock()
_current: Evaluator | None = None
_inherited: list[Evaluator | None] = []


def _after_fork() -> None:
    """The parent's evaluator stays untouched; its thread does not exist here."""
    global _current, _lock
    _inherited.append(_current)
    _current, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def evaluator() -> Evaluator:
    """The evaluator of this process, started now if there is none."""
    global _current  # noqa: PLW0603 - one per process
    with _lock:
        if _current is None:
            _current = Evaluator()
        return _current
