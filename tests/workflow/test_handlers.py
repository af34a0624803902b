"""Signals and queries: found, decoded, buffered, refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import DoUpdate, OtherCommand, QueryWorkflow
from hourglass.common import RawValue
from hourglass.exceptions import ApplicationError
from tests.workflow.harness import Run, completed, fire, names, query, signal, value


@dataclass
class Order:
    number: int
    lines: list[str]


@workflow.defn
class Shop:
    def __init__(self) -> None:
        self.log: list[Any] = []
        self.event = asyncio.Event()

    @workflow.signal
    def order(self, order: Order, note: str = "none") -> None:
        self.log.append([type(order).__name__, order.number, note])

    @workflow.signal(name="renamed")
    def original(self) -> None:
        self.log.append("renamed")

    @workflow.signal(dynamic=True)
    def anything(self, name: str, args: Sequence[RawValue]) -> None:
        converter = workflow.payload_converter()
        decoded = converter.from_payloads([arg.payload for arg in args], [int] * len(args))
        self.log.append([name, decoded])

    @workflow.signal
    async def slow(self, seconds: int) -> None:
        await workflow.sleep(seconds)
        self.log.append(f"slow {seconds}")

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def abandoned(self) -> None:
        await workflow.sleep(60)

    @workflow.signal
    def fail(self) -> None:
        raise ApplicationError("from a signal")

    @workflow.signal
    def bug(self) -> None:
        raise KeyError("bug")

    @workflow.signal
    async def restart(self) -> None:
        workflow.continue_as_new()

    @workflow.signal
    def end(self) -> None:
        self.event.set()

    @workflow.query
    def read(self) -> list[Any]:
        return self.log

    @workflow.query(name="total")
    def add(self, *numbers: int) -> int:
        return sum(numbers)

    @workflow.query
    async def quick(self) -> str:
        return "quick"

    @workflow.query
    async def waits(self) -> None:
        await asyncio.sleep(0)

    @workflow.query
    def broken(self) -> None:
        raise ApplicationError("can't say", type="Kind")

    @workflow.query
    def unencodable(self) -> object:
        return object()

    @workflow.query
    def meddle(self, what: str) -> Any:
        return MEDDLING[what](self)

    @workflow.run
    async def run(self) -> list[Any]:
        await self.event.wait()
        return self.log


def schedule(_: Any) -> Any:
    return workflow.start_activity("a", start_to_close_timeout=timedelta(seconds=1))


def drive(coro: Any) -> Any:
    return coro.send(None)


MEDDLING: dict[str, Any] = {
    "start an activity": schedule,
    "sleep": lambda _: drive(workflow.sleep(1)),
    "wait for a condition": lambda _: drive(workflow.wait_condition(lambda: True)),
    "start a timer": lambda _: asyncio.get_running_loop().call_later(1, print),
    "create a task": lambda self: asyncio.get_running_loop().create_task(self.event.wait()),
    "draw a random number": lambda _: workflow.uuid4(),
    "continue as new": lambda _: workflow.continue_as_new(),
    "ask for a patch": lambda _: workflow.patched("new"),
    "set a signal handler": lambda _: workflow.set_signal_handler("x", print),
    "set a query handler": lambda _: workflow.set_query_handler("x", print),
}


def test_signals_find_their_handler_and_are_decoded_by_its_hints() -> None:
    run = Run(Shop)
    run.start(
        signal("order", {"number": 1, "lines": []}),
        signal("order", {"number": 2, "lines": ["x"]}, "quick"),
        signal("renamed"),
        signal("unheard_of", 1, 2),
    )
    assert run.ask("read") == [
        ["Order", 1, "none"],
        ["Order", 2, "quick"],
        "renamed",
        ["unheard_of", [1, 2]],
    ]


@pytest.mark.parametrize(
    "arguments", [[], [1, 2, 3], ["not an order"], [{"number": "x", "lines": 3}]]
)
def test_a_signal_that_does_not_fit_is_dropped_with_a_log_line(
    arguments: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(Shop)
    assert run.start(signal("order", *arguments), signal("renamed")).failure is None
    assert run.ask("read") == ["renamed"]
    assert "dropping signal 'order'" in caplog.text


def test_a_failure_in_a_signal_handler_fails_the_workflow() -> None:
    assert names(Run(Shop).start(signal("fail"))) == ["FailWorkflowExecution"]


def test_a_bug_in_a_signal_handler_fails_the_task() -> None:
    completion = Run(Shop).start(signal("bug"))
    assert completion.failure is not None


def test_a_signal_handler_may_continue_as_new() -> None:
    assert names(Run(Shop).start(signal("restart"))) == ["ContinueAsNewWorkflowExecution"]


def test_a_workflow_that_ends_before_its_handlers_warns() -> None:
    run = Run(Shop)
    run.start(signal("slow", 5), signal("abandoned"))
    with pytest.warns(workflow.UnfinishedSignalHandlersWarning, match="'slow'") as caught:
        run.send(signal("end"))
    assert "abandoned" not in str(caught[0].message)


@pytest.mark.parametrize("what", MEDDLING)
def test_b64_a_query_that_meddles_is_refused_and_leaves_no_trace(what: str) -> None:
    """B-64."""
    run, control = Run(Shop), Run(Shop)
    for each in (run, control):
        each.start(signal("slow", 5))
    failure = run.ask("meddle", what)
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"
    assert f"a query handler only looks at the workflow, it can't {what}" in failure["message"]
    assert run.send(fire(1)).commands == control.send(fire(1)).commands
    assert run.ask("read") == control.ask("read") == ["slow 5"]


def test_b63_a_query_is_answered_while_asleep_and_the_sleep_goes_on() -> None:
    """B-63."""
    run = Run(Shop)
    run.start(signal("slow", 5))
    assert run.ask("read") == []
    run.send(fire(1))
    assert run.ask("read") == ["slow 5"]


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [("total", [], 0), ("total", [1, 2, 3], 6), ("quick", [], "quick")],
)
def test_queries_answer(name: str, arguments: list[Any], answer: Any) -> None:
    run = Run(Shop)
    run.start()
    assert run.ask(name, *arguments) == answer


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "message"),
    [
        ("broken", [], "Kind", "can't say"),
        ("unknown", [], "LookupError", "its queries: 'broken', "),
        ("read", [1], "TypeError", "takes 0 arguments, 1 were given"),
        ("meddle", [], "TypeError", "takes 1 arguments, 0 were given"),
        ("waits", [], "RuntimeError", "'waits' waits for something"),
        ("unencodable", [], "EncodingError", "object"),
    ],
)
def test_what_goes_wrong_in_a_query_is_its_answer(
    name: str, arguments: list[Any], kind: str, message: str
) -> None:
    run = Run(Shop)
    run.start()
    failure = run.ask(name, *arguments)
    assert failure["application_failure_info"]["type"] == kind
    assert message in failure["message"]
    assert names(run.send(signal("end"))) == ["CompleteWorkflowExecution"]


def test_several_queries_are_answered_in_order_after_everything_else() -> None:
    run = Run(Shop)
    completion = run.start(query("read"), query("broken"), query("total", 4))
    assert [command.query_id for command in completion.commands] == [  # type: ignore[union-attr]
        "q-read",
        "q-broken",
        "q-total",
    ]


def test_a_workflow_that_ended_still_answers_queries() -> None:
    run = Run(Shop)
    run.start(signal("renamed"), signal("end"))
    assert run.ask("read") == ["renamed"]


def test_every_workflow_tells_where_it_waits() -> None:
    run = Run(Shop)
    run.start(signal("slow", 5))
    trace = run.ask("__stack_trace")
    assert "await self.event.wait()" in trace
    assert "await workflow.sleep(seconds)" in trace


@workflow.defn
class Late:
    """Sets its handlers while it runs."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @workflow.signal
    def known(self, word: str) -> None:
        self.log.append(f"known {word}")

    @workflow.query
    def read(self) -> list[str]:
        return self.log

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("a", start_to_close_timeout=timedelta(seconds=1))
        assert workflow.get_signal_handler("late") is None
        workflow.set_signal_handler("late", self.late)
        assert workflow.get_signal_handler("late") == self.late
        assert workflow.get_signal_handler("known") == self.known
        await workflow.sleep(1)
        workflow.set_dynamic_signal_handler(self.rest)
        workflow.set_query_handler("added", lambda number: number + 1)
        workflow.set_dynamic_query_handler(lambda name, args: f"dynamic {name} {len(args)}")
        await workflow.sleep(1)
        workflow.set_signal_handler("late", None)
        workflow.set_signal_handler("known", None)
        workflow.set_query_handler("added", None)
        await workflow.wait_condition(lambda: False)

    async def late(self, word: str) -> None:
        self.log.append(f"late {word}")

    def rest(self, name: str, args: Sequence[RawValue]) -> None:
        self.log.append(f"rest {name} {len(args)}")


