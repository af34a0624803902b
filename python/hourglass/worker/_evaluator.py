"""The evaluator: the thread of a process that runs workflow code, of all its workers.

It blocks in the native inbox with the GIL released, takes activations of all workers in batches,
lets each worker's runner evaluate them and hands the completions back without waiting for what core
says. No event loop is on this path: measured, that is twice as fast as any way through one. One
thread is enough for one GIL, and a worker that stops or crashes never takes it along. When an
activation takes long, another thread takes the inbox over (`_relief`); when its code does not come
back, the watchdog gives the thread up (`_evaluator_thread`, `_watchdog`).

Activations of one run come one after the other, for core waits for the completion: no run is ever
evaluated by two threads at once.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

from hourglass._bridge import (
    BridgeError,
    CompletionRejected,
    Inbox,
    PollingEnded,
    ResolveActivity,
    WorkflowActivation,
    WorkflowCompletion,
)
from hourglass.exceptions import ApplicationError, DeadlockError
from hourglass.subsystem import runtime
from hourglass.subsystem.errors import WorkerNotRegisteredError
from hourglass.worker._evaluator_thread import EvaluatorThread
from hourglass.worker._relief import Relief
from hourglass.worker._watchdog import Watchdog

if TYPE_CHECKING:
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.worker._codec import CodecSteps

logger = logging.getLogger("hourglass.worker")
_STILL_RUNS = (
    "[TMPRL1101] Potential deadlock detected: code of this run that was given up earlier still"
    " runs in this process"
)
_STOPPED = "the worker stopped before a local activity of this workflow task completed"
_JOIN_TIMEOUT = 5.0
"""Seconds that workflow code may still run at exit before its thread is abandoned."""


class Runner(Protocol):
    """Evaluates one worker's activations."""

    def evaluate(self, activation: WorkflowActivation) -> WorkflowCompletion:
        """Answer an activation; never raises."""
        ...

    def failed(self, run_id: str, error: BaseException) -> WorkflowCompletion:
        """Answer that a task failed with `error`."""
        ...

    def abandon(self, run_id: str) -> Callable[[], None]:
        """Forget a run that another thread evaluates; the result, called there, ends its code."""
        ...

    def evict_all(self) -> None:
        """End the code of every run; for a handle that is gone."""
        ...

    def runs_with_local_activities(self) -> list[str]:
        """List the runs that wait for a local activity. From any thread."""
        ...

    @property
    def budget(self) -> int:
        """Microseconds of CPU time for one activation; 0: any."""
        ...


class Registration:
    """One worker handle at the evaluator. Deliveries find it by `tag`."""

    def __init__(
        self,
        runner: Runner,
        handle: WorkerHandle,
        codec: CodecSteps | None,
        again: Callable[[Registration, WorkflowActivation], None],
    ) -> None:
        self.tag = handle.tag
        self.polling_ended = handle.polling_ended
        self.evaluate = runner.evaluate
        self.evict_all = runner.evict_all
        self.evicted: Future[None] = Future()
        """Done when no code of the handle's runs is left, or what is left can't be ended."""
        self.budget = runner.budget
        self._runner = runner
        self._handle = handle
        self._abandoned: set[str] = set()
        self._codec = codec
        self._again = again
        self._returns_local_activities = False

    def run(self, activation: WorkflowActivation, thread: EvaluatorThread) -> None:
        """Evaluate an activation as core delivered it, through the codec if there is one."""
        run_id = activation.run_id
        if self._abandoned and run_id in self._abandoned and not activation.only_eviction():
            self.fail(activation, DeadlockError(_STILL_RUNS))
        elif self._returns_local_activities and _ends_local_activity(activation):
            self.fail(activation, ApplicationError(_STOPPED, type="WorkerShutdown"))
        elif self._codec is None:
            self._complete(thread.evaluate(self, activation))
        else:
            again = functools.partial(self._again, self)
            self._codec.decode(activation, then=again, fail=self._complete)

    def run_decoded(self, activation: WorkflowActivation, thread: EvaluatorThread) -> None:
        """Evaluate an activation that the codec has decoded, and have the answer encoded."""
        self.ship(thread.evaluate(self, activation))

    def failed(self, activation: WorkflowActivation, error: BaseException) -> WorkflowCompletion:
        """Make the answer to an activation whose evaluation failed with `error`."""
        if activation.only_eviction():  # which can't be refused
            return WorkflowCompletion(activation.run_id)
        return self._runner.failed(activation.run_id, error)

    def fail(self, activation: WorkflowActivation, error: BaseException) -> None:
        """Answer that the evaluation failed. From any thread."""
        self.ship(self.failed(activation, error))

    def return_local_activities(self) -> None:
        """Fail the workflow tasks whose local activities are cancelled, because the worker stops.

        The workflow must not see that: another worker takes the task and runs them anew. Core waits
        for those that are about to be retried, unless their run is evicted.
        """
        self._returns_local_activities = True
        for run_id in self._runner.runs_with_local_activities():
            self._handle.request_eviction(run_id)

    def abandon(self, activation: WorkflowActivation) -> Callable[[], None]:
        """Forget a run whose evaluation was given up; call the result when its code comes back."""
        run_id = activation.run_id
        end = self._runner.abandon(run_id)
        self._abandoned.add(run_id)

        def came_back() -> None:
            end()
            self._abandoned.discard(run_id)

        return came_back

    def has_evicted(self) -> None:
        """Say that no code of the handle's runs is left. Idempotent."""
        with suppress(InvalidStateError):
            self.evicted.set_result(None)

    def ship(self, completion: WorkflowCompletion) -> None:
        """Send the answer to an activation on its way. From any thread."""
        if self._codec is None:
            self._complete(completion)
        else:
            self._codec.encode(completion, then=self._complete)

    def _complete(self, completion: WorkflowCompletion) -> None:
        try:
            self._handle.complete_workflow(completion)
        except (BridgeError, WorkerNotRegisteredError) as error:
            logger.debug("run %s: completion not sent: %s", completion.run_id, error)


