"""Runs a program, in whatever world it is given: written once, for workflows and for the model.

Every node leaves its outcome in the trace when it ends: its id, the time, and its value or its
exception. That trace is what is compared.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol

from tests.random_programs.describe import describe, outcome_of
from tests.random_programs.program import Node, make_error

Entry = tuple[int, float, list[Any]]


class Child(Awaitable[Any], Protocol):
    """A child that has started."""

    def cancel(self) -> bool:
        """Ask it to cancel itself, as its cancellation type says."""


class World(Protocol):
    """What a program can ask for beyond asyncio."""

    id: str

    def time(self) -> float:
        """Seconds since the run began."""

    def is_gone(self, error: BaseException | None) -> bool:
        """Tell that this run is torn down: what its code does has no meaning any more."""

    def sleep(self, seconds: float) -> Awaitable[None]:
        """The world's own sleep."""

    def wait_for(self, awaitable: Awaitable[Any], timeout: float) -> Awaitable[Any]:
        """`asyncio.wait_for`."""

    def activity(self, script: Node) -> asyncio.Future[Any]:
        """Start an activity."""

    def local_activity(self, script: Node) -> asyncio.Future[Any]:
        """Start a local activity."""

    async def child(self, child_id: str, body: Node, options: Node) -> Child:
        """Start a child that runs `body`."""

    async def signal(self, other_id: str, body: Node) -> None:
        """Have another workflow run `body` in a signal handler."""

    async def cancel_other(self, other_id: str) -> None:
        """Ask another workflow to cancel itself."""

    async def wait_condition(self, holds: Callable[[], bool], timeout: float | None) -> None:
        """Wait until something is so."""

    def again(self, body: Node) -> NoReturn:
        """Continue as new."""


