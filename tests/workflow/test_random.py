"""Random numbers: the same in every replay, others from another seed."""

from __future__ import annotations

from random import Random
from uuid import RFC_4122

from hourglass import workflow
from hourglass._bridge import UpdateRandomSeed
from tests.workflow.harness import EPOCH, Run, fire, result_of


@workflow.defn
class Draws:
    @workflow.run
    async def run(self) -> list[object]:
        seeds: list[int] = []
        workflow.register_random_seed_callback(seeds.append)
        named, plain = workflow.new_random("dice"), workflow.new_random()
        first: list[object] = [workflow.random_seed(), named.random(), plain.random()]
        before = workflow.random().random()
        await workflow.sleep(1)
        return [
            *first,
            before,
            seeds,
            workflow.random_seed(),
            named.random(),
            plain.random(),
            workflow.random().random(),
        ]


def test_generators_follow_the_seed_and_names_have_sequences_of_their_own() -> None:
    run = Run(Draws, seed=42)
    run.start()
    run.send(UpdateRandomSeed(randomness_seed=43))
    seed, named, plain, before, seeds, later_seed, later_named, later_plain, later = result_of(
        run.send(fire(1))
    )
    expected, other = Random(42).random(), Random(43).random()
    assert (seed, plain, before) == (42, expected, expected)
    assert (seeds, later_seed) == ([43], 43)
    assert (later_plain, later) == (other, other)
    assert named not in (plain, later_named)
    assert later_named not in (named, other)


@workflow.defn
class Names:
    @workflow.run
    async def run(self) -> list[str]:
        ids = [workflow.uuid7(), workflow.uuid7()]
        await workflow.sleep(1)
        ids.append(workflow.uuid7())
        for one in ids:
            assert one.version == 7
            assert one.variant == RFC_4122
        assert [one.int >> 80 for one in ids[:2]] == [int((EPOCH + 1) * 1000)] * 2
        assert max(ids[:2]) < ids[2]
        return [str(one) for one in ids]


def test_a_version_7_uuid_begins_with_the_time_and_is_the_same_in_a_replay() -> None:
    found: list[list[str]] = []
    for _ in range(2):
        run = Run(Names)
        run.start()
        found.append(result_of(run.send(fire(1))))
    assert found[0] == found[1]
    assert len(set(found[0])) == 3