def _ends_local_activity(activation: WorkflowActivation) -> bool:
    """Tell whether a local activity was cancelled, or resolved by an eviction."""
    jobs = (job for job in activation.jobs if isinstance(job, ResolveActivity))
    return any(job.is_local and job.status == "cancelled" for job in jobs)


class Evaluator:
    """The inbox, the registered handles, and the threads that evaluate."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self._registrations: dict[int, Registration] = {}
        self._taken: deque[object] = deque()
        self._decoded: deque[tuple[Registration, WorkflowActivation]] = deque()
        self._ended: deque[Registration] = deque()
        """Handles that are gone, whose runs are to be evicted."""
        self._stopping = False
        self._lock = threading.Lock()
        """Held while the inbox passes to another thread."""
        self._relieved: set[EvaluatorThread] = set()
        """Threads that finish their activation without the inbox."""
        self._thread = self._new_thread()
        """The thread that has the inbox: nobody else touches what was taken from it."""
        self._relief = Relief(lambda: self._thread, self._relieve, self._relieved)
        runtime.on_exit(self.stop)

    def register(
        self,
        runner: Runner,
        handle: WorkerHandle,
        codec: CodecSteps | None = None,
    ) -> Registration:
        """Register a handle whose pumps are about to start. Each needs a runner of its own."""
        registration = Registration(runner, handle, codec, self._again)
        self._registrations[registration.tag] = registration
        return registration

    def unregister(self, registration: Registration) -> None:
        """Forget a handle that is gone: its late deliveries are dropped, its runs evicted.

        The runs' code ends where it is evaluated. Left to the garbage collector, ``finally`` blocks
        would run as code of whichever run is evaluated then.
        """
        self._registrations.pop(registration.tag, None)
        self._ended.append(registration)
        self.inbox.wake()
        if not self._thread.is_alive() and self._stopping:  # at exit: it ends with the process
            registration.has_evicted()

    @property
    def thread(self) -> EvaluatorThread:
        """The thread that has the inbox now."""
        return self._thread

    def busy_threads(self) -> list[EvaluatorThread]:
        """List the threads that have a task."""
        return [one for one in (self._thread, *self._relieved) if one.task is not None]

    @property
    def stopped(self) -> bool:
        """True once no more deliveries are taken."""
        return self._stopping

    def stop(self) -> None:
        """Let the threads end after their tasks; at exit only."""
        self._stopping = True
        self._relief.end()
        self.inbox.wake()
        end = time.monotonic() + _JOIN_TIMEOUT
        for thread in (*self._relieved, self._thread):
            if not thread.left.wait(max(0, end - time.monotonic())):
                logger.error("left behind at exit: %s", thread)
            thread.watch.close()
            if thread.watchdog is not None:
                thread.watchdog.join(max(0, end - time.monotonic()))

    def _new_thread(self) -> EvaluatorThread:
        """Start a thread and its watchdog: both, or the error says why neither."""
        thread = EvaluatorThread(self._serve)
        try:
            thread.watchdog = Watchdog(thread, self._replace)
        except BaseException:
            thread.go(False)
            raise
        thread.go(True)
        return thread

    def _relieve(self, thread: EvaluatorThread) -> None:
        """Pass the inbox on: the activation of `thread` takes long. On the relief's thread."""
        with self._lock:
            if self._stopping or thread is not self._thread or not thread.reclaim_inbox():
                return
            self._relieved.add(thread)
            try:
                self._thread = self._new_thread()
            except Exception as error:  # then the others wait; at exit Python starts no thread
                logger.debug(
                    "%s takes long, and there is no thread to relieve it: %s", thread, error
                )
                self._relieved.discard(thread)
                thread.lend_inbox()

    def _replace(self, gone: EvaluatorThread) -> None:
        """Do without a thread that was given up or died, and answer the task it died of.

        Called on the watchdog's thread.
        """
        with self._lock:
            has_inbox = gone is self._thread
            self._relieved.discard(gone)
            if gone.task is not None:
                self._answer_for(gone, *gone.task, has_inbox)
            if has_inbox:
                self._pass_on()

    def _answer_for(
        self,
        gone: EvaluatorThread,
        registration: Registration,
        activation: WorkflowActivation | None,
        has_inbox: bool,
    ) -> None:
        if activation is None:
            if not registration.evicted.done():
                self._ended.append(registration)  # without the run that was being evicted
        elif gone.died is not None:
            waits = (*islice(self._taken, 1), *islice(self._decoded, 1)) if has_inbox else ()
            if activation in waits or (registration, activation) in waits:
                pass  # it was not begun
            elif gone.completion is not None:
                registration.ship(gone.completion)  # does nothing if that was the last it did
            else:
                registration.fail(activation, gone.died)

    def _pass_on(self) -> None:
        while not self._stopping:
            try:
                self._thread = self._new_thread()
                break
            except BaseException as error:  # no thread to be had, or it died at once
                if _at_exit(error):
                    break
                logger.critical("no evaluator: no workflow code can run", exc_info=True)
                time.sleep(1)

    def _again(self, registration: Registration, activation: WorkflowActivation) -> None:
        """Take an activation back from its codec, to be evaluated."""
        self._decoded.append((registration, activation))
        self.inbox.wake()

    def _serve(self, thread: EvaluatorThread) -> None:
        """Evaluate what is delivered, as long as the thread has the inbox. Deliveries are kept
        here: the next thread has to go on with them."""
        take, taken, decoded, ended = self.inbox.take, self._taken, self._decoded, self._ended
        goes_on = True
        while goes_on and not self._stopping:
            if taken:
                goes_on = self._deal_with(taken[0], thread)
            elif ended:
                goes_on = self._evict(thread)
            elif decoded:
                registration, activation = decoded[0]
                work = registration.run_decoded
                goes_on = self._run(thread, decoded, registration, activation, work)
            else:
                # One call into C from the inbox to here: an exception raised in this thread from
                # outside can't come in between and lose what was just taken.
                taken.extend(chain.from_iterable(islice(iter(take, []), 1)))
        if goes_on:
            ended.extend(self._registrations.values())
        while goes_on and ended:
            goes_on = self._evict(thread)

    def _deal_with(self, delivery: object, thread: EvaluatorThread) -> bool:
        """Deal with the first of what was taken. False as in `_run`."""
        if isinstance(delivery, WorkflowActivation):
            registration = self._registrations.get(delivery.tag)
            if registration is not None:
                return self._run(thread, self._taken, registration, delivery, registration.run)
        else:
            self._note(delivery)
        self._taken.popleft()
        return True

    def _run(
        self,
        thread: EvaluatorThread,
        source: deque[Any],
        registration: Registration,
        activation: WorkflowActivation,
        work: Callable[[WorkflowActivation, EvaluatorThread], None],
    ) -> bool:
        """Work on the first of `source`, which leaves that only once it is the thread's task.

        False if another thread has the inbox now.
        """
        thread.begin(registration, activation)
        source.popleft()
        thread.lend_inbox()
        if self._relief.asleep:
            self._relief.wake()
        try:
            work(activation, thread)
        except Exception:
            logger.exception("the evaluator could not deal with %r", activation)
        return self._end(thread)

    def _evict(self, thread: EvaluatorThread) -> bool:
        """Evict the runs of the first of the `_ended` handles. False as in `_run`."""
        registration = self._ended[0]
        thread.begin(registration, None)
        self._ended.popleft()
        thread.lend_inbox()
        if self._relief.asleep:
            self._relief.wake()
        thread.evict(registration)
        registration.has_evicted()
        return self._end(thread)

    def _end(self, thread: EvaluatorThread) -> bool:
        thread.task = None
        if thread.reclaim_inbox():
            return True
        with self._lock:  # until the relief has succeeded, or given the inbox back
            if thread.reclaim_inbox():
                return True
            self._relieved.discard(thread)
            return False

    def _note(self, delivery: object) -> None:
        if isinstance(delivery, PollingEnded):
            registration = self._registrations.get(delivery.tag)
            if registration is not None:
                registration.polling_ended(delivery)
        elif isinstance(delivery, CompletionRejected):
            logger.warning("run %s: completion refused: %s", delivery.run_id, delivery.error)


def _at_exit(error: BaseException) -> bool:
    """Tell whether Python starts no thread any more. Nothing else says so this early."""
    return isinstance(error, RuntimeError) and "interpreter shutdown" in str(error)


# A reload of this module keeps the evaluator that runs.
_lock = threading.Lock()
_current: Evaluator | None = globals().get("_current")
_inherited: list[Evaluator | None] = globals().get("_inherited") or []


def _after_fork() -> None:
    """Leave the parent's evaluator untouched: its thread does not exist here."""
    global _current, _lock
    _inherited.append(_current)
    _current, _lock = None, threading.Lock()


if "_hooked" not in globals():
    os.register_at_fork(after_in_child=_after_fork)
_hooked = True


def evaluator() -> Evaluator:
    """Return this process's evaluator; start it if there is none."""
    global _current  # noqa: PLW0603 - one per process
    with _lock:
        if _current is None or _current.stopped:
            _current = Evaluator()
        return _current