def test_signals_without_a_handler_are_kept_in_order_until_there_is_one() -> None:
    run = Run(Late)
    run.start(signal("late", "1"), signal("other", 1), signal("late", "2"), signal("known", "k"))
    assert run.ask("read") == ["known k"]
    run.send(completed(1))
    assert run.ask("read") == ["known k", "late 1", "late 2"]
    run.send(fire(1))
    assert run.ask("read")[3:] == ["rest other 1"]
    assert run.ask("added", 1) == 2
    assert run.ask("whatever", 1, 2) == "dynamic whatever 2"
    run.send(fire(2), signal("late", "3"))
    run.send(signal("known", "4"), signal("late", "5"))
    assert run.ask("read")[4:] == ["late 3", "rest known 1", "rest late 1"]
    assert run.ask("added", 1) == "dynamic added 1"


def test_handlers_of_one_class_are_not_shared_between_runs() -> None:
    first, second = Run(Late), Run(Late)
    for run in (first, second):
        run.start()
    first.send(completed(1))
    second.send(signal("late", "x"))
    assert second.ask("read") == []


@workflow.defn
class Finishes:
    def __init__(self) -> None:
        self.count = 0

    @workflow.signal
    async def work(self) -> None:
        await workflow.sleep(1)
        self.count += 1

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.count


