"""The specification of a worker: enough to start it, and to start it again.

Workflow and activity code is above this package, so it comes in as *takers*: one takes what is
delivered for workflows (an evaluator), one what is delivered for activities (an executor). Takers
live beside the tree and serve one handle of the worker after the other, and several while old ones
drain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from hourglass.subsystem.errors import WorkerNotRegisteredError
from hourglass.supervision import Promise

if TYPE_CHECKING:
    from hourglass._bridge import BridgeError, Client, Inbox
    from hourglass.subsystem.worker_handle import WorkerHandle

Poll: TypeAlias = Literal["workflow", "activity"]
Completions: TypeAlias = Literal["ordered", "serial"]
"""`ordered`: the completions of one run keep their order, runs don't wait for each other.
`serial`: all workflow completions of the worker go to core one after the other."""


class Taker(Protocol):
    """Takes what handles deliver of one kind. Called on the supervision thread: never blocks."""

    @property
    def inbox(self) -> Inbox:
        """The inbox that handles deliver to."""
        ...

    def begin(self, handle: WorkerHandle) -> None:
        """Deliveries with the tag of `handle` are about to come."""
        ...

    def end(self, handle: WorkerHandle) -> None:
        """`handle` is gone: nothing more comes from it, and nothing more goes to it."""
        ...


@dataclass(frozen=True, eq=False)
class WorkerSpec:
    """A specification of a worker's handle, from which each of its handles is made."""

    name: str
    """Unique among the workers of this process."""
    connect: Callable[[], Awaitable[Client]]
    """The native client of the current epoch. Runs on the supervision loop."""
    options: Mapping[str, Any]
    """Keywords of the native worker, without inboxes and tag."""
    workflows: Taker | None
    activities: Taker | None
    gave_up: Callable[[BridgeError, Poll], None]
    """Told when core can't poll any more. Called on the supervision thread."""
    completions: Completions = "ordered"

    @property
    def task_queue(self) -> str:
        """The task queue that it polls; empty if its options name none."""
        return str(self.options.get("task_queue", ""))

    def polls(self) -> tuple[Poll, ...]:
        """Return the kinds of tasks it polls for."""
        workflow: tuple[Poll, ...] = ("workflow",) if self.workflows is not None else ()
        return (*workflow, "activity") if self.activities is not None else workflow

    def taker(self, poll: Poll) -> Taker | None:
        """Return the taker of what a poll delivers."""
        return self.workflows if poll == "workflow" else self.activities


@dataclass(eq=False)
class Declaration:
    """A worker that is wanted to run, whatever happens to the tree."""

    spec: WorkerSpec
    lost: Callable[[Exception], None] = lambda _: None
    """Told when the tree is gone and nothing will bring the worker back."""
    stopped: Callable[[], None] = lambda: None
    """Told when it was stopped by name, for good."""
    started: Promise[None] = field(default_factory=Promise[None])
    """Answered with its first registration: done, or why it failed."""
    wanted: bool = True
    """False once it must not be started again."""
    handles: set[WorkerHandle] = field(default_factory=set["WorkerHandle"])
    """Its handles that are not released."""

    def never_registered(self, how: str) -> None:
        """Tell its starter that it has ended, unless it was registered before."""
        name = self.spec.name
        self.started.reject(WorkerNotRegisteredError(f"worker {name!r} {how} before it registered"))
