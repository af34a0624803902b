"""An event loop of asyncio's own whose time jumps to the next timer as soon as nothing is ready."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from tests.random_programs.model_future import Chain, ModelTask

CURRENT: ContextVar[Any] = ContextVar("model world")
"""The world that the running code belongs to."""


class DeadlockError(Exception):
    """Nothing is ready and no timer runs, but the program has not ended."""


class _Idle:
    """Stands where a loop has its selector: called whenever the loop would wait."""

    def __init__(self, loop: ModelLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        loop = self._loop
        if not loop.is_busy() and not loop.when_idle():
            if timeout is None:
                raise DeadlockError
            loop.now += timeout
        return []

    def close(self) -> None:
        pass


class ModelLoop(asyncio.BaseEventLoop):
    """See the module's text. Each timer is late by what `lateness` says: no time is exact."""

    def __init__(self, lateness: Callable[[], float], seed: int) -> None:
        super().__init__()
        self.now = 0.0
        self.is_over = False
        """Nothing counts any more: whatever waits is ended."""
        self.cancelling: Chain = ()
        """The tasks that are being cancelled right now."""
        self.by_deadline = False
        """A timeout cancels them."""
        self.when_idle: Callable[[], bool] = lambda: False
        """Does what is done when nothing is ready; True if it has done something."""
        self._lateness = lateness
        self._random = random.Random(seed)
        self._selector = _Idle(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(self._new_task)
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        return self.now

    def is_busy(self) -> bool:
        """Tell whether anything is ready."""
        ready: Any = getattr(self, "_ready", None)
        return bool(ready)

    def call_at(self, when: float, callback: Any, *args: Any, **options: Any) -> Any:  # type: ignore[override]  # typeshed spells the arguments as a TypeVarTuple
        return super().call_at(when + self._lateness(), callback, *args, **options)

    def _new_task(self, loop: Any, coro: Any, **options: Any) -> Any:
        task = ModelTask.__new__(ModelTask)
        task._hash = self._random.getrandbits(40)
        task._cancels = 0
        task.__init__(coro, loop=loop, **options)  # type: ignore[misc]
        world = CURRENT.get(None)
        if world is not None:
            world.tasks.append(task)
        return task

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
