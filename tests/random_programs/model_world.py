"""A run of a workflow in the model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NoReturn

from hourglass.exceptions import ApplicationError, CancelledError
from hourglass.workflow import ContinueAsNewError
from tests.random_programs.interpreter import Interpreter
from tests.random_programs.model_failures import as_failure, child_error, is_cancelled
from tests.random_programs.model_future import Answer, Scope
from tests.random_programs.model_loop import CURRENT
from tests.random_programs.model_task import Attempts, Command, WorkflowTask
from tests.random_programs.program import Node

if TYPE_CHECKING:
    from tests.random_programs.model import Model


class AgainError(ContinueAsNewError):
    """Ends a run that continues as new."""


class ModelChild:
    """A child as its parent sees it."""

    def __init__(self, parent: ModelWorld, child_id: str, body: Node, options: Node) -> None:
        self._parent = parent
        self._id = child_id
        self._body = body
        self._options = options
        self._loop = parent.loop
        self._is_asked = False
        self.started = Answer(parent.loop, self._asked)
        self.ended = Answer(parent.loop, self._asked)
        self._command = Command(parent.task, self._begin)

    def _begin(self) -> None:
        self._parent.children[self._id] = self._options["policy"]
        self._parent.model.start(self._id, self._body).on_end = self._end
        self._loop.call_later(0, self.started.give, None)

    def _end(self, value: Any, error: BaseException | None) -> None:
        if error is None:
            self._loop.call_later(0, self.ended.give, value)
        else:
            self._loop.call_later(0, self._fail, error)

    def _fail(self, error: BaseException) -> None:
        self.ended.fail(child_error(error))
        self.started.fail(child_error(error))

    def _asked(self) -> None:
        if self._is_asked:
            return
        self._is_asked = True
        kind = self._options["cancel"]
        if not self._command.is_sent:
            self._command.is_withdrawn = True
            self._parent.task.resolutions.append(self._cancelled)
            return
        if kind in ("ABANDON", "TRY_CANCEL"):
            self._parent.task.resolutions.append(self._cancelled)
        if kind != "ABANDON":
            Command(self._parent.task, self._request)

    def _request(self) -> None:
        # Core (0.10.1) waits for the end of a child also when it only has to be told.
        self._parent.model.cancel(self._id)

    def _cancelled(self) -> None:
        self._fail(CancelledError("Cancelled"))


class ModelWorld:
    """What a run may ask for, and its life.

    ::

        due --begins--> open --its end is decided, and nothing is ready--> dead
    """

    def __init__(self, model: Model, world_id: str, body: Node) -> None:
        self.id = world_id
        self.model = model
        self.loop = model.loop
        self.task = WorkflowTask(model.loop)
        self.tasks: list[asyncio.Task[Any]] = []
        self.children: dict[str, str] = {}
        """The parent-close policies of its children, by their id."""
        self.interpreter = Interpreter(self)
        self.is_dead = False
        self.on_end: Callable[[Any, BaseException | None], None] = lambda _value, _error: None
        self._began = self.loop.time()
        self._end: tuple[Any, BaseException | None] | None = None
        self._cancel_asked = False
        self._conditions: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._context = copy_context()
        self._context.run(CURRENT.set, self)
        self._body = body
        self._early: list[Node] = []
        self._is_begun = False
        self._main: asyncio.Task[Any] | None = None
        self.loop.call_later(0, self._begin)

    # --- its life

    def spawn(self, coro: Any) -> asyncio.Task[Any]:
        """Start a task in this world."""
        return self._context.run(self.loop.create_task, coro)

    def _begin(self) -> None:
        """Run what was signalled before the first task; `idle` starts the main coroutine then."""
        self._is_begun = True
        self._began = self.loop.time()
        for body in self._early:
            self.deliver(body)

    async def _run(self, body: Node) -> None:
        try:
            value, error = await self.interpreter.run(body), None
        except BaseException as raised:
            value, error = None, raised
        self.decide(value, error)

    def decide(self, value: Any, error: BaseException | None) -> None:
        """Decide how the run ends; the first decision counts."""
        self._end = self._end or (value, error)

    def idle(self) -> bool:
        """Do what is to do when nothing is ready; False if there is nothing."""
        if self.is_dead or not self._is_begun:
            return False
        if self._wake():
            return True
        if self._main is None:
            self._main = self.spawn(self._run(self._body))
            if self._cancel_asked:
                self.loop.call_soon(self._main.cancel)
            return True
        if self._end is None:
            return self.task.go_on()
        self.close(*self._end)
        return True

    def _wake(self) -> bool:
        woken = [entry for entry in self._conditions if not entry[1].done() and entry[0]()]
        self._conditions = [entry for entry in self._conditions if entry not in woken]
        for _, future in woken:
            future.set_result(None)
        return bool(woken)

    def close(self, value: Any, error: BaseException | None) -> None:
        """End the run and all of its code."""
        self.is_dead = True
        for task in self.tasks:
            task.cancel()
        for child_id, policy in self.children.items():
            self.model.let_go(child_id, policy)
        if isinstance(error, AgainError):
            self.model.start(self.id, error.args[0]).on_end = self.on_end
            return
        if error is not None and self._cancel_asked and is_cancelled(error):
            error = CancelledError("Cancelled")
        self.on_end(value, None if error is None else as_failure(error))

    def cancel(self) -> None:
        """Take a request to cancel."""
        if not self._cancel_asked:
            self._cancel_asked = True
            if self._main is not None:
                self._main.cancel()

    def deliver(self, body: Node) -> None:
        """Take a signal."""
        if self._is_begun:
            self.spawn(self._handle(body))
        else:
            self._early.append(body)

    async def _handle(self, body: Node) -> None:
        try:
            await self.interpreter.run(body)
        except BaseException as error:
            self.decide(None, error)

    # --- what the interpreter asks for

    def time(self) -> float:
        return self.loop.time() - self._began

    def is_gone(self, error: BaseException | None) -> bool:
        return self.is_dead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait_for(self, awaitable: Awaitable[Any], timeout: float) -> Any:
        async with Scope(self.loop.time() + timeout):  # as it is from Python 3.12 on
            return await awaitable

    def activity(self, script: Node) -> asyncio.Future[Any]:
        return Attempts(self.task, script, local=False).answer

    def local_activity(self, script: Node) -> asyncio.Future[Any]:
        return Attempts(self.task, script, local=True).answer

    async def child(self, child_id: str, body: Node, options: Node) -> Answer:
        child = ModelChild(self, child_id, body, options)
        await child.started
        return child.ended

    async def signal(self, other_id: str, body: Node) -> None:
        def withdraw() -> None:
            answer.fail(CancelledError("Signal was cancelled before being sent"))

        def ask() -> None:
            if not command.is_sent:
                command.is_withdrawn = True
                self.task.resolutions.append(withdraw)

        answer = Answer(self.loop, ask)
        command = self._tell(answer.give, answer.fail, lambda: self.model.deliver(other_id, body))
        await answer

    async def cancel_other(self, other_id: str) -> None:
        answer: asyncio.Future[None] = self.loop.create_future()  # it can't be taken back

        def give(value: None) -> None:
            if not answer.done():
                answer.set_result(value)

        def fail(error: BaseException) -> None:
            if not answer.done():
                answer.set_exception(error)

        self._tell(give, fail, lambda: self.model.cancel(other_id))
        await answer

    def _tell(
        self,
        give: Callable[[None], None],
        fail: Callable[[BaseException], None],
        tell: Callable[[], bool],
    ) -> Command:
        """Have something happen to another workflow, and answer when that is recorded."""

        def arrive() -> None:
            if tell():
                self.loop.call_later(0, give, None)
            else:
                error = ApplicationError("no such workflow", type="not found")
                self.loop.call_later(0, fail, error)

        return Command(self.task, arrive)

    async def wait_condition(self, holds: Callable[[], bool], timeout: float | None) -> None:
        future: asyncio.Future[None] = self.loop.create_future()
        self._conditions.append((holds, future))
        if timeout is None:
            await future
            return

        def expire() -> None:
            if future.done():
                return
            if holds():
                future.set_result(None)
            else:
                future.set_exception(asyncio.TimeoutError())

        timer = self.loop.call_later(timeout, expire)
        try:
            await future
        finally:
            timer.cancel()

    def again(self, body: Node) -> NoReturn:
        raise AgainError(body)
