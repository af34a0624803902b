"""Errors of converters are judged as errors of the workflow's own code, and never lost."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import OtherJob, QueryWorkflow, RespondToQuery
from hourglass.converter import DataConverter, DefaultFailureConverter, PayloadConverter
from hourglass.exceptions import ApplicationError
from hourglass.workflow._runtime.runner import WorkflowRunner
from tests.workflow.harness import (
    QUEUE,
    Run,
    completed,
    failed,
    failure_of,
    names,
    payload,
    signal,
)

LIMIT = timedelta(seconds=9)


class Picky(PayloadConverter):
    """Refuses to read or write what it is told to refuse, as an error of its own."""

    error: BaseException = ApplicationError("refused", type="Refused")
    writes = False

    def to_payloads(self, values: Any) -> Any:
        if self.writes and "bad" in values:
            raise self.error
        return DataConverter.default.payload_converter.to_payloads(values)

    def from_payloads(self, payloads: Any, type_hints: Any = None) -> Any:
        values = DataConverter.default.payload_converter.from_payloads(payloads, type_hints)
        if not self.writes and "bad" in values:
            raise self.error
        return values


class PickyBug(Picky):
    error = KeyError("a bug of the converter")


class PickyWriter(Picky):
    writes = True


class PickyBuggyWriter(PickyBug):
    writes = True


@workflow.defn
class Reads:
    @workflow.run
    async def run(self, given: str, what: str = "") -> str:
        if what == "activity":
            return str(await workflow.execute_activity("a", start_to_close_timeout=LIMIT))
        if what == "child":
            return str(await workflow.execute_child_workflow("Child", id="child"))
        if what == "result":
            return "bad"
        if what == "argument":
            await workflow.execute_activity("a", "bad", start_to_close_timeout=LIMIT)
        return given


def new_run(
    converter: type[PayloadConverter], *args: Any, types: Any = (), failures: Any = None
) -> Run:
    given = dataclasses.replace(DataConverter.default, payload_converter_class=converter)
    if failures is not None:
        given = dataclasses.replace(given, failure_converter_class=failures)
    runner = WorkflowRunner(
        [Reads, Raises],
        task_queue=QUEUE,
        namespace="default",
        data_converter=given,
        workflow_failure_exception_types=types,
    )
    return Run(Reads, *args, runner=runner)


def outcome(run: Run, what: str) -> Any:
    """Lead the run to what its converter refuses."""
    completion = run.start()
    if what == "activity":
        completion = run.send(completed(1, "bad"))
    elif what == "child":
        fields = {"seq": 1, "succeeded": {"run_id": "r"}}
        run.send(OtherJob(variant="resolve_child_workflow_execution_start", fields=fields))
        done = {"seq": 1, "result": {"completed": {"result": payload("bad")}}}
        completion = run.send(OtherJob(variant="resolve_child_workflow_execution", fields=done))
    return completion


WAYS = ["start", "activity", "child", "result", "argument"]


def run_for(what: str, reader: type[Picky], writer: type[Picky], types: Any = ()) -> Run:
    converter = writer if what in ("result", "argument") else reader
    return new_run(converter, "bad" if what == "start" else "good", what, types=types)


@pytest.mark.parametrize("what", WAYS)
def test_an_application_error_of_a_converter_fails_the_workflow(what: str) -> None:
    failure = failure_of(outcome(run_for(what, Picky, PickyWriter), what))
    assert failure["message"] == "refused"
    assert failure["application_failure_info"]["type"] == "Refused"


@pytest.mark.parametrize("what", WAYS)
def test_a_bug_of_a_converter_fails_the_task(what: str) -> None:
    assert outcome(run_for(what, PickyBug, PickyBuggyWriter), what).failure is not None


@pytest.mark.parametrize("what", WAYS)
def test_a_bug_of_a_converter_that_is_a_failure_type_fails_the_workflow(what: str) -> None:
    run = run_for(what, PickyBug, PickyBuggyWriter, [Exception])
    assert "a bug of the converter" in failure_of(outcome(run, what))["message"]


@workflow.defn(failure_exception_types=[Exception])
class TakesAnInt:
    @workflow.run
    async def run(self, number: int) -> None: ...


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((), "takes 1 arguments, 0 were given"),
        ((1, 2), "takes 1 arguments, 2 were given"),
        (("no number",), "expected int"),
        (({"a": 1},), "expected int, found dict"),
    ],
)
def test_arguments_that_do_not_fit_fail_a_workflow_that_wants_it_with_the_reason(
    args: tuple[Any, ...], reason: str
) -> None:
    assert reason in failure_of(Run(TakesAnInt, *args).start())["message"]


@workflow.defn(failure_exception_types=[Exception])
class Breaks:
    def __init__(self) -> None:
        raise KeyError("while it is made")

    @workflow.query
    def ask(self) -> None: ...

    @workflow.run
    async def run(self) -> None: ...


def test_an_error_while_the_object_is_made_is_judged_and_the_run_still_answers() -> None:
    run = Run(Breaks)
    assert names(run.start(signal("nudge"))) == ["FailWorkflowExecution"]
    [answer] = run.send(QueryWorkflow(query_id="q", query_type="ask")).commands
    assert isinstance(answer, RespondToQuery)


# --- failures that can't be encoded ------------------------------------------------------------


def deep() -> BaseException:
    error: BaseException = ApplicationError("the last")
    for number in range(3000):
        outer = ApplicationError(str(number))
        outer.__cause__ = error
        error = outer
    return error


def circular() -> BaseException:
    one, two = ApplicationError("one"), ApplicationError("two")
    one.__cause__, two.__cause__ = two, one
    return one


UNSENDABLE: dict[str, Any] = {
    "details": lambda: ApplicationError("x", object()),
    "surrogates": lambda: ApplicationError("x \udcff"),
    "surrogates in the type": lambda: ApplicationError("x", type="t\udcff"),
    "a type that is no text": lambda: ApplicationError("x", type=5),  # type: ignore[arg-type]
    "a long chain": deep,
    "a circle": circular,
    "a long text": lambda: ApplicationError("x" * 10_000_000),
    "a delay that is none": lambda: ApplicationError("x", next_retry_delay="soon"),  # type: ignore[arg-type]
}


@workflow.defn
class Raises:
    @workflow.update
    def change(self, what: str) -> None:
        raise UNSENDABLE[what]()

    @workflow.query
    def ask(self, what: str) -> None:
        raise UNSENDABLE[what]()

    @workflow.run
    async def run(self, what: str) -> None:
        raise UNSENDABLE[what]()


@pytest.mark.parametrize("what", UNSENDABLE)
def test_a_failure_that_can_not_be_encoded_fails_the_workflow_all_the_same(what: str) -> None:
    assert failure_of(Run(Raises, what).start())["message"]


class BrokenFailures(DefaultFailureConverter):
    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter) -> Any:
        raise KeyError("the converter")


def test_a_failure_converter_that_raises_does_not_keep_a_workflow_from_failing() -> None:
    run = new_run(Picky, "good", "activity", failures=BrokenFailures)
    run.start()
    failure = failure_of(run.send(failed(1)))
    assert "BrokenFailures raised" in failure["message"]


def test_a_failure_converter_that_raises_does_not_keep_a_task_from_failing() -> None:
    run = new_run(PickyBug, "bad", failures=BrokenFailures)
    failure = run.start().failure
    assert failure is not None
    assert "BrokenFailures raised" in failure["message"]


def test_a_failure_converter_that_raises_does_not_keep_a_query_from_being_answered() -> None:
    run = new_run(Picky, "good", "activity", failures=BrokenFailures)
    run.start()
    [answer] = run.send(QueryWorkflow(query_id="q", query_type="none")).commands
    assert isinstance(answer, RespondToQuery)
    assert answer.failure is not None
    assert "BrokenFailures raised" in answer.failure["message"]
