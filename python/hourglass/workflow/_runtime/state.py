"""`RunState`: what one run has in hand while its code runs, and the commands it adds.

Activities, children, signals and timers see this much of a run and nothing above it: they number
what they ask for, add the command, and put what waits for the answer where the job will find it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from hourglass._bridge import CancelTimer, StartTimer
from hourglass.converter.failure import failure_of
from hourglass.workflow._runtime.conditions import Conditions
from hourglass.workflow._runtime.durations import END_OF_TIME, seconds_of
from hourglass.workflow._runtime.facts import Facts
from hourglass.workflow._runtime.loop import make_loop
from hourglass.workflow._runtime.tasks import TimerHandle

if TYPE_CHECKING:
    from hourglass._bridge import (
        Command,
        InitializeWorkflow,
        Payload,
        ResolveActivity,
        Wire,
        WorkflowActivation,
    )
    from hourglass.converter import DataConverter
    from hourglass.workflow._definition.definition import WorkflowDefinition

_log = logging.getLogger("hourglass.workflow")


class WaitsForActivity(Protocol):
    """The waiter for an activity's outcome."""

    def resolve(self, job: ResolveActivity) -> None:
        """Take the outcome that history recorded."""


class WaitsForJob(Protocol):
    """The waiter for jobs that have no class of their own."""

    def resolve_job(self, variant: str, fields: Mapping[str, Any]) -> None:
        """Take what history recorded; done when nothing more comes."""

    def done(self) -> bool:
        """Tell that no further job is expected."""
        ...

    def cancel(self, msg: Any | None = None) -> bool:
        """Ask for cancellation."""
        ...


SendSignal = Callable[..., Coroutine[Any, Any, None]]
"""The call ``send_signal(state, target, signal, arguments)``, as interceptors see it."""


class RunState(Facts):
    """See the module's text. `WorkflowInstance` is the run itself."""

    __slots__ = (
        "_timer_seq",
        "activation",
        "activities",
        "activity_seq",
        "cancel_reason",
        "commands",
        "conditions",
        "current_details",
        "definition",
        "disable_eager_activities",
        "extern_functions",
        "failure_converter",
        "local_activities",
        "object",
        "payload_converter",
        "pending",
        "send_signal",
        "seqs",
        "timers",
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
        send_signal: SendSignal,
        extern_functions: Mapping[str, Callable[..., Any]],
        disable_eager_activities: bool,
        local_activities: frozenset[str] | None,
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
        self.conditions = Conditions(self.loop)
        self.send_signal: SendSignal = send_signal
        self.extern_functions = extern_functions
        self.disable_eager_activities = disable_eager_activities
        self.local_activities = local_activities
        """The names of those that the worker runs; None: any."""
        self.object: Any = None
        """The object of the workflow class."""
        self.activation: WorkflowActivation = _NO_ACTIVATION
        self.commands: list[Command] = []
        """The commands of this activation, in the order the code asked for them."""
        self.activities: dict[int, WaitsForActivity] = {}
        self.activity_seq = 0
        self.pending: dict[tuple[str, int], WaitsForJob] = {}
        """The waiters of the other numberings, by kind and number."""
        self.seqs: dict[str, int] = {}
        self.timers: dict[int, TimerHandle] = {}
        """Timers that have neither fired nor been cancelled. Invariant: each has its number."""
        self._timer_seq = 0
        self.cancel_reason: str | None = None
        self.current_details = ""

    @property
    def is_replaying(self) -> bool:
        """True while the past is worked through again, and in a run that leaves the cache."""
        return self.activation.is_replaying or self.loop.evicted

    def encoded_result(self, result: Any, declared: Any) -> Payload:
        """Encode what code returned, unless its declared type would read it as another value."""
        self.payload_converter.check_values([result], [declared], lenient=True)
        return self.payload_converter.to_payloads([result])[0]

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
        if self.loop.evicted:
            return
        self.loop.check_writable("cancel a timer")
        if self.timers.pop(timer.seq, None) is not None:
            self.commands.append(CancelTimer(timer.seq))

    def report(self, message: str, error: BaseException | None) -> None:
        """Log, once: not during replay (see `LoopHost`)."""
        if not self.is_replaying:
            _log.error("%s (%s)", message, self.log_details, exc_info=error)

    def next_seq(self, kind: str) -> int:
        """Count up a numbering: each kind of pending thing has its own, from 1."""
        seq = self.seqs.get(kind, 0) + 1
        self.seqs[kind] = seq
        return seq

    def failure_of(self, error: BaseException) -> Wire:
        """Make the failure of an exception, whatever the converter does."""
        return failure_of(error, self.failure_converter, self.payload_converter)

    def summary(self, text: str | None) -> Payload | None:
        """Encode the summary of a command."""
        return None if text is None else self.payload_converter.to_payloads([text])[0]


_NO_ACTIVATION: Any = None
