"""What the subsystem's tests share: takers that remember, declarations, the tree's children."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from hourglass import Subsystem, _bridge
from hourglass.client import Client
from hourglass.subsystem import events
from hourglass.subsystem.bridge_holder import BridgeHolder
from hourglass.subsystem.tree import Tree, current_tree
from hourglass.subsystem.worker_handle import WorkerHandle
from hourglass.subsystem.worker_spec import Declaration, WorkerSpec
from hourglass.supervision import Process, Server
from tests.support import unique

WAIT = 20.0
"""Seconds after which a test that waits is wrong."""
CHILDREN = ["runtime", "bridge_holder", "worker_registry", "worker_supervisor", "worker_launcher"]


class Taker:
    """Takes nothing by itself: the test does, from `inbox`."""

    def __init__(self) -> None:
        self.inbox = _bridge.Inbox()
        self.begun: list[WorkerHandle] = []
        self.ended: list[WorkerHandle] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.taken: list[Any] = []
        self.arrived = threading.Condition()
        self._thread.start()

    def begin(self, handle: WorkerHandle) -> None:
        self.begun.append(handle)

    def end(self, handle: WorkerHandle) -> None:
        self.ended.append(handle)

    def _serve(self) -> None:
        while True:
            for delivery in self.inbox.take():
                if isinstance(delivery, _bridge.PollingEnded):
                    self.handle(delivery.tag).polling_ended(delivery)
                else:
                    with self.arrived:
                        self.taken.append(delivery)
                        self.arrived.notify_all()

    def handle(self, tag: int) -> WorkerHandle:
        """The handle of that tag."""
        return next(handle for handle in self.begun if handle.tag == tag)

    def next(self, number: int = 1) -> Any:
        """Wait for the delivery of that number, counted from 1."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.taken) >= number, WAIT)
            return self.taken[number - 1]

    def starts(self) -> list[_bridge.WorkflowActivation]:
        """The activations so far that begin a run."""
        kind = _bridge.InitializeWorkflow
        return [task for task in self.taken if any(isinstance(job, kind) for job in task.jobs)]

    def started(self, number: int) -> _bridge.WorkflowActivation:
        """Wait for the activation that begins the run of that number, counted from 1."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.starts()) >= number, WAIT)
            return self.starts()[number - 1]


def declaration(
    client: Client,
    name: str | None = None,
    *,
    connect: Callable[[], Awaitable[_bridge.Client]] | None = None,
    workflows: Taker | None = None,
    activities: Taker | None = None,
    completions: Any = "ordered",
    **options: Any,
) -> Declaration:
    """A worker that takes both kinds, unless told otherwise."""
    name = name or unique("worker")
    if workflows is None and activities is None:
        workflows, activities = Taker(), Taker()
    native: dict[str, Any] = {
        "task_queue": name,
        "workflows": workflows is not None,
        "activities": activities is not None,
        **options,
    }
    spec = WorkerSpec(
        name=name,
        connect=connect or client.connection.native,
        options=native,
        workflows=workflows,
        activities=activities,
        gave_up=lambda error, poll: None,
        completions=completions,
    )
    return Declaration(spec)


def tree() -> Tree:
    """The tree of this process, up."""
    found = current_tree()
    assert found is not None
    found.up.answer.result(WAIT)
    return found


def child(child_id: str) -> Process:
    """A child of the tree."""
    found = tree().root.lookup(child_id)
    assert found is not None, child_id
    return found


def holder() -> BridgeHolder:
    """The child of that name."""
    return tree().holder()


def pids() -> dict[str, int | None]:
    """Which life each child of the tree is in."""
    infos = tree().root.which_children().result(WAIT)  # after whatever cascade is under way
    return {info.id: info.process.pid if info.process else None for info in infos}


def kill(child_id: str) -> None:
    """Kill a child of the tree and wait until the tree has dealt with it."""
    process = child(child_id)
    process.kill()
    process.exit.result(WAIT)
    tree().root.which_children().result(WAIT)


def hold(server: Server, go: threading.Event) -> None:
    """Keep a server busy, so that it reads nothing that is said from now on, until `go`."""

    async def busy() -> None:
        while not go.is_set():  # noqa: ASYNC110 - the supervision loop has no event of the test's
            await asyncio.sleep(0)

    server.cast(busy)


class Heard:
    """Events, as they come; and a way to wait for one."""

    def __init__(self) -> None:
        self.events: list[events.AnyEvent] = []
        self._news = threading.Condition()
        self._subscription = Subsystem.subscribe(self._hear)

    def _hear(self, event: events.AnyEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def of(self, kind: type[Any], /, **fields: Any) -> list[Any]:
        """The events of a class with those fields."""
        return [
            event
            for event in list(self.events)
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in fields.items())
        ]

    def wait(self, kind: type[Any], number: int = 1, /, **fields: Any) -> Any:
        """Wait for the event of that number (from 1) of a class with those fields."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.of(kind, **fields)) >= number, WAIT)
        assert came, f"no {kind.__name__} {number} with {fields}: {self.events}"
        return self.of(kind, **fields)[number - 1]

    async def came(self, kind: type[Any], number: int = 1, /, **fields: Any) -> Any:
        """The same without blocking the loop."""
        return await asyncio.to_thread(self.wait, kind, number, **fields)

    def end(self) -> None:
        """Hear no more."""
        self._subscription.cancel()


class Gate:
    """Connecting that waits until the test opens it, or fails when told to."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self.error: Exception | None = None
        self._loop = asyncio.get_running_loop()

    async def __call__(self) -> _bridge.Client:
        self._loop.call_soon_threadsafe(self.reached.set)
        waiting = asyncio.run_coroutine_threadsafe(self.opened.wait(), self._loop)
        await asyncio.wrap_future(waiting)
        if self.error is not None:
            raise self.error
        return await self.client.connection.native()
