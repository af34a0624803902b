"""Random programs in small; ``make random-programs`` runs many."""

from typing import Any

import pytest

from hourglass import workflow
from tests.random_programs.check import check, run_many
from tests.random_programs.generate import generate
from tests.random_programs.program import Node, Program, inner
from tests.random_programs.shrink import shrink
from tests.random_programs.workflow_world import WorkflowWorld

SLEEPS = Program({"op": "world_sleep", "id": 1, "seconds": 1000})


async def test_random_programs_end_as_the_model_says_and_replay() -> None:
    failed = await run_many(range(100))
    assert failed == {}, "python -m tests.random_programs 1 SEED --shrink makes it smaller"


def test_a_seed_gives_the_same_program_each_time() -> None:
    assert generate(7).to_json() == generate(7).to_json() != generate(8).to_json()


async def test_a_workflow_that_does_something_else_than_the_model_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await check(SLEEPS, "as-it-is") == []
    monkeypatch.setattr(WorkflowWorld, "sleep", lambda _self, seconds: workflow.sleep(2 * seconds))
    assert await check(SLEEPS, "late") == ["root run 0: node 1: after 2000 s, the model's: 1000 s"]


async def test_a_workflow_that_does_something_else_in_its_replay_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        WorkflowWorld, "time", lambda _self: 1000.0 + workflow.unsafe.is_replaying()
    )
    [wrong] = await check(SLEEPS, "other-replay")
    assert wrong == (
        "other-replay: life 0: (1, 1000.0, ['value', None]),"
        " in the replay: (1, 1001.0, ['value', None])"
    )


async def test_a_program_that_does_not_end_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_self: Any, seconds: float) -> None:
        await workflow.wait_condition(lambda: False)

    monkeypatch.setattr(WorkflowWorld, "sleep", sleep)
    assert await check(SLEEPS, "hangs", patience=0.5) == ["it does not end"]


async def test_a_program_that_fails_is_made_as_small_as_it_can_be() -> None:
    def raises(node: Node) -> bool:
        return node["op"] == "raise" or any(raises(item) for _, _, item in inner(node))

    async def fails(program: Program) -> bool:
        return raises(program.main)

    program = next(found for seed in range(99) if raises((found := generate(seed)).main))
    assert (await shrink(program, fails)).main["op"] == "raise"
