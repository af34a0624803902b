"""Replay: run recorded histories through the code as it is now, and see whether they fit.

Core feeds each history to the runner as if its events were just happening, compares the commands
that come back with the events that were recorded, and in the end takes the run out of the cache.
The reason it gives for that is the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hourglass._bridge import BridgeError, RemoveFromCache, Replayer
from hourglass.exceptions import NondeterminismError, from_bridge

if TYPE_CHECKING:
    from hourglass._bridge import History, Runtime, WorkflowActivation, WorkflowCompletion
    from hourglass.workflow._runtime.runner import WorkflowRunner

_NONDETERMINISM = 3
_FINE = {
    1,  # CACHE_FULL: another history took its place
    5,  # LANG_REQUESTED: the history is over, the workflow is not
    10,  # WORKFLOW_EXECUTION_ENDING
}
"""coresdk.workflow_activation.RemoveFromCache.EvictionReason"""


@dataclass(frozen=True)
class ReplayResult:
    """The result of replaying a history."""

    history: History
    failure: BaseException | None
    """`NondeterminismError` when the code does not fit the history; otherwise what failed the
    workflow task; None when it fits."""


def replay(
    histories: Iterable[History],
    runner: WorkflowRunner,
    *,
    runtime: Runtime,
    task_queue: str = "replay",
    namespace: str = "replay",
) -> Iterator[ReplayResult]:
    """Replay histories one after the other; a result for each, in order.

    Blocks (GIL released) while core works. Raises `HistoryError` for a history that can't be
    replayed at all. To stop early, close the iterator.
    """
    replayer = Replayer(runtime, task_queue=task_queue, namespace=namespace)
    try:
        for history in histories:
            yield ReplayResult(history, _replay_one(replayer, history, runner))
        replayer.close_feeder()
    finally:
        replayer.close().wait()


def _replay_one(
    replayer: Replayer, history: History, runner: WorkflowRunner
) -> BaseException | None:
    try:
        replayer.push_history(history).wait()
        failed: WorkflowCompletion | None = None
        while True:
            activation = replayer.poll_workflow_activation()
            if activation is None:
                continue
            completion = runner.evaluate(activation)
            if completion.failure is not None and failed is None:
                failed = completion
            replayer.complete_workflow_activation(completion)
            eviction = _eviction(activation)
            if eviction is not None:
                return _verdict(eviction, failed, runner)
    except BridgeError as error:
        raise from_bridge(error) from None


def _eviction(activation: WorkflowActivation) -> RemoveFromCache | None:
    return next((job for job in activation.jobs if isinstance(job, RemoveFromCache)), None)


def _verdict(
    eviction: RemoveFromCache, failed: WorkflowCompletion | None, runner: WorkflowRunner
) -> BaseException | None:
    if eviction.reason == _NONDETERMINISM:
        return NondeterminismError(eviction.message)
    if failed is not None and failed.failure is not None:
        return runner.exception_of(failed.failure)
    if eviction.reason in _FINE:
        return None
    return RuntimeError(f"the replay was given up: {eviction.message}")
