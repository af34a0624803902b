"""A run without a service: activations made by hand, commands looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hourglass._bridge import (
    CancelWorkflow,
    CompleteWorkflowExecution,
    FailWorkflowExecution,
    FireTimer,
    InitializeWorkflow,
    QueryWorkflow,
    RemoveFromCache,
    ResolveActivity,
    RespondToQuery,
    SignalWorkflow,
    WorkflowActivation,
    WorkflowCompletion,
)
from hourglass.converter import DataConverter
from hourglass.workflow._definition.definition import WorkflowDefinition
from hourglass.workflow._runtime.runner import WorkflowRunner

EPOCH = 1_700_000_000.0
CONVERTER = DataConverter()
QUEUE = "queue"


def payload(value: Any) -> Any:
    """Encode one value."""
    return CONVERTER.payload_converter.to_payloads([value])[0]


def value(encoded: Any) -> Any:
    """Decode one value."""
    return CONVERTER.payload_converter.from_payloads([encoded], None)[0]


def names(completion: WorkflowCompletion) -> list[str]:
    """Name the commands; a failed task is no list of commands."""
    assert completion.failure is None, completion.failure
    return [type(command).__name__ for command in completion.commands]


def fire(seq: int) -> FireTimer:
    return FireTimer(seq=seq)


def completed(seq: int, result: Any = None) -> ResolveActivity:
    return ResolveActivity(seq=seq, status="completed", result=payload(result))


def failed(seq: int, message: str = "boom", kind: str = "Error") -> ResolveActivity:
    cause = {"message": message, "application_failure_info": {"type": kind}}
    return ResolveActivity(
        seq=seq,
        status="failed",
        failure={
            "message": "activity failed",
            "cause": cause,
            "activity_failure_info": {"activity_type": {"name": "a"}, "activity_id": str(seq)},
        },
    )


def cancelled(seq: int) -> ResolveActivity:
    return ResolveActivity(
        seq=seq,
        status="cancelled",
        failure={
            "message": "Activity cancelled",
            "cause": {"message": "Cancelled", "canceled_failure_info": {}},
            "activity_failure_info": {"activity_type": {"name": "a"}, "activity_id": str(seq)},
        },
    )


def signal(name: str, *args: Any) -> SignalWorkflow:
    return SignalWorkflow(signal_name=name, input=[payload(arg) for arg in args])


def query(name: str, *args: Any) -> QueryWorkflow:
    return QueryWorkflow(
        query_id=f"q-{name}", query_type=name, arguments=[payload(arg) for arg in args]
    )


def cancel(reason: str = "enough") -> CancelWorkflow:
    return CancelWorkflow(reason=reason)


def result_of(completion: Any) -> Any:
    """Decode the result of a run that completed."""
    assert completion.failure is None, completion.failure
    command = completion.commands[-1]
    assert isinstance(command, CompleteWorkflowExecution), command
    return value(command.result)


def failure_of(completion: Any) -> dict[str, Any]:
    """Read the failure of a run that failed."""
    assert completion.failure is None, completion.failure
    command = completion.commands[-1]
    assert isinstance(command, FailWorkflowExecution), command
    return dict(command.failure)


class Run:
    """One run of a workflow on a runner of its own."""

    def __init__(
        self,
        workflow: type,
        *args: Any,
        run_id: str = "run",
        seed: int = 42,
        runner: WorkflowRunner | None = None,
        failure_types: Sequence[type[BaseException]] = (),
        **init: Any,
    ) -> None:
        self.runner = runner or WorkflowRunner(
            [workflow],
            task_queue=QUEUE,
            namespace="default",
            data_converter=CONVERTER,
            workflow_failure_exception_types=failure_types,
        )
        self.run_id = run_id
        self.time = EPOCH
        self.init = InitializeWorkflow(
            workflow_type=WorkflowDefinition.of(workflow).name,
            workflow_id="workflow-id",
            arguments=[payload(arg) for arg in args],
            randomness_seed=seed,
            attempt=1,
            **init,
        )

    def start(self, *jobs: Any, replaying: bool = False) -> WorkflowCompletion:
        """Send the first activation, with more jobs if given."""
        return self.send(self.init, *jobs, replaying=replaying)

    def send(self, *jobs: Any, replaying: bool = False) -> WorkflowCompletion:
        """Send one activation; the time goes on by a second with each."""
        self.time += 1
        activation = WorkflowActivation(
            run_id=self.run_id,
            timestamp=self.time,
            timestamp_ns=int(self.time * 1e9),
            is_replaying=replaying,
            history_length=3,
            history_size_bytes=100,
            jobs=list(jobs),
        )
        return self.runner.evaluate(activation)

    def ask(self, name: str, *args: Any) -> Any:
        """Send a query alone; its answer, or its failure as a dict."""
        completion = self.send(query(name, *args))
        assert completion.failure is None, completion.failure
        [answer] = completion.commands
        assert isinstance(answer, RespondToQuery)
        return answer.failure if answer.response is None else value(answer.response)

    def evict(self) -> WorkflowCompletion:
        """Send the eviction."""
        return self.send(RemoveFromCache(message="", reason=0))
