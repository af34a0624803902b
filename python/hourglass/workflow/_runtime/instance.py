"""The instance of a run in the cache: activations in, completions out.

The coroutines of a workflow stay alive between activations; nothing is ever run again from the top.
Over workflow tasks they are fed in the order of history. Inside one, which is one activation, the
order is that of Temporal's SDKs (B-59):

1. the start (the object is made), patches, random seeds: state, no code of the user but
   ``__init__``;
2. signals and updates, each queued in order, then the loop is drained;
3. the run method (if this is the start) and all resolutions in history's order, then the loop is
   drained;
4. queries, one by one, with the loop standing still and everything read only.

So a signal that comes with a deadline is in time, wherever history has the two, and a result that
comes with one is if history has it first. A drain ends when nothing is ready and no condition has
become true. What the code asked for is in `commands`, in the order it asked. The command that ends
the run comes last, whenever in the activation it was decided: handlers that ran after it are not
lost. Before it the local activities that still run are cancelled, and waited for if they asked for
that.

Invariants:

* the same activations on a fresh instance give byte-identical completions;
* a query adds nothing but its answer, and changes nothing; nor does an update that is rejected;
* the ending is said once. After it only queries run code, and another activation, as when core
  resolves what the run cancelled in its last turn, is answered with no commands;
* after a failed task the instance answers nothing but that failure, until it is evicted and built
  anew from history;
* eviction comes before everything else and is answered with nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hourglass._bridge import (
    CancelWorkflow,
    CompleteWorkflowExecution,
    DoUpdate,
    FireTimer,
    InitializeWorkflow,
    NotifyHasPatch,
    OtherJob,
    QueryWorkflow,
    ResolveActivity,
    SignalWorkflow,
    UpdateRandomSeed,
    WorkflowCompletion,
)
from hourglass.common import RawValue
from hourglass.workflow._runtime.calls import Calls
from hourglass.workflow._runtime.ending import Ending
from hourglass.workflow._runtime.errors import Evicted
from hourglass.workflow._runtime.handlers import Handlers
from hourglass.workflow._runtime.local_activities import LocalActivityHandle
from hourglass.workflow._runtime.patches import Patches
from hourglass.workflow._runtime.pending import RESOLVES
from hourglass.workflow._runtime.state import RunState
from hourglass.workflow._runtime.update_handlers import UpdateHandlers

if TYPE_CHECKING:
    from hourglass._bridge import (
        ActivationJob,
        Payload,
        WorkflowActivation,
    )
    from hourglass.converter import DataConverter
    from hourglass.workflow._definition.definition import DynamicWorkflowConfig, WorkflowDefinition
    from hourglass.workflow._runtime.intercepted import InterceptedCalls
    from hourglass.workflow._runtime.timers import Timer

_log = logging.getLogger("hourglass.workflow")
_QUERY_ALONE = "legacy_query"
"""The id of a query that comes without a workflow task, in core and on the wire."""

_STATE = (InitializeWorkflow, NotifyHasPatch, UpdateRandomSeed)
_ARRIVALS = (SignalWorkflow, DoUpdate)
_SINGLE = (FireTimer, ResolveActivity)
"""Jobs that make up most activations, alone."""


class WorkflowInstance(RunState):
    """See the module's text. Never used by two threads at a time."""

    __slots__ = (
        "_context",
        "_intercept",
        "_primary",
        "_said_ending",
        "_workflow_args",
        "calls",
        "ending",
        "handlers",
        "named_timers",
        "patches",
        "updates",
    )

    def __init__(
        self,
        definition: WorkflowDefinition,
        init: InitializeWorkflow,
        *,
        run_id: str,
        namespace: str,
        task_queue: str,
        data_converter: DataConverter,
        failure_types: tuple[type[BaseException], ...] = (),
        intercept: Callable[[WorkflowInstance], None] | None = None,
        extern_functions: Mapping[str, Callable[..., Any]] | None = None,
        disable_eager_activities: bool = False,
        local_activities: frozenset[str] | None = None,
    ) -> None:
        """`intercept` gives the run its chains of interceptors."""
        super().__init__(
            definition,
            init,
            run_id=run_id,
            namespace=namespace,
            task_queue=task_queue,
            data_converter=data_converter,
            send_signal=Calls.send_signal,
            extern_functions=extern_functions or {},
            disable_eager_activities=disable_eager_activities,
            local_activities=local_activities,
        )
        self.ending = Ending(self, failure_types)
        self.handlers = Handlers(self, self.ending)
        self.updates = UpdateHandlers(self, self.handlers, self.ending)
        self.patches = Patches()
        self.named_timers: dict[str, Timer] = {}
        """The timer that each name was last given to."""
        self.calls: type[Calls] | InterceptedCalls = Calls
        self._intercept = intercept
        self._workflow_args: list[Any] = []
        self._primary: asyncio.Task[None] | None = None
        self._said_ending = False
        # Variables that code sets outside of a task are the run's, not the thread's.
        self._context = contextvars.copy_context()

    # --- activations

    def activate(self, activation: WorkflowActivation) -> WorkflowCompletion:
        """Apply one activation. Only a KeyboardInterrupt comes out."""
        self.activation = activation
        self.loop.now = activation.timestamp
        self.commands = []
        leave = self.loop.enter()
        self.loop.entered = True
        try:
            if self.ending.task_error is None:
                self._context.run(self._apply, activation.jobs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.ending.fail_task(error)
        finally:
            leave()
            self.loop.entered = False
        if self.ending.task_error is not None:
            return self._failed(self.ending.task_error)
        return WorkflowCompletion(self.run_id, self.commands)

    def abandon(self) -> None:
        """Cut the run off from everything while its code runs, on another thread."""
        self.loop.evicted = True
        self.loop.ready.clear()

    def evict(self) -> None:
        """End all code of the run without letting it do anything. Call it where it is evaluated:
        code that is left to the garbage collector would act in the run that is current then."""
        leave = self.loop.enter()
        try:
            self.loop.evict()
        finally:
            leave()
        for timer in self.timers.values():
            timer.forget()
        self.timers.clear()
        self.named_timers.clear()
        self.activities.clear()
        self.pending.clear()
        self.conditions.waiting.clear()
        self.object = self._primary = self._intercept = None
        self.calls, self.send_signal = Calls, Calls.send_signal
        # Cut the cycles, so that a run goes without waiting for the garbage collector.
        self.loop.host = self.handlers = self.updates = self.ending = cast("Any", None)

    def _apply(self, jobs: list[ActivationJob]) -> None:
        if len(jobs) == 1 and isinstance(jobs[0], _SINGLE) and self._undisturbed():
            self._apply_job(jobs[0])
            self._drain()
        else:
            self._apply_in_order(jobs)
        if self.ending.outcome is None or self._said_ending or self._let_local_activities_go():
            return
        self._said_ending = True
        self.commands.append(self.ending.outcome)
        if self.handlers.running and not self.activation.is_replaying:
            self.handlers.warn_unfinished()

    def _undisturbed(self) -> bool:
        return self.ending.outcome is None and self.loop.spoilt is None

    def _apply_in_order(self, jobs: list[ActivationJob]) -> None:
        if self.loop.spoilt is not None and not all(type(job) is QueryWorkflow for job in jobs):
            raise self.loop.spoilt
        queries = [job for job in jobs if isinstance(job, QueryWorkflow)]
        if self.ending.outcome is None:
            self._go_on(jobs)
        else:
            for job in jobs:
                if isinstance(job, ResolveActivity):
                    self.activities.pop(job.seq, None)
        if self.ending.task_error is None:
            for query in queries:
                self.commands.append(self.handlers.query(query))
                if self.loop.spoilt is not None and query.query_id == _QUERY_ALONE:
                    # Core answers it with the failure and builds the run anew, without an event.
                    raise self.loop.spoilt

    def _go_on(self, jobs: list[ActivationJob]) -> None:
        arrivals = [job for job in jobs if isinstance(job, _ARRIVALS)]
        for job in jobs:
            if isinstance(job, _STATE):
                self._apply_job(job)
        if self.ending.outcome is None:  # by an error while the object was made
            if arrivals:
                self._receive(arrivals)
            self._resolve(jobs)

    def _let_local_activities_go(self) -> bool:
        """Cancel those that run while the run ends; True if one of them has to be waited for."""
        activities: list[Any] = list(self.activities.values())
        return sum(isinstance(one, LocalActivityHandle) and one.let_go() for one in activities) > 0

    def _receive(self, arrivals: list[SignalWorkflow | DoUpdate]) -> None:
        """Queue signals and updates, each in order, and let the code have them."""
        traced = False
        for job in arrivals:
            if isinstance(job, SignalWorkflow):
                traced = True
                self.handlers.signal(job)
            else:
                self.updates.begin(job)
        # Of an update that is rejected nothing is in history: it must not have a condition asked
        # that a replay asks later or never.
        self._drain(traced=traced)

    def _resolve(self, jobs: list[ActivationJob]) -> None:
        """Start the run method if it is time; apply what is neither state nor arrival nor query."""
        if self._primary is None:
            self._primary = self.loop.create_task(self._run_workflow(), name="run")
            self.updates.begin_early()
        for job in jobs:
            if not isinstance(job, (*_STATE, *_ARRIVALS, QueryWorkflow)):
                self._apply_job(job)
        self._drain()

    def _apply_job(self, job: ActivationJob) -> None:
        """Take what a job says. A converter or a codec that can't read it, and what `__init__`
        raises, is judged as any other error of the workflow's code."""
        try:
            self._APPLY[type(job)](self, job)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.ending.conclude(error)

    def _drain(self, *, traced: bool = True) -> None:
        """Run until nothing is ready and no condition has become true. Without anything that is
        `traced` in history, conditions are asked only once an update was accepted."""
        loop, accepted = self.loop, self.updates.accepted
        while loop.ready and self.ending.task_error is None:
            loop.drain()
            if self.conditions.waiting and (traced or self.updates.accepted > accepted):
                self.conditions.wake()

    def _failed(self, error: BaseException) -> WorkflowCompletion:
        _log.error(
            "workflow task failed and will be retried (%s): %r",
            self.log_details,
            error,
            exc_info=error,
            extra={"temporal_workflow": self.log_details},
        )
        failure = self.failure_of(error)
        return WorkflowCompletion.failed(self.run_id, failure)

    # --- jobs

    def _initialize(self, job: InitializeWorkflow) -> None:
        definition = self.definition
        self.start_time = self.now
        if self._intercept is not None:
            self._intercept(self)
        self._workflow_args = self._decoded(job.arguments)
        cls = definition.cls
        create: Any = cls.__new__
        self.object = create(cls)
        if definition.init_takes_arguments:
            self.object.__init__(*self._workflow_args)
        else:
            self.object.__init__()
        if definition.config_fn is not None:
            config: DynamicWorkflowConfig = definition.config_fn(self.object)
            if config.failure_exception_types is not None:
                self.ending.declare(config.failure_exception_types)

    def _decoded(self, payloads: list[Payload]) -> list[Any]:
        signature = self.definition.signature
        if self.definition.name is None:
            return [[RawValue(payload) for payload in payloads]]
        signature.check_arity(len(payloads))
        if not payloads:
            return []
        types = signature.arg_types
        hints = None if types is None else types[: len(payloads)]
        return self.payload_converter.from_payloads(payloads, hints)

    def _fire_timer(self, job: FireTimer) -> None:
        timer = self.timers.pop(job.seq, None)
        if timer is not None:
            self.loop.fire(timer)

    def _resolve_activity(self, job: ResolveActivity) -> None:
        handle = self.activities.pop(job.seq, None)
        if handle is not None:
            handle.resolve(job)

    def _cancel_workflow(self, job: CancelWorkflow) -> None:
        self.cancel_reason = job.reason
        if self._primary is not None:
            # Queued, so that a run that starts in this activation gets to its first await.
            self.loop.call_soon(self._primary.cancel)

    def _update_random_seed(self, job: UpdateRandomSeed) -> None:
        self.randomness.reseed(job.randomness_seed)

    def _notify_has_patch(self, job: NotifyHasPatch) -> None:
        self.patches.on_record.add(job.patch_id)

    def _resolve_other(self, job: OtherJob) -> None:
        kind = RESOLVES.get(job.variant)
        if kind is None:
            raise NotImplementedError(
                f"this version of Hourglass can't take {job.variant} in a workflow"
            )
        fields = job.fields
        key = kind, fields.get("seq", 0)
        pending = self.pending.get(key)
        if pending is not None:
            pending.resolve_job(job.variant, fields)
            if pending.done():
                del self.pending[key]

    _APPLY: ClassVar[dict[type[Any], Callable[[WorkflowInstance, Any], None]]] = {
        InitializeWorkflow: _initialize,
        NotifyHasPatch: _notify_has_patch,
        UpdateRandomSeed: _update_random_seed,
        FireTimer: _fire_timer,
        ResolveActivity: _resolve_activity,
        CancelWorkflow: _cancel_workflow,
        OtherJob: _resolve_other,
    }

    # --- endings

    async def _run_workflow(self) -> None:
        try:
            if self.handlers.inbound is None:
                result = await self.definition.run_fn(self.object, *self._workflow_args)
            else:
                result = await self.handlers.inbound.run(self, self._workflow_args)
            payload = self.encoded_result(result, self.definition.ret_type)
        except (Evicted, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.ending.conclude(error)
        else:
            self.ending.end(CompleteWorkflowExecution(payload))
