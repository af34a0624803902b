"""The predicates of `wait_condition`, asked again whenever the run has done something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourglass.workflow._runtime.loop import WorkflowLoop


Wait = tuple[Callable[[], object], "asyncio.Future[None]"]


class Conditions:
    """The open waits of one run, in order."""

    __slots__ = ("_loop", "waiting")

    def __init__(self, loop: WorkflowLoop) -> None:
        self._loop = loop
        self.waiting: list[Wait] = []

    def add(self, predicate: Callable[[], object]) -> asyncio.Future[None]:
        """A future that is done once `predicate` holds after a drain."""
        self._loop.check_writable("wait for a condition")
        future: asyncio.Future[None] = self._loop.create_future()
        self.waiting.append((predicate, future))
        return future

    def wake(self) -> None:
        """Evaluate each condition once, in the order of the waits; wake those that hold."""
        answers = [(entry, self._ask(entry)) for entry in self.waiting if not entry[1].done()]
        self.waiting = [entry for entry, answer in answers if answer is False]
        for (_, future), answer in answers:
            _answer(future, answer)

    def expire(self, future: asyncio.Future[None]) -> None:
        """End the wait of `future`, whose time is up; in time if its condition holds by now."""
        for entry in self.waiting:
            if entry[1] is future and not future.done():
                _answer(future, self._ask(entry) or asyncio.TimeoutError())

    def _ask(self, entry: Wait) -> bool | BaseException:
        loop = self._loop
        loop.read_only = "wait_condition predicate"
        try:
            return bool(entry[0]())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return error
        finally:
            loop.read_only = ""
            loop.take_back()


def _answer(future: asyncio.Future[None], answer: bool | BaseException) -> None:
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    elif answer:
        future.set_result(None)
