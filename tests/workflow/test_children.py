"""Children in two phases: asked for, started, ended; and every way that can go wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import OtherCommand, OtherJob, UpdateRandomSeed
from hourglass.common import Priority, RetryPolicy, WorkflowIDReusePolicy
from hourglass.exceptions import (
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
)
from tests.workflow.harness import Run, cancel, names, payload, result_of, signal, value

CHILD_INFO = {
    "workflow_execution": {"workflow_id": "child", "run_id": "r"},
    "workflow_type": {"name": "Child"},
    "initiated_event_id": 5,
}


def started(seq: int = 1, run_id: str = "run of the child") -> OtherJob:
    fields = {"seq": seq, "succeeded": {"run_id": run_id}}
    return OtherJob(variant="resolve_child_workflow_execution_start", fields=fields)


def not_started(cause: int, seq: int = 1) -> OtherJob:
    failed = {"workflow_id": "child", "workflow_type": "Child", "cause": cause}
    fields = {"seq": seq, "failed": failed}
    return OtherJob(variant="resolve_child_workflow_execution_start", fields=fields)


def ended(result: Any = None, seq: int = 1) -> OtherJob:
    fields = {"seq": seq, "result": {"completed": {"result": payload(result)}}}
    return OtherJob(variant="resolve_child_workflow_execution", fields=fields)


def broken(how: str, cause: dict[str, Any], seq: int = 1) -> OtherJob:
    failure = {
        "message": f"child {how}",
        "cause": cause,
        "child_workflow_execution_failure_info": CHILD_INFO,
    }
    fields = {"seq": seq, "result": {how: {"failure": failure}}}
    return OtherJob(variant="resolve_child_workflow_execution", fields=fields)


CANCELLED: dict[str, Any] = {"message": "Cancelled", "canceled_failure_info": {}}


def fields_of(completion: Any, number: int = 0) -> dict[str, Any]:
    command = completion.commands[number]
    assert isinstance(command, OtherCommand)
    return dict(command.fields)


def variants(completion: Any) -> list[str]:
    assert completion.failure is None, completion.failure
    return [
        command.variant if isinstance(command, OtherCommand) else type(command).__name__
        for command in completion.commands
    ]


@workflow.defn
class Child:
    @workflow.run
    async def run(self, number: int) -> int:
        return number

    @workflow.signal
    def nudge(self, times: int) -> None: ...

    @workflow.signal(dynamic=True)
    def anything(self, name: str, args: Any) -> None: ...


@workflow.defn
class Parent:
    @workflow.run
    async def run(self) -> list[Any]:
        handle = await workflow.start_child_workflow(Child.run, 3, id="child")
        seen: list[Any] = [handle.id, handle.first_execution_run_id]
        return [*seen, await handle]


def test_a_child_is_asked_for_then_started_then_ends() -> None:
    run = Run(Parent)
    asked = run.start()
    assert fields_of(asked) == {
        "seq": 1,
        "namespace": "default",
        "workflow_id": "child",
        "workflow_type": "Child",
        "task_queue": "queue",
        "input": [payload(3)],
        "parent_close_policy": 1,
        "cancellation_type": 2,
        "workflow_id_reuse_policy": 1,
    }
    assert variants(run.send(started())) == []
    assert result_of(run.send(ended(4))) == ["child", "run of the child", 4]


def test_a_child_may_start_and_end_in_one_activation() -> None:
    run = Run(Parent)
    run.start()
    assert result_of(run.send(started(), ended(4)))[2] == 4


@workflow.defn
class AllOptions:
    @workflow.run
    async def run(self) -> None:
        second = timedelta(seconds=1)
        await workflow.execute_child_workflow(
            "Other",
            args=[1, 2],
            task_queue="elsewhere",
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            execution_timeout=3 * second,
            run_timeout=2 * second,
            task_timeout=second,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            retry_policy=RetryPolicy(maximum_attempts=2),
            cron_schedule="* * * * *",
            memo={"a": 1},
            static_summary="one line",
            priority=Priority(priority_key=2),
        )


def test_every_option_of_a_child_arrives() -> None:
    completion = Run(AllOptions).start()
    fields = fields_of(completion)
    second = timedelta(seconds=1)
    assert (fields["workflow_type"], fields["task_queue"]) == ("Other", "elsewhere")
    assert fields["input"] == [payload(1), payload(2)]
    assert fields.get("cancellation_type", 0) == 0
    assert fields["parent_close_policy"] == 3
    assert fields["workflow_execution_timeout"] == 3 * second
    assert fields["workflow_run_timeout"] == 2 * second
    assert fields["workflow_task_timeout"] == second
    assert fields["workflow_id_reuse_policy"] == 3
    assert fields["retry_policy"]["maximum_attempts"] == 2
    assert fields["cron_schedule"] == "* * * * *"
    assert fields["memo"] == {"a": payload(1)}
    assert fields["priority"] == {"priority_key": 2}
    [command] = completion.commands
    assert isinstance(command, OtherCommand)
    assert value(command.summary) == "one line"


@workflow.defn
class TwoUnnamed:
    @workflow.signal
    def go(self) -> None:
        self.go_on = True

    @workflow.run
    async def run(self) -> list[str]:
        self.go_on = False
        first = await workflow.start_child_workflow("Child")
        await workflow.wait_condition(lambda: self.go_on)
        second = await workflow.start_child_workflow("Child")
        return [first.id, second.id]


def test_s18_ids_made_for_children_repeat_in_a_replay_and_follow_a_new_seed() -> None:
    def ids(*jobs: Any) -> Any:
        run = Run(TwoUnnamed)
        run.start()
        run.send(started())
        run.send(signal("go"), *jobs)
        return result_of(run.send(started(2)))

    plain = ids()
    assert plain == ids()
    assert len(set(plain)) == 2
    reseeded = ids(UpdateRandomSeed(randomness_seed=7))
    assert reseeded[0] == plain[0]
    assert reseeded[1] != plain[1]


@workflow.defn
class Catches:
    @workflow.run
    async def run(self) -> list[Any]:
        try:
            await workflow.execute_child_workflow(Child.run, 3, id="child")
        except (ChildWorkflowError, WorkflowAlreadyStartedError, ApplicationError) as error:
            return [type(error).__name__, str(error), type(error.cause).__name__]
        return []


def test_a_child_that_fails_raises_a_child_workflow_error_with_its_cause() -> None:
    run = Run(Catches)
    run.start()
    cause = {"message": "boom", "application_failure_info": {"type": "Boom"}}
    run.send(started())
    assert result_of(run.send(broken("failed", cause))) == [
        "ChildWorkflowError",
        "child failed",
        "ApplicationError",
    ]


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (1, ["WorkflowAlreadyStartedError", "child"]),
        (2, ["ApplicationError", "NamespaceNotFound"]),
        (9, ["ApplicationError", "Unknown"]),
    ],
)
def test_a_child_that_can_not_start_says_why(cause: int, expected: list[str]) -> None:
    run = Run(Catches)
    run.start()
    if cause == 9:
        cause = 0
    kind, message, _ = result_of(run.send(not_started(cause)))
    assert kind == expected[0]
    assert expected[1] in message


def test_a_child_workflow_error_that_is_not_caught_fails_the_workflow() -> None:
    run = Run(Parent)
    run.start()
    assert names(run.send(not_started(1))) == ["FailWorkflowExecution"]


def test_cancelling_the_parent_cancels_the_child_and_waits_for_it() -> None:
    run = Run(Parent)
    run.start()
    run.send(started())
    cancelled = run.send(cancel())
    assert variants(cancelled) == ["cancel_child_workflow_execution"]
    assert fields_of(cancelled)["child_workflow_seq"] == 1
    assert names(run.send(broken("cancelled", CANCELLED))) == ["CancelWorkflowExecution"]


def test_a_child_that_completes_in_spite_of_its_cancellation_has_a_result() -> None:
    run = Run(Parent)
    run.start()
    run.send(started())
    run.send(cancel())
    assert result_of(run.send(ended(4)))[2] == 4


def test_cancelling_a_child_that_has_not_started_waits_for_its_start() -> None:
    run = Run(Parent)
    run.start()
    assert variants(run.send(cancel())) == ["cancel_child_workflow_execution"]
    assert variants(run.send(started())) == []
    assert names(run.send(broken("cancelled", CANCELLED))) == ["CancelWorkflowExecution"]


def test_a_cancellation_that_waits_for_nothing_ends_the_wait_for_the_start_too() -> None:
    run = Run(Catches)
    run.start()
    run.send(cancel())
    assert result_of(run.send(broken("cancelled", CANCELLED)))[2] == "CancelledError"


def test_a_child_that_is_cancelled_before_it_was_sent_never_starts() -> None:
    run = Run(Catches)
    run.start()
    failure = {"cause": CANCELLED, "child_workflow_execution_failure_info": CHILD_INFO}
    fields = {"seq": 1, "cancelled": {"failure": failure}}
    job = OtherJob(variant="resolve_child_workflow_execution_start", fields=fields)
    assert result_of(run.send(job))[0] == "ChildWorkflowError"


@workflow.defn
class Signals:
    @workflow.run
    async def run(self) -> str:
        handle = await workflow.start_child_workflow(Child.run, 3, id="child")
        await handle.signal(Child.nudge, 2)
        try:
            await handle.signal("more", args=[1, 2])
        except ApplicationError as error:
            return str(error.type)
        except CancelledError:
            return "cancelled"
        return "sent"


def signalled(seq: int, failure: dict[str, Any] | None = None) -> OtherJob:
    fields = {"seq": seq} if failure is None else {"seq": seq, "failure": failure}
    return OtherJob(variant="resolve_signal_external_workflow", fields=fields)


def test_a_child_is_signalled_and_the_wait_is_for_the_record_of_it() -> None:
    run = Run(Signals)
    run.start()
    sent = run.send(started())
    assert fields_of(sent) == {
        "seq": 1,
        "child_workflow_id": "child",
        "signal_name": "nudge",
        "args": [payload(2)],
    }
    assert fields_of(run.send(signalled(1)))["args"] == [payload(1), payload(2)]
    assert result_of(run.send(signalled(2))) == "sent"


def test_a_signal_to_a_child_that_is_gone_is_a_typed_error() -> None:
    run = Run(Signals)
    run.start()
    run.send(started())
    run.send(signalled(1))
    failure = {"message": "gone", "application_failure_info": {"type": "NotFound"}}
    assert result_of(run.send(signalled(2, failure))) == "NotFound"


def test_a_signal_that_is_cancelled_is_taken_back_if_it_was_not_sent() -> None:
    run = Run(Signals)
    run.start()
    run.send(started())
    run.send(signalled(1))
    assert variants(run.send(cancel())) == ["cancel_signal_workflow"]
    failure = {"message": "Signal was cancelled", "canceled_failure_info": {}}
    assert result_of(run.send(signalled(2, failure))) == "cancelled"


@workflow.defn
class FansOut:
    @workflow.run
    async def run(self) -> list[int]:
        calls = [workflow.execute_child_workflow(Child.run, n, id=f"c{n}") for n in range(3)]
        return await asyncio.gather(*calls)


def test_children_that_end_out_of_order_give_results_in_order() -> None:
    run = Run(FansOut)
    assert len(run.start().commands) == 3
    run.send(started(3), started(1), started(2))
    assert result_of(run.send(ended(2, 3), ended(0, 1), ended(1, 2))) == [0, 1, 2]


@workflow.defn
class Forgets:
    """Starts children and ends without waiting for anything."""

    @workflow.run
    async def run(self) -> None:
        for number in range(2):
            asyncio.create_task(  # noqa: RUF006 - forgetting it is the point
                workflow.execute_child_workflow(Child.run, number, id=f"c{number}")
            )
        await asyncio.sleep(0)


def test_s19_commands_of_tasks_nobody_awaits_are_sent_before_the_end() -> None:
    commands = variants(Run(Forgets).start())
    assert commands[:2] == ["start_child_workflow_execution"] * 2
    assert "CompleteWorkflowExecution" in commands


@workflow.defn
class Wrong:
    @workflow.run
    async def run(self, what: str) -> str:
        child: Any = workflow.start_child_workflow
        calls: dict[str, Any] = {
            "option": lambda: child("Child", idd="x"),
            "name": lambda: child(""),
            "timeout": lambda: child("Child", run_timeout=timedelta(seconds=-1)),
            "undecorated": lambda: child(test_a_child_is_asked_for_then_started_then_ends),
            "both": lambda: child("Child", 1, args=[2]),
            "unencodable": lambda: child("Child", object()),
        }
        try:
            await calls[what]()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""


@pytest.mark.parametrize(
    ("what", "culprit"),
    [
        ("option", "TypeError: .*'idd'"),
        ("name", "InvalidArgumentError: the workflow's name is empty"),
        ("timeout", "ValueError: run_timeout"),
        ("undecorated", "DefinitionError"),
        ("both", "TypeError: .*not both"),
        ("unencodable", "EncodingError"),
    ],
)
def test_a_bad_call_is_named_before_anything_is_recorded(what: str, culprit: str) -> None:
    completion = Run(Wrong, what).start()
    assert names(completion) == ["CompleteWorkflowExecution"]
    with pytest.raises(AssertionError, match=culprit):
        raise AssertionError(result_of(completion))


def test_two_replays_of_a_parent_are_the_same_to_the_byte() -> None:
    def story() -> list[bytes]:
        run = Run(FansOut)
        steps = [run.start(), run.send(started(2), started(1), started(3))]
        return [step.SerializeToString() for step in [*steps, run.send(ended(1, 2))]]

    assert story() == story()
