"""Updates: validated, accepted, run, answered; refused ones leave nothing behind."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import DoUpdate, OtherCommand
from hourglass.common import RawValue
from hourglass.exceptions import ApplicationError, DefinitionError
from tests.workflow.harness import (
    Run,
    completed,
    fire,
    names,
    payload,
    query,
    result_of,
    signal,
    value,
)


@dataclass
class Item:
    name: str


def update(name: str, *args: Any, id: str = "u", validate: bool = True) -> DoUpdate:  # noqa: A002
    return DoUpdate(
        id=id,
        protocol_instance_id=f"p-{id}",
        name=name,
        input=[payload(arg) for arg in args],
        run_validator=validate,
    )


def answers(completion: Any) -> list[list[Any]]:
    """Read the answers to updates: which update, accepted, rejected or completed, and with what."""
    assert completion.failure is None, completion.failure
    found: list[list[Any]] = []
    for command in completion.commands:
        if isinstance(command, OtherCommand) and command.variant == "update_response":
            fields = dict(command.fields)
            update_id = fields.pop("protocol_instance_id").removeprefix("p-")
            [(how, content)] = fields.items()
            if how == "completed":
                content = value(content)
            elif how == "rejected":
                content = content["message"]
            found.append([update_id, how, content])
    return found


@workflow.defn
class Cart:
    def __init__(self) -> None:
        self.items: list[str] = []
        self.over = False

    @workflow.update
    def add(self, item: Item) -> int:
        self.items.append(item.name)
        return len(self.items)

    @add.validator
    def check(self, item: Item) -> None:
        if not item.name:
            raise ValueError("an item needs a name")
        item.name = "changed by the validator"

    @workflow.update(name="slowly")
    async def add_slowly(self, name: str, seconds: int = 1) -> str:
        await workflow.sleep(seconds)
        self.items.append(name)
        return name

    @workflow.update
    async def who(self) -> list[str]:
        info = workflow.current_update_info()
        assert info is not None
        inner = await asyncio.create_task(self.inner())
        return [info.id, info.name, inner]

    async def inner(self) -> str:
        info = workflow.current_update_info()
        return info.id if info else "none"

    @workflow.update
    def fail(self) -> None:
        raise ApplicationError("refused by the handler", type="Kind")

    @workflow.update
    def bug(self) -> None:
        raise KeyError("bug")

    @workflow.update
    async def cancelled(self) -> None:
        raise asyncio.CancelledError

    @workflow.update
    def unencodable(self) -> object:
        return object()

    @workflow.update
    async def restart(self) -> None:
        workflow.continue_as_new()

    @workflow.update
    def meddle(self) -> None: ...

    @meddle.validator
    def start_something(self) -> None:
        workflow.start_activity("a", start_to_close_timeout=None)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def abandoned(self) -> None:
        await workflow.sleep(60)

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.query
    def read(self) -> list[str]:
        return self.items

    @workflow.query
    def outside(self) -> bool:
        return workflow.current_update_info() is None

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self.over)
        return self.items


def test_an_update_is_accepted_and_answered_in_one_activation() -> None:
    run = Run(Cart)
    run.start()
    assert answers(run.send(update("add", {"name": "lamp"}))) == [
        ["u", "accepted", {}],
        ["u", "completed", 1],
    ]
    assert run.ask("read") == ["lamp"]


def test_what_a_validator_does_to_its_arguments_is_of_no_matter() -> None:
    run = Run(Cart)
    run.start()
    run.send(update("add", {"name": "lamp"}))
    assert run.ask("read") == ["lamp"]


def test_a_validator_refuses_and_nothing_is_left() -> None:
    run = Run(Cart)
    run.start()
    refused = run.send(update("add", {"name": ""}))
    assert answers(refused) == [["u", "rejected", "an item needs a name"]]
    assert len(refused.commands) == 1
    assert run.ask("read") == []


def test_a_validator_is_not_asked_again_in_a_replay() -> None:
    run = Run(Cart)
    run.start()
    replayed = run.send(update("add", {"name": ""}, validate=False), replaying=True)
    assert [how for _, how, _ in answers(replayed)] == ["accepted", "completed"]


def test_a_validator_that_does_more_than_look_fails_the_task() -> None:
    run = Run(Cart)
    run.start()
    failure = run.send(update("meddle")).failure
    assert failure is not None
    assert "an update validator only looks" in failure["message"]


def test_an_async_update_is_answered_when_it_ends() -> None:
    run = Run(Cart)
    run.start()
    begun = run.send(update("slowly", "lamp"))
    assert answers(begun) == [["u", "accepted", {}]]
    assert names(begun) == ["OtherCommand", "StartTimer"]
    assert answers(run.send(fire(1))) == [["u", "completed", "lamp"]]


def test_updates_that_run_at_the_same_time_are_answered_each() -> None:
    run = Run(Cart)
    run.start()
    run.send(update("slowly", "a", 3, id="1"), update("slowly", "b", 2, id="2"))
    assert answers(run.send(fire(2))) == [["2", "completed", "b"]]
    assert answers(run.send(fire(1))) == [["1", "completed", "a"]]


def test_a_handler_knows_its_update_and_so_do_its_tasks() -> None:
    run = Run(Cart)
    run.start()
    [_, [_, _, seen]] = answers(run.send(update("who", id="77")))
    assert seen == ["77", "who", "77"]
    assert run.ask("outside") is True


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("nothing", [], "has no update 'nothing' and no dynamic one; its updates: 'abandoned'"),
        ("add", [], "takes 1 arguments, 0 were given"),
        ("add", [3], "expected"),
    ],
)
def test_what_does_not_fit_is_rejected_and_named(name: str, args: list[Any], message: str) -> None:
    run = Run(Cart)
    run.start()
    [[_, how, said]] = answers(run.send(update(name, *args)))
    assert how == "rejected"
    assert message in said
    assert names(run.send(signal("end"))) == ["CompleteWorkflowExecution"]


@pytest.mark.parametrize(
    ("name", "message"), [("fail", "refused by the handler"), ("cancelled", "Cancelled")]
)
def test_a_failure_of_an_accepted_update_is_its_answer(name: str, message: str) -> None:
    run = Run(Cart)
    run.start()
    assert answers(run.send(update(name))) == [
        ["u", "accepted", {}],
        ["u", "rejected", message],
    ]


@pytest.mark.parametrize("name", ["bug", "unencodable"])
def test_a_bug_in_a_handler_fails_the_task_not_the_update(name: str) -> None:
    run = Run(Cart)
    run.start()
    assert run.send(update(name)).failure is not None


def test_a_bug_is_an_answer_where_it_is_a_failure_type() -> None:
    run = Run(Cart, failure_types=[Exception])
    run.start()
    assert answers(run.send(update("bug")))[1][:2] == ["u", "rejected"]


def test_a_handler_that_continues_as_new_fails_the_task() -> None:
    """Its caller would get no answer; Temporal's handlers can't either."""
    run = Run(Cart)
    run.start()
    failure = run.send(update("restart")).failure
    assert failure is not None
    assert "the handler of update 'restart' continues as new" in failure["message"]


def test_updates_and_signals_keep_their_order() -> None:
    run = Run(Cart)
    run.start()
    completion = run.send(
        update("add", {"name": "a"}, id="1"), signal("end"), update("add", {"name": "b"}, id="2")
    )
    assert [update_id for update_id, _, _ in answers(completion)] == ["1", "1", "2", "2"]
    assert result_of(completion) == ["a", "b"]


def test_a_workflow_that_leaves_an_update_behind_says_so() -> None:
    run = Run(Cart)
    run.start()
    run.send(update("slowly", "x"), update("abandoned", id="2"))
    with pytest.warns(workflow.UnfinishedUpdateHandlersWarning, match="'slowly'") as caught:
        assert names(run.send(signal("end"))) == ["CompleteWorkflowExecution"]
    assert "abandoned" not in str(caught[0].message)


def test_an_update_that_comes_with_the_end_of_the_workflow_is_left_behind_too() -> None:
    """Handlers are judged when all of the activation has been worked through."""
    run = Run(Cart)
    run.start()
    with pytest.warns(workflow.UnfinishedUpdateHandlersWarning, match="'slowly'"):
        run.send(signal("end"), update("slowly", "x"))


def test_a_handler_that_ends_in_the_activation_of_the_end_is_not_left_behind() -> None:
    run = Run(Cart)
    run.start()
    run.send(update("slowly", "x"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.send(signal("end"), fire(1)).failure is None


@workflow.defn
class Waits:
    @workflow.update
    async def work(self) -> str:
        await workflow.sleep(1)
        return "done"

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)


def test_all_handlers_finished_waits_for_updates_and_their_answer_comes_before_the_end() -> None:
    run = Run(Waits)
    assert names(run.start(update("work"))) == ["OtherCommand", "StartTimer"]
    last = run.send(fire(1))
    assert answers(last) == [["u", "completed", "done"]]
    assert names(last) == ["OtherCommand", "CompleteWorkflowExecution"]


@workflow.defn
class Late:
    """Sets its handlers when it runs."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @workflow.update(dynamic=True)
    def any(self, name: str, args: Sequence[RawValue]) -> str:
        return f"{name} {len(args)}"

    @workflow.run
    async def run(self, remove: bool) -> bool:
        def double(number: int) -> int:
            return number * 2

        def positive(number: int) -> None:
            if number < 0:
                raise ValueError("negative")

        workflow.set_update_handler("double", double, validator=positive)
        assert workflow.get_update_handler("double") is double
        assert workflow.get_dynamic_update_handler() is not None
        if remove:
            workflow.set_dynamic_update_handler(None)
            workflow.set_update_handler("double", None)
        await workflow.sleep(10)
        return True


