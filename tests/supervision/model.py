"""A small reference model of OTP's supervisor, without time, tasks or threads.

It is written from `supervisor.erl`'s description of itself, not from our code: plain recursion over
plain lists. It writes the same journal as `kit.Journal`: `+id` came up, `-id` was stopped, `!id`
failed to start, `~id` was ignored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Reason = Literal["normal", "shutdown", "killed", "crash"]


class StartError(Exception):
    """A start failed."""


@dataclass
class World:
    """What all nodes of a model share."""

    now: float = 0.0
    journal: list[str] = field(default_factory=list[str])
    script: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """`fail` or `ignore` for the next starts of a leaf."""


@dataclass(eq=False)
class Leaf:
    id: str
    restart: str
    world: World
    state: str = "stopped"

    def start(self) -> None:
        self.state = "restarting"
        plan = self.world.script.get(self.id)
        match plan.pop(0) if plan else "start":
            case "fail":
                self.world.journal.append(f"!{self.id}")
                raise StartError(self.id)
            case "ignore":
                self.world.journal.append(f"~{self.id}")
                self.state = "ignored"
            case _:
                self.world.journal.append(f"+{self.id}")
                self.state = "running"

    def stop(self) -> None:
        if self.state == "running":
            self.world.journal.append(f"-{self.id}")
        self.state = "stopped"

    def die(self) -> None:
        self.state = "dead"


@dataclass(eq=False)
class Tree:
    id: str
    restart: str
    world: World
    strategy: str
    max_restarts: int
    max_seconds: float
    make: Callable[[], list[Leaf | Tree]]
    parent: Tree | None = None
    state: str = "stopped"
    children: list[Leaf | Tree] = field(default_factory=list["Leaf | Tree"])
    restarts: list[float] = field(default_factory=list[float])
    inbox: deque[tuple[str, Leaf | Tree, Reason]] = field(
        default_factory=deque[tuple[str, "Leaf | Tree", Reason]]
    )

    # A supervisor is a child too.

    def start(self) -> None:
        self.state = "restarting"
        self.children, self.restarts = self.make(), []
        self.inbox.clear()
        for child in self.children:
            if isinstance(child, Tree):
                child.parent = self
        try:
            for child in self.children:
                child.start()
        except StartError:
            self.stop_children(self.children)
            raise
        self.state = "running"

    def stop(self) -> None:
        if self.state == "running":
            self.stop_children(self.children)
        self.state = "stopped"

    def die(self) -> None:
        """Killed: nobody in it gets time to say anything."""
        for child in self.children:
            child.die()
        self.state = "dead"

    # The algorithm.

    def exited(self, child: Leaf | Tree, reason: Reason) -> None:
        self.inbox.append(("exit", child, reason))

    def work(self) -> None:
        while self.inbox and self.state == "running":
            kind, child, reason = self.inbox.popleft()
            expected = "dead" if kind == "exit" else "restarting"
            if child not in self.children or child.state != expected:
                continue
            child.state = "stopped"
            if kind == "retry" or self.wants_restart(child, reason):
                self.restart_child(child)
            elif child.restart == "temporary":
                self.children.remove(child)

    @staticmethod
    def wants_restart(child: Leaf | Tree, reason: Reason) -> bool:
        match child.restart:
            case "permanent":
                return True
            case "transient":
                return reason in ("killed", "crash")
            case _:
                return False

    def restart_child(self, child: Leaf | Tree) -> None:
        now = self.world.now
        self.restarts = [t for t in [*self.restarts, now] if now - t <= self.max_seconds]
        if len(self.restarts) > self.max_restarts:
            self.give_up()
            return
        at = self.children.index(child)
        path = {
            "one_for_one": [child],
            "rest_for_one": self.children[at:],
            "one_for_all": self.children[:],
        }[self.strategy]
        self.stop_children(path)
        self.children = [c for c in self.children if c not in path or c.restart != "temporary"]
        for each in path:
            if each in self.children:
                try:
                    each.start()
                except StartError:
                    each.state = "restarting"
                    self.inbox.append(("retry", each, "crash"))
                    return

    def stop_children(self, path: list[Leaf | Tree]) -> None:
        for child in reversed(path):
            child.stop()

    def give_up(self) -> None:
        self.stop()
        self.state = "dead"
        if self.parent is not None:
            self.parent.exited(self, "crash")
            self.parent.work()
