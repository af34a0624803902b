"""Makes a program from a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

from tests.random_programs.program import EXCEPTIONS, EXITS, Node, Program, inner

CANCELS = ("TRY_CANCEL", "WAIT_CANCELLATION_COMPLETED", "ABANDON")
CHILD_CANCELS = (*CANCELS, "WAIT_CANCELLATION_REQUESTED")
POLICIES = ("TERMINATE", "ABANDON", "REQUEST_CANCEL")
CATCHES = ("Exception", "Exception", "TimeoutError", "CancelledError", "ValueError")

WEIGHTS = {
    "value": 2,
    "sleep": 6,
    "world_sleep": 4,
    "yield": 1,
    "raise": 3,
    "cancelled": 1,
    "activity": 6,
    "local": 4,
    "bump": 3,
    "set": 1,
    "put": 1,
    "join": 2,
    "kill": 3,
    "condition": 4,
    "await_event": 2,
    "get": 2,
    "signal_parent": 1,
    "again": 0.7,
    # --- of others
    "seq": 8,
    "try": 7,
    "gather": 5,
    "wait": 4,
    "as_completed": 2,
    "wait_for": 5,
    "timeout": 4,
    "group": 5,
    "shield": 3,
    "spawn": 5,
    "lock": 2,
    "cancel_me": 1,
    "handle": 6,
    "child": 5,
}
"""How often each kind of node comes."""
STIMULI = ("signal", "update", "query", "meddle", "cancel", "evict", "evict")
CACHES = (0, 1, 1, 2, 3, 1000, 1000)
LEAVES = tuple(WEIGHTS)[: tuple(WEIGHTS).index("seq")]
SIMPLE = ("value", "sleep", "world_sleep", "activity", "local", "bump", "yield")


class Generator:
    """Draws nodes until its budget is used up."""

    def __init__(self, rng: random.Random, ties: bool, without: Collection[str]) -> None:
        self._rng = rng
        self._ties = ties
        self._without = frozenset(without)
        self._count = 0
        self._spawned: list[int] = []
        self._budget = 0
        self._allowed: tuple[str, ...] = ()

    def program(self) -> Program:
        """Draw a program."""
        rng = self._rng
        self._budget = rng.choice((4, 8, 12, 20, 30))
        main = self._seq(depth=0)
        program = Program(main, self._stimuli(), rng.choice(CACHES), self._ties)
        if _meets_a_fault_of_core(program):
            program.cache = max(CACHES)
        return program

    # --- values

    def seconds(self) -> int:
        """A time; one of few, if events are to meet."""
        rng = self._rng
        return 1000 * rng.randrange(1, 4) if self._ties else rng.randrange(1000, 90_000)

    def _error(self, more: Collection[str] = ()) -> list[str]:
        rng = self._rng
        names = ["ApplicationError", "ValueError", "RuntimeError", rng.choice(EXCEPTIONS), *more]
        return [rng.choice(names), f"error {rng.randrange(100)}"]

    def _script(self, local: bool) -> Node:
        rng = self._rng
        kind = rng.choice(("async", "async", "thread"))
        delays = [self.seconds() for _ in range(rng.choice((0, 1, 1, 2)))]
        script: Node = {
            "delays": delays,
            "by": rng.choice(("error", "policy")) if delays == sorted(delays) else "error",
            "kind": kind,
            "cancel": rng.choice(CANCELS),
            "wall": rng.choice((0, 0, 1, 3)) if kind == "async" and self._ties else 0,
            "result": rng.randrange(100),
        }
        if rng.random() < 0.3:
            script["error"] = self._error(self._kinds("exits", [rng.choice(EXITS)]))
        return script

    def _kinds(self, feature: str, names: list[str]) -> list[str]:
        return [] if feature in self._without else names

    # --- nodes

    def _new(self, op: str, **fields: Any) -> Node:
        self._count += 1
        return {"op": op, "id": self._count, **fields}

    def _seq(self, depth: int) -> Node:
        return self._new("seq", nodes=self._several(depth, 1, 4))

    def _several(self, depth: int, least: int, most: int) -> list[Node]:
        return [self.node(depth + 1) for _ in range(self._rng.randint(least, most))]

    def node(self, depth: int) -> Node:
        """Draw a node."""
        self._budget -= 1
        ops = LEAVES if self._budget <= 0 or depth >= 7 else tuple(WEIGHTS)
        ops = tuple(op for op in ops if op not in self._without) or ("value",)
        if self._allowed:
            ops = self._allowed
        op = self._rng.choices(ops, [WEIGHTS[op] for op in ops])[0]
        make: Callable[[int], Node] = getattr(self, f"_make_{op}", lambda _depth: self._new(op))
        return make(depth)

    def _make_value(self, depth: int) -> Node:
        return self._new("value", value=self._rng.randrange(100))

    def _make_sleep(self, depth: int) -> Node:
        return self._new("sleep", seconds=self.seconds())

    def _make_world_sleep(self, depth: int) -> Node:
        return self._new("world_sleep", seconds=self.seconds())

    def _make_yield(self, depth: int) -> Node:
        return self._new("yield", times=self._rng.randrange(1, 4))

    def _make_raise(self, depth: int) -> Node:
        return self._new("raise", error=self._error())

    def _make_activity(self, depth: int) -> Node:
        return self._new("activity", script=self._script(local=False))

    def _make_local(self, depth: int) -> Node:
        return self._new("local", script=self._script(local=True))

    def _make_set(self, depth: int) -> Node:
        return self._new("set", key=self._rng.randrange(2))

    def _make_put(self, depth: int) -> Node:
        return self._new("put", value=self._rng.randrange(100))

    def _make_join(self, depth: int) -> Node:
        return self._of_spawned("join")

    def _make_kill(self, depth: int) -> Node:
        return self._of_spawned("kill")

    def _of_spawned(self, op: str) -> Node:
        if not self._spawned:
            return self._make_sleep(0)
        return self._new(op, target=self._rng.choice(self._spawned))

    def _make_condition(self, depth: int) -> Node:
        return self._new("condition", more=self._rng.randrange(0, 3), timeout=self.seconds())

    def _make_await_event(self, depth: int) -> Node:
        return self._new("await_event", key=self._rng.randrange(2), timeout=self.seconds())

    def _make_get(self, depth: int) -> Node:
        return self._new("get", timeout=self.seconds())

    def _make_signal_parent(self, depth: int) -> Node:
        return self._new("signal_parent", signal=self._small())

    def _make_again(self, depth: int) -> Node:
        return self._new("again", body=self._apart(lambda: self._seq(depth + 2)))

    # --- nodes of nodes

    def _make_seq(self, depth: int) -> Node:
        return self._seq(depth)

    def _make_try(self, depth: int) -> Node:
        rng = self._rng
        return self._new(
            "try",
            body=self.node(depth + 1),
            catch=rng.choice(CATCHES),
            handler=self.node(depth + 1) if rng.random() < 0.6 else None,
            **{"finally": self.node(depth + 1) if rng.random() < 0.5 else None},
        )

    def _make_gather(self, depth: int) -> Node:
        return self._new("gather", nodes=self._several(depth, 1, 4), catch=self._rng.random() < 0.5)

    def _make_wait(self, depth: int) -> Node:
        rng = self._rng
        return self._new(
            "wait",
            nodes=self._several(depth, 1, 3),
            when=rng.choice(("FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED")),
            timeout=self.seconds() if rng.random() < 0.5 else None,
        )

    def _make_as_completed(self, depth: int) -> Node:
        return self._new("as_completed", nodes=self._several(depth, 1, 3))

    def _make_wait_for(self, depth: int) -> Node:
        return self._new("wait_for", body=self.node(depth + 1), timeout=self.seconds())

    def _make_timeout(self, depth: int) -> Node:
        return self._new("timeout", body=self.node(depth + 1), timeout=self.seconds())

    def _make_group(self, depth: int) -> Node:
        before = self._without
        self._without = before | {"again"}  # in a group of exceptions it does nothing
        try:
            body = self.node(depth + 1) if self._rng.random() < 0.3 else None
            return self._new("group", nodes=self._several(depth, 1, 3), body=body)
        finally:
            self._without = before

    def _make_shield(self, depth: int) -> Node:
        return self._new("shield", body=self.node(depth + 1), insist=self._rng.random() < 0.5)

    def _make_spawn(self, depth: int) -> Node:
        node = self._new("spawn", body=self.node(depth + 1))
        self._spawned.append(node["id"])
        return node

    def _make_lock(self, depth: int) -> Node:
        return self._new("lock", key=self._rng.randrange(2), body=self._small())

    def _make_cancel_me(self, depth: int) -> Node:
        return self._new("cancel_me", body=self.node(depth + 1))

    def _make_handle(self, depth: int) -> Node:
        rng = self._rng
        local = rng.random() < 0.3
        return self._new(
            "handle",
            local=local,
            script=self._script(local),
            between=self.node(depth + 1) if rng.random() < 0.6 else None,
            then=rng.choice(("await", "cancel", "cancel await", "leave")),
        )

    def _make_child(self, depth: int) -> Node:
        rng = self._rng
        return self._new(
            "child",
            body=self._apart(lambda: self.node(depth + 2)),
            options={"cancel": rng.choice(CHILD_CANCELS), "policy": rng.choice(POLICIES)},
            between=self.node(depth + 1) if rng.random() < 0.4 else None,
            signal=self._small() if rng.random() < 0.3 else None,
            then=rng.choice(("await", "await", "cancel", "cancel await", "request await", "leave")),
        )

    def _apart(self, make: Callable[[], Node]) -> Node:
        """Draw a body of another run: it knows none of this one's tasks."""
        spawned, self._spawned = self._spawned, []
        try:
            return make()
        finally:
            self._spawned = spawned

    def _small(self) -> Node:
        """Draw something that waits for nothing but time."""
        before, self._allowed = self._allowed, tuple(op for op in SIMPLE if op not in self._without)
        try:
            return self.node(0)
        finally:
            self._allowed = before

    # --- what comes from outside

    def _stimuli(self) -> list[dict[str, Any]]:
        rng = self._rng
        kinds = [kind for kind in STIMULI if kind not in self._without]
        stimuli = [
            self._stimulus(kind) for kind in rng.choices(kinds, k=rng.choice((0, 0, 1, 2, 4)))
        ]
        for stimulus in stimuli:
            stimulus["after"] = self.seconds()
        return stimuli

    def _stimulus(self, do: str) -> dict[str, Any]:
        rng = self._rng
        if do == "signal":
            return {"do": do, "body": self._handler_body()}
        if do == "update":
            return {"do": do, "body": self._handler_body(), "reject": rng.random() < 0.2}
        return {"do": do}

    def _handler_body(self) -> Node:
        before = self._without
        self._without = before | {"again"}
        self._budget = self._rng.choice((1, 1, 3, 5))
        try:
            return self.node(4)
        finally:
            self._without = before