def test_all_handlers_finished_waits_for_them() -> None:
    run = Run(Finishes)
    assert names(run.start(signal("work"), signal("work"))) == ["StartTimer", "StartTimer"]
    assert names(run.send(fire(1))) == []
    [command] = run.send(fire(2)).commands
    assert value(command.result) == 2  # type: ignore[union-attr]


def test_an_update_is_rejected_and_the_workflow_goes_on() -> None:
    run = Run(Shop)
    run.start()
    job = DoUpdate(id="1", protocol_instance_id="p", name="change", run_validator=True)
    [answer] = run.send(job).commands
    assert isinstance(answer, OtherCommand)
    assert answer.variant == "update_response"
    assert answer.fields["protocol_instance_id"] == "p"
    assert "has no update 'change'" in answer.fields["rejected"]["message"]
    assert names(run.send(signal("end"))) == ["CompleteWorkflowExecution"]


def test_a_workflow_that_leaves_handlers_behind_fails_its_task_where_warnings_are_errors() -> None:
    run = Run(Shop)
    run.start(signal("slow", 5))
    failure = run.send(signal("end")).failure
    assert failure is not None
    assert "ended before its signal handlers: 'slow'" in failure["message"]


@workflow.defn
class Waker:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue()

    @workflow.query
    def wake(self) -> None:
        self.queue.put_nowait(1)

    @workflow.run
    async def run(self) -> None:
        await self.queue.get()


def test_a_query_that_changes_what_asyncio_keeps_is_refused_and_the_run_rebuilt() -> None:
    """A queue has let go of its getter then. A query beside a task: the next task fails."""
    run = Run(Waker)
    run.start()
    failure = run.ask("wake")
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"
    assert run.send(fire(1)).failure is not None


def test_such_a_query_alone_is_answered_with_the_failure_and_costs_no_task() -> None:
    """Core takes the failure as the query's and builds the run anew: nothing is in history."""
    run = Run(Waker)
    run.start()
    failure = run.send(QueryWorkflow(query_id="legacy_query", query_type="wake")).failure
    assert failure is not None
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"
