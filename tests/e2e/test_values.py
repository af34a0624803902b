"""Values arrive as they were sent, or the call that sends them says which part would not."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hourglass import activity, workflow
from hourglass.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.exceptions import ActivityError, ApplicationError, EncodingError
from tests.support import new_worker, unique

TEN = timedelta(seconds=10)
ID = UUID(int=3)
AMBIGUOUS = str(ID)
"""A text that `UUID | str` reads as a UUID."""


@dataclasses.dataclass
class State:
    owner: UUID | str
    totals: defaultdict[str, int]
    turns: int = dataclasses.field(default=0, init=False)


@activity.defn
async def kind_of(owner: UUID | str) -> str:
    return type(owner).__name__


@workflow.defn
class Counting:
    """Continues as new until its state has counted three turns."""

    @workflow.run
    async def run(self, state: State) -> list[Any]:
        state.turns += 1
        state.totals["turns"] += 10
        if state.turns < 3:
            workflow.continue_as_new(state)
        kinds = [
            await workflow.execute_activity(kind_of, owner, start_to_close_timeout=TEN)
            for owner in (ID, "word")
        ]
        return [state.turns, state.totals, str(state.owner), kinds]


@workflow.defn
class Asking:
    """Sends what would change, in every way a workflow has."""

    @workflow.signal
    def told(self, owner: UUID | str) -> None: ...

    @workflow.query
    def asked(self, owner: UUID | str) -> None: ...

    @workflow.update
    async def changed(self, owner: UUID | str) -> None: ...

    @workflow.run
    async def run(self, owner: UUID | str, deeper: bool = True) -> Mapping[str, str]:
        if not deeper:
            return {}
        child = await workflow.start_child_workflow(Asking.run, args=["word", False])
        sent: dict[str, Callable[[], Any]] = {
            "activity": lambda: workflow.start_activity(
                kind_of, AMBIGUOUS, start_to_close_timeout=TEN
            ),
            "local activity": lambda: workflow.start_local_activity(
                kind_of, AMBIGUOUS, start_to_close_timeout=TEN
            ),
            "continue as new": lambda: workflow.continue_as_new(args=[AMBIGUOUS, False]),
        }
        awaited: dict[str, Callable[[], Any]] = {
            "child": lambda: workflow.start_child_workflow(Asking.run, args=[AMBIGUOUS, False]),
            "signal": lambda: child.signal(Asking.told, AMBIGUOUS),
        }
        refusals: dict[str, str] = {}
        for name, send in sent.items():
            try:
                send()
            except EncodingError as refused:
                refusals[name] = str(refused)
        for name, call in awaited.items():
            try:
                await call()
            except EncodingError as refused:
                refusals[name] = str(refused)
        return refusals


async def test_state_keeps_what_it_counts_over_continue_as_new(client: Client) -> None:
    async with new_worker(client, Counting, activities=[kind_of]) as worker:
        result = await client.execute_workflow(
            Counting.run,
            State(ID, defaultdict(int)),
            id=unique("counting"),
            task_queue=worker.task_queue,
            execution_timeout=timedelta(seconds=30),
        )
    assert result == [3, {"turns": 30}, str(ID), ["UUID", "str"]]


async def test_a_workflow_is_refused_what_would_arrive_as_another_value(client: Client) -> None:
    async with new_worker(client, Asking, activities=[kind_of]) as worker:
        refusals = await client.execute_workflow(
            Asking.run, args=["word"], id=unique("asking"), task_queue=worker.task_queue
        )
    assert set(refusals) == {"activity", "local activity", "continue as new", "child", "signal"}
    assert all("would be read as UUID" in refusal for refusal in refusals.values()), refusals


async def test_a_client_is_refused_what_would_arrive_as_another_value(client: Client) -> None:
    queue, id_ = unique("queue"), unique("asking")
    handle = client.get_workflow_handle_for(Asking.run, id_)
    start = WithStartWorkflowOperation(
        Asking.run,
        args=["word"],
        id=id_,
        task_queue=queue,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    calls = [
        client.start_workflow(Asking.run, args=[AMBIGUOUS], id=id_, task_queue=queue),
        client.start_activity(
            kind_of, AMBIGUOUS, id=id_, task_queue=queue, start_to_close_timeout=TEN
        ),
        handle.signal(Asking.told, AMBIGUOUS),
        handle.query(Asking.asked, AMBIGUOUS),
        handle.execute_update(Asking.changed, AMBIGUOUS),
        client.execute_update_with_start_workflow(
            Asking.changed, AMBIGUOUS, start_workflow_operation=start
        ),
    ]
    for call in calls:
        with pytest.raises(EncodingError, match=r"value 0: .* would be read as UUID"):
            await call


@activity.defn
async def answer() -> UUID | str:
    return AMBIGUOUS


@workflow.defn
class Answering:
    """Gives an answer of its own, or one of an activity."""

    def __init__(self) -> None:
        self.over = False

    @workflow.query
    def asked(self) -> UUID | str:
        return AMBIGUOUS

    @workflow.update
    async def changed(self) -> UUID | str:
        self.over = True
        return AMBIGUOUS

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.over)
        try:
            await workflow.execute_activity(answer, start_to_close_timeout=TEN)
        except ActivityError as error:
            assert isinstance(error.cause, ApplicationError)
            return error.cause.message
        return "it was not refused"


async def test_a_result_that_would_arrive_as_another_value_is_refused(client: Client) -> None:
    async with new_worker(
        client,
        Answering,
        activities=[answer],
        workflow_failure_exception_types=[EncodingError],
    ) as worker:
        handle = await client.start_workflow(
            Answering.run, id=unique("answering"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowQueryFailedError, match="would be read as UUID"):
            await handle.query(Answering.asked)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Answering.changed)
        assert "would be read as UUID" in str(refused.value.cause)
        assert "would be read as UUID" in await handle.result()


@workflow.defn
class Failing:
    """Fails with what is hard to send."""

    @workflow.run
    async def run(self, how: str) -> None:
        if how == "surrogate":
            raise ApplicationError("file \udcff", type="T\udcff")
        if how == "details":
            raise ApplicationError("lost", object())
        if how == "long":
            raise ApplicationError("x" * 10_000_000)
        if how == "chain":
            error = ApplicationError("the root")
            for number in range(3_000):
                outer = ApplicationError(f"level {number}")
                outer.__cause__, error = error, outer
            raise error
        try:
            raise ApplicationError("a\0b")
        except ApplicationError:
            raise ApplicationError("while handling")  # noqa: B904 - the point


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("surrogate", "file \\udcff"),
        ("details", "lost [sent without its details"),
        ("long", "xxx"),
        ("chain", "level 2999"),
        ("context", "while handling"),
    ],
)
async def test_a_workflow_that_fails_with_what_is_hard_to_send_fails_with_its_reason(
    client: Client, how: str, says: str
) -> None:
    async with new_worker(client, Failing) as worker:
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(
                Failing.run,
                how,
                id=unique("failing"),
                task_queue=worker.task_queue,
                execution_timeout=timedelta(seconds=30),
            )
    cause: Any = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.message.startswith(says)
    if how == "chain":
        while cause.cause is not None:
            cause = cause.cause
        assert cause.message == "the root"
    if how == "context":
        assert cause.cause.message == "a\0b"
