"""Random trees under random faults do what a small model of OTP's algorithm does."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import cast, get_args

import pytest

from hourglass.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    ChildSpec,
    Crash,
    ExitReason,
    Ignore,
    Process,
    Restart,
    Strategy,
    Supervisor,
)
from tests.supervision.kit import WAIT, Journal, Kit
from tests.supervision.model import Leaf, Reason, StartError, Tree, World

REASONS: dict[Reason, ExitReason] = {
    "normal": NORMAL,
    "shutdown": SHUTDOWN,
    "killed": KILLED,
    "crash": Crash(ValueError("boom")),
}


class Plan:
    """A random tree, to be built as the real thing and as the model."""

    def __init__(self, rng: random.Random, name: str = "r", depth: int = 2) -> None:
        self.name = name
        self.restart: Restart = rng.choice(get_args(Restart)) if depth < 2 else "permanent"
        self.strategy: Strategy = rng.choice(get_args(Strategy))
        self.intensity = (rng.randint(0, 4), rng.choice((1.0, 5.0)))
        self.children: list[Plan | tuple[str, Restart]] = []
        for n in range(rng.randint(1, 4)):
            child = f"{name}.{n}"
            nested = depth > 0 and rng.random() < 0.4
            kind: Restart = rng.choices(get_args(Restart), (6, 3, 1))[0]
            self.children.append(Plan(rng, child, depth - 1) if nested else (child, kind))

    def real(self, journal: Journal) -> Supervisor:
        specs = [
            ChildSpec(plan.name, lambda plan=plan: plan.real(journal), plan.restart)  # type: ignore[misc]
            if isinstance(plan, Plan)
            else journal.spec(*plan)
            for plan in self.children
        ]
        restarts, seconds = self.intensity
        return Supervisor(specs, strategy=self.strategy, max_restarts=restarts, max_seconds=seconds)

    def model(self, world: World) -> Tree:
        def make() -> list[Leaf | Tree]:
            return [
                plan.model(world) if isinstance(plan, Plan) else Leaf(*plan, world)
                for plan in self.children
            ]

        return Tree(self.name, self.restart, world, self.strategy, *self.intensity, make)


class Pair:
    """The real tree and the model, side by side."""

    def __init__(self, kit: Kit, rng: random.Random) -> None:
        self.kit, self.rng = kit, rng
        self.journal, self.world = Journal(), World()
        plan = Plan(rng)
        self.tree, self.model = plan.real(self.journal), plan.model(self.world)
        self.kit.start(self.tree, plan.name)
        self.model.start()

    def check(self) -> None:
        self.kit.settle()
        assert self.journal.lines == self.world.journal
        assert self.tree.alive == (self.model.state == "running")
        if self.tree.alive:
            assert self.snapshot(self.tree) == self.expected(self.model)

    def snapshot(self, tree: Supervisor) -> list[object]:
        return [
            (info.id, info.state)
            if not isinstance(info.process, Supervisor)
            else (info.id, info.state, self.snapshot(info.process))
            for info in tree.which_children().result(WAIT)
        ]

    def expected(self, tree: Tree) -> list[object]:
        return [
            (child.id, child.state)
            if isinstance(child, Leaf) or child.state != "running"
            else (child.id, child.state, self.expected(child))
            for child in tree.children
        ]

    def pick(self) -> tuple[Supervisor, Tree]:
        """A random supervisor that lives."""
        tree, model = self.tree, self.model
        while True:
            nested = [c for c in model.children if isinstance(c, Tree) and c.state == "running"]
            if not nested or self.rng.random() < 0.4:
                return tree, model
            model = self.rng.choice(nested)
            tree = cast("Supervisor", self.kit.process(tree, model.id))

    # What can happen.

    def some_exit_together(self) -> None:
        """One or more leaves of one supervisor are killed in the same instant."""
        tree, model = self.pick()
        running = [c for c in model.children if isinstance(c, Leaf) and c.state == "running"]
        chosen = self.rng.sample(running, self.rng.randint(0, len(running)))
        victims = [self.kit.process(tree, leaf.id) for leaf in chosen]

        async def kill_all() -> None:
            for victim in victims:
                victim.kill()

        self.kit.loop.run(kill_all).result(WAIT)
        for leaf in chosen:
            leaf.die()
            model.exited(leaf, "killed")
        model.work()

    def one_exits(self) -> None:
        """A leaf or a nested supervisor exits by itself, or is killed."""
        tree, model = self.pick()
        running = [child for child in model.children if child.state == "running"]
        if not running:
            return
        child = self.rng.choice(running)
        reason = self.rng.choice(get_args(Reason))
        process: Process = self.kit.process(tree, child.id)
        if reason == "killed":
            process.kill()
        else:
            process.stop(REASONS[reason])
            child.stop()
        child.die()
        model.exited(child, reason)
        model.work()

    def starts_will_fail(self) -> None:
        leaves = [leaf for leaf in self.pick()[1].children if isinstance(leaf, Leaf)]
        for leaf in self.rng.sample(leaves, min(1, len(leaves))):
            plan = self.rng.choices(["fail", "ignore"], k=self.rng.randint(1, 3))
            self.world.script.setdefault(leaf.id, []).extend(plan)
            errors = {"fail": ValueError("planned"), "ignore": Ignore()}
            self.journal.fail(leaf.id, *(errors[each] for each in plan))

    def time_passes(self) -> None:
        seconds = self.rng.choice((0.5, 1.0, 6.0))
        self.world.now += seconds
        self.kit.clock.advance(seconds)

    def one_is_terminated_by_hand(self) -> None:
        tree, model = self.pick()
        if model.children:
            child = self.rng.choice(model.children)
            tree.terminate_child(child.id).result(WAIT)
            child.stop()
            if child.restart == "temporary":
                model.children.remove(child)

    def one_is_restarted_by_hand(self) -> None:
        tree, model = self.pick()
        for child in [c for c in model.children if c.state in ("stopped", "ignored")][:1]:
            reply = tree.restart_child(child.id)
            self.kit.settle()
            try:
                child.start()
            except StartError:
                child.state = "stopped"
                with pytest.raises(Exception, match="did not start"):
                    reply.result(WAIT)


EVENTS: dict[Callable[[Pair], None], int] = {
    Pair.some_exit_together: 4,
    Pair.one_exits: 8,
    Pair.starts_will_fail: 3,
    Pair.time_passes: 5,
    Pair.one_is_terminated_by_hand: 1,
    Pair.one_is_restarted_by_hand: 1,
}


@pytest.mark.parametrize("seed", range(200))
def test_a_random_tree_does_what_the_model_does(kit: Kit, seed: int) -> None:
    rng = random.Random(seed)
    pair = Pair(kit, rng)
    for _ in range(40):
        (event,) = rng.choices(list(EVENTS), list(EVENTS.values()))
        event(pair)
        pair.check()
        if not pair.tree.alive:
            return
