"""The runner of one worker: its workflow definitions, and the runs in its cache."""

from __future__ import annotations

import functools
import logging
import os
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass._bridge import InitializeWorkflow, RemoveFromCache, WorkflowCompletion
from hourglass.converter.failure import failure_of
from hourglass.exceptions import DefinitionError
from hourglass.workflow._definition.definition import WorkflowDefinition
from hourglass.workflow._runtime.instance import WorkflowInstance
from hourglass.workflow._runtime.local_activities import LocalActivityHandle

if TYPE_CHECKING:
    from hourglass._bridge import Wire, WorkflowActivation
    from hourglass.converter import DataConverter
    from hourglass.workflow._runtime.interceptors import WorkflowInboundInterceptor

_log = logging.getLogger("hourglass.workflow")
_MICROSECOND = timedelta(microseconds=1)


class WorkflowRunner:
    """Evaluates the activations of one worker. Different runs may be evaluated by different
    threads at once, one run never is: core hands out one activation of a run at a time."""

    def __init__(
        self,
        definitions: Sequence[type],
        *,
        task_queue: str,
        namespace: str,
        data_converter: DataConverter,
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        deadlock_timeout: timedelta | None = None,
        interceptors: Sequence[type[WorkflowInboundInterceptor]] = (),
        extern_functions: Mapping[str, Callable[..., Any]] | None = None,
        disable_eager_activities: bool = False,
        local_activities: frozenset[str] | None = None,
    ) -> None:
        """`deadlock_timeout` of CPU time is what an evaluator grants to one activation.
        `local_activities` are the names of those that can run here; None: any.

        Raises DefinitionError: a class that is not decorated, a name that is used twice, a type
        hint that can't be resolved."""
        self.budget = 0 if deadlock_timeout is None else deadlock_timeout // _MICROSECOND
        """Microseconds of CPU time for one activation; 0: any."""
        self._task_queue = task_queue
        self._namespace = namespace
        self._data_converter = data_converter
        self._failure_types = tuple(workflow_failure_exception_types)
        self._intercept = _interception(interceptors)
        self._extern_functions = extern_functions or {}
        self._disable_eager_activities = disable_eager_activities
        self._local_activities = local_activities
        self._definitions: dict[str | None, WorkflowDefinition] = {}
        self._instances: dict[str, WorkflowInstance] = {}
        weakref.finalize(self, _let_go, self._instances, os.getpid()).atexit = False
        for cls in definitions:
            definition = WorkflowDefinition.of(cls)
            earlier = self._definitions.setdefault(definition.name, definition)
            if earlier is not definition:
                raise DefinitionError(
                    f"two workflows are named {definition.name!r}: {_name(earlier.cls)} and"
                    f" {_name(cls)}"
                )
            definition.resolve()

    def cached(self) -> int:
        """Count the runs in the cache."""
        return len(self._instances)

    def evaluate(self, activation: WorkflowActivation) -> WorkflowCompletion:
        """Run the code of a workflow for one activation. Whatever is wrong with the run or its
        code becomes a failed task; only a KeyboardInterrupt comes out."""
        if _lost:
            _evict_lost()
        run_id = activation.run_id
        if activation.only_eviction():
            self._evict(run_id)
            return WorkflowCompletion(run_id)
        try:
            instance = self._instances.get(run_id)
            if instance is None or any(type(job) is InitializeWorkflow for job in activation.jobs):
                instance = self._start(activation)
            completion = instance.activate(activation)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            _log.error("workflow task of run %s failed: %s", run_id, error)
            return self.failed(run_id, error)
        if instance.loop.evicted:  # by `evict_all`, meanwhile
            instance.evict()
        elif any(type(job) is RemoveFromCache for job in activation.jobs):
            self._evict(run_id)
        return completion

    def runs_with_local_activities(self) -> list[str]:
        """List the runs that wait for a local activity. From any thread."""
        return [
            run_id
            for run_id, instance in tuple(self._instances.items())
            if any(
                isinstance(one, LocalActivityHandle) for one in tuple(instance.activities.values())
            )
        ]

    def evict_all(self) -> None:
        """End the code of every run in the cache; for a worker that gets no more activations.

        Call it on an evaluator's thread. A run that another thread evaluates is cut off here, and
        ended there when its code comes back.
        """
        while self._instances:
            _, instance = self._instances.popitem()
            if instance.loop.entered:
                instance.abandon()
            else:
                instance.evict()

    def abandon(self, run_id: str) -> Callable[[], None]:
        """Forget a run while its code is running, on another thread: nothing that the code does
        has an effect any more. The result ends what is left of it; call it when the code has come
        back, on its thread."""
        instance = self._instances.pop(run_id, None)
        if instance is None:
            return _nothing
        instance.abandon()
        return instance.evict

    def exception_of(self, failure: Wire) -> BaseException:
        """Turn a failed task's failure back into its exception, as far as that can be told."""
        converter = self._data_converter
        return converter.failure_converter.from_failure(failure, converter.payload_converter)

    def _start(self, activation: WorkflowActivation) -> WorkflowInstance:
        run_id = activation.run_id
        init = next((job for job in activation.jobs if isinstance(job, InitializeWorkflow)), None)
        if init is None:
            raise LookupError(
                f"run {run_id} is not in this worker's cache; the service sends its whole history"
                " next"
            )
        known_types = self._definitions
        definition = known_types.get(init.workflow_type) or known_types.get(None)
        if definition is None:
            known = ", ".join(sorted(filter(None, known_types))) or "none"
            raise LookupError(
                f"workflow type {init.workflow_type!r} is not registered on this worker (task queue"
                f" {self._task_queue!r}); registered: {known}"
            )
        earlier = self._instances.pop(run_id, None)
        self._instances[run_id] = instance = WorkflowInstance(
            definition,
            init,
            run_id=run_id,
            namespace=self._namespace,
            task_queue=self._task_queue,
            data_converter=self._data_converter,
            failure_types=self._failure_types,
            intercept=self._intercept,
            extern_functions=self._extern_functions,
            disable_eager_activities=self._disable_eager_activities,
            local_activities=self._local_activities,
        )
        # Last: this runs code of the user, which may not come back (see `abandon`).
        if earlier is not None:
            earlier.evict()
        return instance

    def _evict(self, run_id: str) -> None:
        instance = self._instances.pop(run_id, None)
        if instance is not None:
            instance.evict()

    def failed(self, run_id: str, error: BaseException) -> WorkflowCompletion:
        """The answer of a task that failed with `error`."""
        converter = self._data_converter
        failure = failure_of(error, converter.failure_converter, converter.payload_converter)
        return WorkflowCompletion.failed(run_id, failure)


def _interception(
    classes: Sequence[type[WorkflowInboundInterceptor]],
) -> Callable[[WorkflowInstance], None] | None:
    if not classes:
        return None
    from hourglass.workflow._runtime.chain import intercept  # a worker without them is not to pay

    return functools.partial(intercept, classes=tuple(classes))


_lost: deque[tuple[int, WorkflowInstance]] = deque()
"""Runs whose runner is gone without `evict_all`, with their process. They are kept for the next
evaluation: ended by the garbage collector, their ``finally`` blocks would run as code of whatever
run is current then."""
_inherited: list[WorkflowInstance] = []
"""Runs of the process that this one was forked from: not ours to end."""


def _let_go(instances: dict[str, WorkflowInstance], pid: int) -> None:
    _lost.extend((pid, instance) for instance in instances.values())


def _evict_lost() -> None:
    while _lost:
        try:
            pid, instance = _lost.popleft()
        except IndexError:  # another evaluator was faster
            return
        if pid == os.getpid():
            instance.evict()
        else:
            _inherited.append(instance)


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _nothing() -> None:
    pass