def test_handlers_can_be_set_and_removed_while_the_workflow_runs() -> None:
    run = Run(Late, False)
    run.start()
    assert answers(run.send(update("double", 4)))[1][2] == 8
    assert answers(run.send(update("double", -4)))[0][1:] == ["rejected", "negative"]
    assert answers(run.send(update("other", 1, 2)))[1][2] == "other 2"
    removed = Run(Late, True)
    removed.start()
    assert "no update 'double'" in answers(removed.send(update("double", 4)))[0][2]


@workflow.defn
class SetsEarly:
    @workflow.run
    async def run(self) -> None:
        def hello() -> str:
            return "hello"

        workflow.set_update_handler("hello", hello)
        await workflow.sleep(10)


def test_an_update_that_comes_with_the_start_finds_what_the_run_method_sets() -> None:
    assert answers(Run(SetsEarly).start(update("hello"))) == [
        ["u", "accepted", {}],
        ["u", "completed", "hello"],
    ]


@workflow.defn
class Spoils:
    def __init__(self) -> None:
        self.event = asyncio.Event()

    @workflow.update
    def wake(self) -> None: ...

    @wake.validator
    def wakes(self) -> None:
        self.event.set()

    @workflow.run
    async def run(self) -> None:
        await self.event.wait()


def test_a_validator_that_wakes_waiting_code_fails_the_task() -> None:
    """Going on would be with a waiter lost: the run is built anew from history."""
    run = Run(Spoils)
    run.start()
    assert run.send(update("wake")).failure is not None


