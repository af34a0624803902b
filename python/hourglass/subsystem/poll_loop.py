"""A poll loop: the child of a worker that watches over one of its polls.

The polling itself is native (a pump that fills an inbox), so a loop that dies delays nothing and
loses nothing. What the loop does is to know when the pump has ended, and what follows from that: a
shutdown ends the loop normally, a recycled handle is taken on, a runtime that is gone is reported,
and what core gave up with goes to the worker.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

from hourglass.subsystem.errors import WorkerNotRegisteredError
from hourglass.subsystem.runtime_owner import renew
from hourglass.supervision import Exited
from hourglass.supervision.task import TaskProcess

if TYPE_CHECKING:
    from hourglass.subsystem.bridge_holder import BridgeHolder
    from hourglass.subsystem.worker_handle import WorkerHandle
    from hourglass.subsystem.worker_spec import Poll


class PollLoop(TaskProcess):
    """Watches over one poll of a worker, from handle to handle."""

    def __init__(self, holder: BridgeHolder, name: str, poll: Poll) -> None:
        super().__init__()
        self._holder = holder
        self._name = name
        self._poll: Poll = poll

    async def main(self) -> None:
        """Until the worker is unregistered. Never spins: it waits for what happens next."""
        self.ready()
        handle = await self._next(None)
        while handle is not None:
            error = await handle.ended[self._poll].answer
            if error is None:
                handle = await self._next(handle)
            elif error.kind == "stale_handle":
                renew(handle.epoch, f"{self._poll} poll of worker {self._name!r}: {error}")
                await _cascade()
            else:
                handle.spec.gave_up(error, self._poll)
                return

    async def _next(self, after: WorkerHandle | None) -> WorkerHandle | None:
        try:
            return await self._holder.serving(self._name, after)
        except WorkerNotRegisteredError:
            return None
        except Exited:
            return await _cascade()


async def _cascade() -> NoReturn:
    """Something above in the tree is gone: this loop is about to be stopped for it."""
    await asyncio.Event().wait()
    raise AssertionError