def _meets_a_fault_of_core(program: Program) -> bool:
    """Tell that a small cache lets core (0.10.1) do something wrong.

    It drops a task whose local activity runs when another run needs the place, until the task's
    timeout; it has an update overtake what happened in an earlier task, when the run is built
    anew for it and the two tasks before asked for nothing; and with no cache at all it drops a task
    that comes while a query is answered.
    """
    ops = Counter(_ops(program))
    said = {stimulus["do"] for stimulus in program.stimuli}
    is_asked = program.cache == 0 and program.ties and not said.isdisjoint(("query", "meddle"))
    return is_asked or "update" in said or (ops["local"] > 0 and (ops["child"] > 0 or program.ties))


def _ops(program: Program) -> Iterator[str]:
    """All kinds of nodes in the program, each as often as it is there."""
    bodies = [program.main, *(said["body"] for said in program.stimuli if "body" in said)]
    for node in bodies:
        bodies += [item for _, _, item in inner(node)]
        bodies += [node["signal"]] if node.get("signal") else []
        yield "local" if node.get("local") else node["op"]


def generate(seed: int, without: Collection[str] = ()) -> Program:
    """Make the program of a seed; `without` some kinds of nodes, stimuli or errors."""
    rng = random.Random(seed)
    return Generator(rng, seed % 4 == 3, without).program()
