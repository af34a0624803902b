"""One run in the cache: activations in, completions out.

The coroutines of a workflow stay alive between activations and are fed in the order of history;
nothing is ever run again from the top. An activation is worked through in this order:

1. the start (the object is made), patches, random seeds: state, no code of the user but
   ``__init__``;
2. signals and updates, each queued in order, then the loop is drained;
3. the run method (if this is the start) and all resolutions, then the loop is drained;
4. queries, one by one, with the loop standing still and everything read only.

A drain ends when nothing is ready and no `wait_condition` has become true. What the code asked for
is in `commands`, in the order it asked. The command that ends the run comes last, whenever in the
activation it was decided: handlers that ran after it are not lost.

Invariants:

* the same activations on a fresh instance give byte-identical completions;
* a query adds nothing but its answer;
* after the run has ended, only queries run code; another activation gets the ending again;
* after a failed task the instance answers nothing but that failure, until it is evicted and built
  anew from history;
* eviction comes before everything else and is answered with nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hourglass._bridge import (
    CancelTimer,
    CancelWorkflow,
    CancelWorkflowExecution,
    CompleteWorkflowExecution,
    DoUpdate,
    FailWorkflowExecution,
    FireTimer,
    InitializeWorkflow,
    NotifyHasPatch,
    OtherJob,
    QueryWorkflow,
    ResolveActivity,
    SignalWorkflow,
    StartTimer,
    UpdateRandomSeed,
    WorkflowCompletion,
)
from hourglass.common import RawValue
from hourglass.exceptions import CancelledError, FailureError, is_cancelled_exception
from hourglass.workflow._runtime.calls import Calls
from hourglass.workflow._runtime.conditions import Conditions
from hourglass.workflow._runtime.continue_as_new import ContinueAsNewCommandError
from hourglass.workflow._runtime.durations import END_OF_TIME, seconds_of
from hourglass.workflow._runtime.errors import Evicted
from hourglass.workflow._runtime.facts import Facts
from hourglass.workflow._runtime.handlers import Handlers
from hourglass.workflow._runtime.loop import TimerHandle, make_loop
from hourglass.workflow._runtime.patches import Patches
from hourglass.workflow._runtime.pending import RESOLVES, PendingJob
from hourglass.workflow._runtime.update_handlers import UpdateHandlers

if TYPE_CHECKING:
    from hourglass._bridge import (
        ActivationJob,
        Command,
        Payload,
        WorkflowActivation,
    )
    from hourglass.converter import DataConverter
    from hourglass.workflow._definition.definition import DynamicWorkflowConfig, WorkflowDefinition
    from hourglass.workflow._runtime.activities import ActivityHandle
    from hourglass.workflow._runtime.chain import InterceptedCalls, InterceptedJobs
    from hourglass.workflow._runtime.interceptors import WorkflowInboundInterceptor

_log = logging.getLogger("hourglass.workflow")

_STATE = (InitializeWorkflow, NotifyHasPatch, UpdateRandomSeed)
_ARRIVALS = (SignalWorkflow, DoUpdate)
_SINGLE = (FireTimer, ResolveActivity)
"""Jobs that make up most activations, alone."""


class WorkflowInstance(Facts):
    """See the module's text. Never used by two threads at a time."""

    __slots__ = (
        "_failure_types",
        "_interceptors",
        "_is_failure",
        "_outcome",
        "_primary",
        "_task_error",
        "_timer_seq",
        "_workflow_args",
        "activation",
        "activities",
        "activity_seq",
        "calls",
        "cancel_reason",
        "commands",
        "conditions",
        "current_details",
        "definition",
        "disable_eager_activities",
        "extern_functions",
        "failure_converter",
        "handlers",
        "inbound",
        "object",
        "patches",
        "payload_converter",
        "pending",
        "seqs",
        "timers",
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
        interceptors: Sequence[type[WorkflowInboundInterceptor]] = (),
        extern_functions: Mapping[str, Callable[..., Any]] | None = None,
        disable_eager_activities: bool = False,
    ) -> None:
        super().__init__(
            init,
            make_loop(self, init.randomness_seed),
            run_id=run_id,
            namespace=namespace,
            task_queue=task_queue,
        )
        self.definition = definition
        self.payload_converter = data_converter.payload_converter
        self.failure_converter = data_converter.failure_converter
        self.handlers = Handlers(self)
        self.updates = UpdateHandlers(self)
        self.conditions = Conditions(self.loop)
        self.calls: type[Calls] | InterceptedCalls = Calls
        self.inbound: InterceptedJobs | None = None
        self.extern_functions = extern_functions or {}
        self.disable_eager_activities = disable_eager_activities
        self.object: Any = None
        self.activation: WorkflowActivation = _NO_ACTIVATION
        self.commands: list[Command] = []
        self.activities: dict[int, ActivityHandle[Any]] = {}
        self.activity_seq = 0
        self.pending: dict[tuple[str, int], PendingJob[Any]] = {}
        self.seqs: dict[str, int] = {}
        self.cancel_reason: str | None = None
        self.current_details = ""
        self._interceptors = interceptors
        # asyncio's own timeout is a failure too: what wait_condition and wait_for raise.
        self._failure_types = (FailureError, asyncio.TimeoutError, *failure_types)
        self._is_failure = (*self._failure_types, *definition.failure_exception_types)
        self._workflow_args: list[Any] = []
        self._primary: asyncio.Task[None] | None = None
        self._outcome: Command | None = None
        self._task_error: BaseException | None = None
        self.timers: dict[int, TimerHandle] = {}
        self._timer_seq = 0
        self.patches = Patches()

    # --- activations

    def activate(self, activation: WorkflowActivation) -> WorkflowCompletion:
        """Apply one activation. Only a KeyboardInterrupt comes out."""
        self.activation = activation
        self.loop.now = activation.timestamp
        self.commands = []
        leave = self.loop.enter()
        try:
            if self._task_error is None:
                self._apply(activation.jobs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._task_error = error
        finally:
            leave()
        if self._task_error is not None:
            return self._failed(self._task_error)
        return WorkflowCompletion(self.run_id, self.commands)

    def abandon(self) -> None:
        """Cut the run off from everything while its code runs, on another thread."""
        self.loop.evicted = True
        self.loop.ready.clear()

    def evict(self) -> None:
        """End all code of the run without letting it do anything."""
        leave = self.loop.enter()
        try:
            self.loop.evict()
        finally:
            leave()
        self.timers.clear()
        self.activities.clear()
        self.pending.clear()
        self.conditions.waiting.clear()
        self.object = self._primary = self.inbound = None
        self.calls = Calls
        # Cut the cycles, so that a run goes without waiting for the garbage collector.
        self.loop.host = self.handlers = self.updates = cast("Any", None)

    def _apply(self, jobs: list[ActivationJob]) -> None:
        if len(jobs) == 1 and isinstance(jobs[0], _SINGLE) and self._undisturbed():
            self._APPLY[type(jobs[0])](self, jobs[0])
            self._drain()
        else:
            self._apply_in_order(jobs)
        if self._outcome is not None and not all(type(job) is QueryWorkflow for job in jobs):
            self.commands.append(self._outcome)

    def _undisturbed(self) -> bool:
        return self._outcome is None and self.loop.spoilt is None

    def _apply_in_order(self, jobs: list[ActivationJob]) -> None:
        if self.loop.spoilt is not None and not all(type(job) is QueryWorkflow for job in jobs):
            raise self.loop.spoilt
        queries = [job for job in jobs if isinstance(job, QueryWorkflow)]
        if self._outcome is None:
            arrivals = [job for job in jobs if isinstance(job, _ARRIVALS)]
            for job in jobs:
                if isinstance(job, _STATE):
                    self._APPLY[type(job)](self, job)
            if arrivals:
                for job in arrivals:
                    if isinstance(job, SignalWorkflow):
                        self.handlers.signal(job)
                    else:
                        self.updates.begin(job)
                self._drain()
            self._resolve(jobs)
        if self._task_error is None:
            for query in queries:
                self.commands.append(self.handlers.query(query))

    def _resolve(self, jobs: list[ActivationJob]) -> None:
        """Start the run method if it is time; apply what is neither state nor arrival nor query."""
        if self._primary is None:
            self._primary = self.loop.create_task(self._run_workflow(), name="run")
            self.updates.begin_early()
        for job in jobs:
            if not isinstance(job, (*_STATE, *_ARRIVALS, QueryWorkflow)):
                self._APPLY[type(job)](self, job)
        self._drain()

    def _drain(self) -> None:
        """Run until nothing is ready and no condition has become true."""
        loop = self.loop
        while loop.ready:
            loop.drain()
            if self.conditions.waiting:
                self.conditions.wake()

    def _failed(self, error: BaseException) -> WorkflowCompletion:
        _log.error(
            "workflow task failed and will be retried (%s): %r",
            self.log_details,
            error,
            exc_info=error,
        )
        failure = self.failure_converter.to_failure(error, self.payload_converter)
        return WorkflowCompletion.failed(self.run_id, failure)

    # --- jobs

    def _initialize(self, job: InitializeWorkflow) -> None:
        definition = self.definition
        self.start_time = self.loop.now
        if self._interceptors:
            from hourglass.workflow._runtime.chain import intercept

            intercept(self, self._interceptors)
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
                self._is_failure = (*self._failure_types, *config.failure_exception_types)

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
            self.loop.ready.append(timer)

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
            if self.inbound is None:
                result = await self.definition.run_fn(self.object, *self._workflow_args)
            else:
                result = await self.inbound.run(self, self._workflow_args)
            payload = self.payload_converter.to_payloads([result])[0]
        except (Evicted, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.conclude(error)
        else:
            self._end(CompleteWorkflowExecution(payload))

    def conclude(self, error: BaseException) -> None:
        """Decide what an exception that left the run method or a handler means."""
        try:
            if isinstance(error, ContinueAsNewCommandError):
                self._end(error.command)
                return
            self._fail_or_cancel(
                CancelledError(str(error) or "Cancelled")
                if isinstance(error, asyncio.CancelledError)
                else error
            )
        except Exception as failed:
            self.fail_task(failed)

    def fail_task(self, error: BaseException) -> None:
        """Give up the task: the run is built anew from history."""
        self._task_error = self._task_error or error

    def _fail_or_cancel(self, error: BaseException) -> None:
        if self.cancel_reason is not None and is_cancelled_exception(error):
            self._end(CancelWorkflowExecution())
        elif isinstance(error, self._is_failure):
            failure = self.failure_converter.to_failure(error, self.payload_converter)
            self._end(FailWorkflowExecution(failure))
        else:
            self.fail_task(error)

    def _end(self, outcome: Command) -> None:
        if self._outcome is None:
            self._outcome = outcome
            if self.handlers.running and not self.activation.is_replaying:
                self.handlers.warn_unfinished()

    # --- what the authoring calls use

    @property
    def run_began(self) -> bool:
        """Whether the run method is on its way."""
        return self._primary is not None

    def start_timer(self, timer: TimerHandle, seconds: float, summary: str | None) -> None:
        """Record a timer (see `LoopHost`)."""
        seconds = seconds_of(seconds, "timer")
        if self.loop.now + seconds > END_OF_TIME:
            raise ValueError(f"timer: {seconds} seconds from now is after the year 9999")
        note = self.summary(summary)
        self._timer_seq = timer.seq = self._timer_seq + 1
        self.timers[timer.seq] = timer
        self.commands.append(StartTimer(timer.seq, seconds, note))

    def cancel_timer(self, timer: TimerHandle) -> None:
        """Forget a timer that has not fired (see `LoopHost`)."""
        if self.loop.evicted or timer.seq not in self.timers:
            return
        self.loop.check_writable("cancel a timer")
        del self.timers[timer.seq]
        self.commands.append(CancelTimer(timer.seq))

    def report(self, message: str, error: BaseException | None) -> None:
        """Log, once: not during replay (see `LoopHost`)."""
        if not self.activation.is_replaying:
            _log.error("%s (%s)", message, self.log_details, exc_info=error)

    def next_seq(self, kind: str) -> int:
        """The next number of a numbering: each kind of pending thing has its own, from 1."""
        seq = self.seqs.get(kind, 0) + 1
        self.seqs[kind] = seq
        return seq

    def summary(self, text: str | None) -> Payload | None:
        """Encode the summary of a command."""
        return None if text is None else self.payload_converter.to_payloads([text])[0]

    def is_failure(self, error: BaseException) -> bool:
        """Whether `error`, leaving the run method, fails the workflow and not just the task."""
        return isinstance(error, self._is_failure)


_NO_ACTIVATION: Any = None