def test_a_query_can_not_set_an_update_handler() -> None:
    @workflow.defn
    class Meddles:
        @workflow.query
        def meddle(self) -> None:
            workflow.set_update_handler("x", None)

        @workflow.run
        async def run(self) -> None:
            await workflow.sleep(1)

    run = Run(Meddles)
    run.start()
    [answer] = run.send(query("meddle")).commands
    failure: Any = getattr(answer, "failure", None)
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"


def test_a_validator_that_can_not_be_one_is_refused_at_its_definition() -> None:
    with pytest.raises(DefinitionError, match="can't be async"):

        class Async:
            @workflow.update
            def change(self) -> None: ...

            @change.validator  # type: ignore[arg-type]
            async def check(self) -> None: ...

    with pytest.raises(DefinitionError, match="takes the parameters of its update"):

        class Other:
            @workflow.update
            def change(self, to: int) -> None: ...

            @change.validator  # type: ignore[arg-type]
            def check(self) -> None: ...


def test_an_override_of_an_update_has_to_be_decorated_too() -> None:
    with pytest.raises(DefinitionError, match="overrides the update of Cart"):

        @workflow.defn
        class Bigger(Cart):
            def bug(self) -> None: ...

            @workflow.run
            async def run(self) -> list[str]:
                return []


def test_evaluating_updates_twice_gives_the_same_bytes() -> None:
    def story() -> list[bytes]:
        run = Run(Cart)
        jobs = [update("slowly", "a", id="1"), update("add", {"name": "b"}, id="2")]
        return [step.SerializeToString() for step in [run.start(), run.send(*jobs)]]

    assert story() == story()


# --- nothing of a rejected update is in history -------------------------------------------------


@workflow.defn
class WaitsForTime:
    """Has a condition that holds with time, and says which tasks it makes."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.added = 0

    @workflow.update
    async def add(self, number: int) -> int:
        self.added += number
        await asyncio.sleep(0)
        return self.added

    @add.validator
    def check(self, number: int) -> None:
        if number < 0:
            raise ApplicationError("negative")

    @workflow.signal
    def nudge(self) -> None: ...

    @workflow.run
    async def run(self) -> list[Any]:
        self.begun = workflow.time()
        await workflow.wait_condition(lambda: workflow.time() > self.begun)
        name = asyncio.create_task(asyncio.sleep(0)).get_name()
        await workflow.execute_activity("a", start_to_close_timeout=timedelta(seconds=9))
        return [name, self.added]


def test_a_rejected_update_wakes_no_condition() -> None:
    """A replay, which never sees it, would ask the condition later."""
    run = Run(WaitsForTime)
    run.start()
    for number in (-1, -2):
        [[_, how, message]] = answers(run.send(update("add", number)))
        assert (how, message) == ("rejected", "negative")
    assert [type(c).__name__ for c in run.send(signal("nudge")).commands] == ["ScheduleActivity"]


def test_an_accepted_update_beside_rejected_ones_wakes_conditions() -> None:
    run = Run(WaitsForTime)
    run.start()
    commands = run.send(*(update("add", number, id=str(number)) for number in (-1, 1, -2))).commands
    assert [type(command).__name__ for command in commands].count("ScheduleActivity") == 1


def test_tasks_have_the_same_names_whatever_was_rejected_before() -> None:
    """Their order in sets is that of their names."""
    results = []
    for rejections in (0, 3):
        run = Run(WaitsForTime)
        run.start()
        for _ in range(rejections):
            run.send(update("add", -1))
        run.send(update("add", 2))
        results.append(result_of(run.send(completed(1))))
    assert results == [["Task-2", 2], ["Task-2", 2]]