class Interpreter:
    """One run of a program: its trace, and what its coroutines share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trace: list[Entry] = []
        self.count = 0
        self.is_cut = False
        self.spawned: dict[int, asyncio.Task[Any]] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._events: dict[int, asyncio.Event] = {}
        self._queue: asyncio.Queue[Any] | None = None

    async def run(self, node: Node) -> Any:
        """Run a node to its end and note how it ended."""
        try:
            if self.is_cut or self.world.is_gone(None):
                raise asyncio.CancelledError
            value = await getattr(self, f"_{node['op']}")(node)
        except BaseException as error:
            self.is_cut = self.is_cut or self.world.is_gone(error)
            self.note(node, describe(error))
            raise
        self.note(node, ["value", value])
        return value

    def note(self, node: Node, outcome: list[Any]) -> None:
        """Add to the trace."""
        if not (self.is_cut or self.world.is_gone(None)):
            self.trace.append((node["id"], self.world.time(), outcome))

    def _task(self, node: Node) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(self.run(node))

    # --- plain asyncio

    async def _value(self, node: Node) -> Any:
        return node["value"]

    async def _sleep(self, node: Node) -> None:
        await asyncio.sleep(node["seconds"])

    async def _yield(self, node: Node) -> None:
        for _ in range(node["times"]):
            await asyncio.sleep(0)

    async def _seq(self, node: Node) -> Any:
        value = None
        for item in node["nodes"]:
            value = await self.run(item)
        return value

    async def _raise(self, node: Node) -> None:
        raise make_error(*node["error"])

    async def _cancelled(self, node: Node) -> None:
        raise asyncio.CancelledError(*node.get("args", ()))

    async def _cancel_me(self, node: Node) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return await self.run(node["body"])

    async def _gather(self, node: Node) -> list[Any]:
        results = await asyncio.gather(
            *map(self.run, node["nodes"]), return_exceptions=node["catch"]
        )
        return [outcome_of(result) for result in results]

    async def _wait(self, node: Node) -> list[Any]:
        tasks = [self._task(item) for item in node["nodes"]]
        done, pending = await asyncio.wait(tasks, timeout=node["timeout"], return_when=node["when"])
        first = [index for index, task in enumerate(tasks) if task in done]
        for task in tasks:
            if task in pending:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        return [first, *map(outcome_of, results)]

    async def _as_completed(self, node: Node) -> list[Any]:
        tasks = [self._task(item) for item in node["nodes"]]
        results: list[Any] = []
        for next_one in asyncio.as_completed(tasks):
            try:
                results.append(await next_one)
            except Exception as error:
                results.append(describe(error))
        return results

    async def _wait_for(self, node: Node) -> Any:
        return await self.world.wait_for(self.run(node["body"]), node["timeout"])

    async def _timeout(self, node: Node) -> Any:
        if sys.version_info < (3, 11):
            return await self._wait_for(node)
        async with asyncio.timeout(node["timeout"]):
            return await self.run(node["body"])

    async def _group(self, node: Node) -> list[Any]:
        if sys.version_info < (3, 11):
            return await self._gather({**node, "catch": False})
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.run(item)) for item in node["nodes"]]
            body = await self.run(node["body"]) if node.get("body") else None
        return [body, *(task.result() for task in tasks)]

    async def _shield(self, node: Node) -> Any:
        task = self._task(node["body"])
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if node["insist"] and not task.cancelled():
                return await task
            raise

    async def _try(self, node: Node) -> Any:
        kinds: dict[str, type[BaseException]] = {
            "Exception": Exception,
            "TimeoutError": asyncio.TimeoutError,
            "CancelledError": asyncio.CancelledError,
            "ValueError": ValueError,
        }
        try:
            return await self.run(node["body"])
        except kinds[node["catch"]]:
            if node.get("handler") is None:
                raise
            return await self.run(node["handler"])
        finally:
            if node.get("finally") is not None:
                await self.run(node["finally"])

    # --- tasks by name, and what they share

    async def _spawn(self, node: Node) -> None:
        self.spawned[node["id"]] = self._task(node["body"])

    async def _join(self, node: Node) -> Any:
        task = self.spawned.get(node["target"])
        return None if task is None else await task

    async def _kill(self, node: Node) -> bool | None:
        task = self.spawned.get(node["target"])
        return None if task is None else task.cancel()

    async def _lock(self, node: Node) -> Any:
        async with self._locks.setdefault(node["key"], asyncio.Lock()):
            return await self.run(node["body"])

    async def _set(self, node: Node) -> None:
        self._events.setdefault(node["key"], asyncio.Event()).set()

    async def _await_event(self, node: Node) -> Any:
        event = self._events.setdefault(node["key"], asyncio.Event())
        return await self.world.wait_for(event.wait(), node["timeout"])

    def _the_queue(self) -> asyncio.Queue[Any]:
        self._queue = self._queue or asyncio.Queue()
        return self._queue

    async def _put(self, node: Node) -> None:
        self._the_queue().put_nowait(node["value"])

    async def _get(self, node: Node) -> Any:
        return await self.world.wait_for(self._the_queue().get(), node["timeout"])

    async def _bump(self, node: Node) -> int:
        self.count += 1
        return self.count

    # --- what a world is for

    async def _world_sleep(self, node: Node) -> None:
        await self.world.sleep(node["seconds"])

    async def _condition(self, node: Node) -> int:
        level = self.count + node["more"]
        await self.world.wait_condition(lambda: self.count >= level, node["timeout"])
        return self.count

    async def _activity(self, node: Node) -> Any:
        return await self.world.activity(node["script"])

    async def _local(self, node: Node) -> Any:
        return await self.world.local_activity(node["script"])

    async def _handle(self, node: Node) -> Any:
        """Start an activity, do something else, then wait for it, cancel it or leave it."""
        start = self.world.local_activity if node["local"] else self.world.activity
        future = start(node["script"])
        if node.get("between") is not None:
            await self.run(node["between"])
        if "cancel" in node["then"]:
            future.cancel()
        return await future if "await" in node["then"] else None

    async def _child(self, node: Node) -> Any:
        """Start a child, do something else, then wait for it or cancel it first."""
        child_id = f"{self.world.id}/{node['id']}"
        child = await self.world.child(child_id, node["body"], node["options"])
        if node.get("between") is not None:
            await self.run(node["between"])
        if node["signal"] is not None:
            await self.world.signal(child_id, node["signal"])
        if "request" in node["then"]:
            await self.world.cancel_other(child_id)
        if "cancel" in node["then"]:
            child.cancel()
        return await child if "await" in node["then"] else None

    async def _signal_parent(self, node: Node) -> None:
        parent = self.world.id.rpartition("/")[0]
        await self.world.signal(parent or f"{self.world.id}/nobody", node["signal"])

    async def _again(self, node: Node) -> None:
        self.world.again(node["body"])
