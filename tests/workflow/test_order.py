"""Section 5 of the behaviours: fan-out, races and waits repeat in every replay."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from hourglass import workflow
from hourglass.exceptions import ActivityError
from tests.workflow.harness import Run, completed, failed, fire, names, result_of, signal

TEN = timedelta(seconds=10)


def start(number: int) -> workflow.ActivityHandle[Any]:
    return workflow.start_activity(f"a{number}", start_to_close_timeout=TEN)


@workflow.defn
class Gathers:
    @workflow.run
    async def run(self) -> list[Any]:
        return await asyncio.gather(*(start(number) for number in range(3)))


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_results_come_in_the_order_of_the_calls(order: tuple[int, ...]) -> None:
    run = Run(Gathers)
    run.start()
    assert result_of(run.send(*(completed(seq, seq) for seq in order))) == [1, 2, 3]


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> str:
        try:
            await asyncio.gather(*(start(number) for number in range(3)))
        except ActivityError as error:
            return str(error.cause)
        return ""


def test_the_failure_that_is_recorded_first_is_the_one() -> None:
    answers = {result_of(_sent(Fails, failed(3, "third"), failed(1, "first"))) for _ in range(5)}
    assert answers == {"Error: third"}


def _sent(cls: type, *jobs: Any) -> Any:
    run = Run(cls)
    run.start()
    return run.send(*jobs)


@workflow.defn
class Races:
    @workflow.run
    async def run(self) -> Any:
        tasks = [asyncio.ensure_future(self.follow(start(number))) for number in range(3)]
        done, pending = await workflow.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return [task.result() for task in done]

    async def follow(self, handle: workflow.ActivityHandle[Any]) -> Any:
        return await handle


def test_the_first_on_record_wins_a_race_and_a_late_loser_records_nothing() -> None:
    run = Run(Races)
    run.start()
    won = run.send(completed(2, "second"))
    assert result_of(won) == ["second"]
    assert names(won)[-1] == "CompleteWorkflowExecution"
    assert names(run.send(completed(1, "late"))) == []


def test_those_that_end_together_win_together_in_the_order_of_the_calls() -> None:
    run = Run(Races)
    run.start()
    assert result_of(run.send(completed(3, "c"), completed(1, "a"))) == ["a", "c"]


@workflow.defn
class Receives:
    """Takes signals from a queue, the second time with a time limit."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue()

    @workflow.signal
    def put(self, number: int) -> None:
        self.queue.put_nowait(number)

    @workflow.run
    async def run(self) -> list[Any]:
        taken: list[Any] = [await self.queue.get()]
        try:
            taken.append(await asyncio.wait_for(self.queue.get(), 5))
        except asyncio.TimeoutError:
            taken.append("nothing")
        return [*taken, await self.queue.get(), await self.queue.get()]


def test_the_kth_receive_takes_the_kth_arrival_and_one_that_times_out_takes_none() -> None:
    run = Run(Receives)
    run.start()
    assert names(run.send(signal("put", 1))) == ["StartTimer"]
    assert names(run.send(fire(1))) == []
    ended = run.send(signal("put", 2), signal("put", 3), signal("put", 4))
    assert result_of(ended) == [1, "nothing", 2, 3]
