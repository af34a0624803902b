"""Tasks and futures of the model: asyncio's, apart from what history decides."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.random_programs.model_loop import ModelLoop

if sys.version_info >= (3, 11):
    from asyncio import Timeout
else:  # asyncio has none yet: take that of workflows
    from hourglass.workflow._runtime.deadlines import Timeout

Scope: Any = Timeout
ON_TIMEOUT: CodeType = Scope._on_timeout.__code__


class ModelTask(asyncio.Task[Any]):
    """A task with a hash of its own: asyncio keeps tasks in sets, and no result may depend on it.

    It says that it is being cancelled, for an `Answer` that it waits for.
    """

    _hash: int
    _cancels: int

    def __hash__(self) -> int:
        return self._hash

    def cancel(self, msg: Any = None) -> bool:
        loop: Any = self.get_loop()
        if self.done() or loop.is_over:
            return super().cancel(msg)
        waiter: Any = getattr(self, "_fut_waiter", None)
        outer, outer_deadline = loop.cancelling, loop.by_deadline
        loop.cancelling = ()
        if isinstance(waiter, (ModelTask, Answer)):
            loop.cancelling = (*outer, (self, self.cancelling() + 1))
        loop.by_deadline = outer_deadline or sys._getframe(1).f_code is ON_TIMEOUT
        try:
            asked = super().cancel(msg)
        finally:
            loop.cancelling, loop.by_deadline = outer, outer_deadline
        self._cancels += asked
        return asked

    def interrupt(self) -> None:
        """Raise the cancellation in place of the value that has come."""
        super().cancel()
        self.uncancel()

    if sys.version_info < (3, 11):

        def cancelling(self) -> int:
            """Count the requests to cancel, as later Pythons do."""
            return self._cancels

        def uncancel(self) -> int:
            """Take one back, as in later Pythons."""
            self._cancels = max(0, self._cancels - 1)
            return self._cancels


Chain = tuple[tuple[ModelTask, int], ...]
"""Tasks that wait for one another, the innermost last, with their counts of cancellations."""


class Answer(asyncio.Future[Any]):
    """The outcome that history will give. Cancelling it only asks, once.

    A task that was cancelled while it waits, and gets an answer all the same, is cancelled again at
    its next wait (or, if it ends before, the task that waits for it). If it was cancelled by a
    deadline, the deadline was first: a value does not count.
    """

    def __init__(self, loop: ModelLoop, ask: Callable[[], None]) -> None:
        super().__init__(loop=loop)
        self._model_loop = loop
        self._ask = ask
        self._was_asked = False
        self.is_begun = True
        """False for an activity before its first step: cancelled, it does not wait for history."""
        self._asked_by: list[tuple[Chain, bool]] = []

    def cancel(self, msg: Any = None) -> bool:
        loop = self._model_loop
        if self.done() or loop.is_over:
            return super().cancel(msg)
        if not self.is_begun:
            self._ask()
            return super().cancel(msg)
        if loop.cancelling:
            self._asked_by.append((loop.cancelling, loop.by_deadline))
        if not self._was_asked:
            self._was_asked = True
            self._ask()
        return True

    def give(self, value: Any) -> None:
        """Answer, unless that has been done."""
        if self.done():
            return
        self.set_result(value)
        for chain, by_deadline in self._asked_by:
            if by_deadline:
                chain[-1][0].interrupt()
            else:
                self._model_loop.call_soon(cancel_again, chain)

    def fail(self, error: BaseException) -> None:
        """Answer with an exception, unless that has been done."""
        if self.done():
            return
        self.set_exception(error)
        self.exception()


def cancel_again(chain: Chain) -> None:
    """Cancel a task whose cancellation was swallowed, or the one that waits for it."""
    task, count = chain[-1]
    if not task.done():
        if task.cancelling() >= count:
            task.uncancel()
            task.cancel()
    elif len(chain) > 1 and not task.cancelled():
        task.get_loop().call_soon(cancel_again, chain[:-1])
