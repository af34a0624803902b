"""The tree as text and as values: `Subsystem.tree()`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hourglass.subsystem import _state
from hourglass.subsystem.worker_supervisor import SupervisedWorker
from hourglass.supervision import ChildState, DynamicSupervisor, Process, Supervisor

TIMEOUT = 5.0
"""Seconds that a supervisor may take to answer; busy with a cascade it does not."""


@dataclass(frozen=True)
class Node:
    """One child, as it was when asked."""

    id: str
    state: ChildState
    """`ignored`: present, but it has no process, because it found nothing to run."""
    pid: int | None
    """Tells one life of a child from the next; None without a process."""
    children: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def find(self, child_id: str) -> Node | None:
        """The first node of that id, itself included."""
        if self.id == child_id:
            return self
        found = (child.find(child_id) for child in self.children)
        return next((node for node in found if node is not None), None)

    def _lines(self) -> Iterator[str]:
        yield f"{self.id} ({self.state if self.pid is None else f'{self.state}, #{self.pid}'})"
        for child in self.children:
            last = child is self.children[-1]
            for number, line in enumerate(child._lines()):
                first, further = ("└── ", "    ") if last else ("├── ", "│   ")
                yield (further if number else first) + line


def draw() -> Node | None:
    """The tree of this process as it is now; None when nothing runs. Blocks for a moment.

    `CallTimeout` when a supervisor is busy for too long.
    """
    tree = _state.current().tree
    if tree is None:
        return None
    tree.up.answer.result(TIMEOUT)
    return _node("subsystem", "running", tree.root)


def _node(child_id: str, state: ChildState, process: Process | None) -> Node:
    if process is None:
        return Node(child_id, state, None)
    return Node(child_id, state, process.pid, _children(process))


def _children(process: Process) -> tuple[Node, ...]:
    if isinstance(process, Supervisor | DynamicSupervisor):
        infos = process.which_children().result(TIMEOUT)
        return tuple(_node(info.id, info.state, info.process) for info in infos)
    if isinstance(process, SupervisedWorker) and process.polls is not None:
        return (_node("polls", "running", process.polls),)
    return ()
