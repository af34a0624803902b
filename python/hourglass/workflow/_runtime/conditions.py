"""The predicates of `wait_condition`, asked again whenever the run has done something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourglass.workflow._runtime.loop import WorkflowLoop


class Conditions:
    """The open waits of one run, in order."""

    __slots__ = ("_loop", "waiting")

    def __init__(self, loop: WorkflowLoop) -> None:
        self._loop = loop
        self.waiting: list[tuple[Callable[[], object], asyncio.Future[None]]] = []

    def add(self, predicate: Callable[[], object]) -> asyncio.Future[None]:
        """A future that is done once `predicate` holds after a drain."""
        self._loop.check_writable("wait for a condition")
        future: asyncio.Future[None] = self._loop.create_future()
        self.waiting.append((predicate, future))
        return future

    def wake(self) -> None:
        """Evaluate each condition once, in the order of the waits; wake those that hold."""
        still_waiting: list[tuple[Callable[[], object], asyncio.Future[None]]] = []
        woken: list[tuple[asyncio.Future[None], BaseException | None]] = []
        self._loop.read_only = "wait_condition predicate"
        try:
            for entry in self.waiting:
                predicate, future = entry
                if future.done():
                    continue
                try:
                    holds = predicate()
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    woken.append((future, error))
                    continue
                if holds:
                    woken.append((future, None))
                else:
                    still_waiting.append(entry)
        finally:
            self._loop.read_only = ""
        self.waiting = still_waiting
        for future, raised in woken:
            if raised is None:
                future.set_result(None)
            else:
                future.set_exception(raised)
