"""A server: state that is touched by one message at a time (OTP's `GenServer`).

Messages are method calls. The public methods of a server, which any thread may call, send a private
coroutine method with its arguments to the mailbox; the server runs them one after the other on the
supervision loop::

    class Counter(Server):
        def __init__(self) -> None:
            super().__init__()
            self._count = 0

        def add(self, n: int) -> Reply[int]:
            return self.call(self._add, n)

        async def _add(self, n: int) -> int:
            self._count += n
            return self._count

=================  ============================================  ================================
to send            is                                            the handler
=================  ============================================  ================================
`call`             a question, with a timeout                    returns the answer
`call_deferred`    a question to be answered later               gets a `ReplyToken`
`cast`             a statement                                   returns nothing
`send`             a message without a method                    `handle_info(message)`
(a link breaks)    a process started by `start_link` has exited  `handle_exit(process, reason)`
(a monitor fires)  a process watched by `watch` has exited       `handle_down(process, reason)`
=================  ============================================  ================================

A handler that raises `Refuse(error)` fails the call with `error` and nothing else. Any other
exception is a crash: the server ends, and everybody who waits for it gets `Exited`.

Servers trap exits: being asked to stop is a message like any other, so the handler at work ends
first, then `terminate(reason)` runs. Only a kill skips that. What a server started with
`start_link` never outlives it: its own exit is told after theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from .clock import Timer
from .errors import CallTimeout, Exited, LoopGone, WouldDeadlock
from .exits import Exit, ExitReason, is_abnormal
from .place import Place
from .process import Monitor, Process, current_process
from .reply import Promise, Reply
from .task import TaskProcess

if TYPE_CHECKING:
    from typing_extensions import TypeVarTuple, Unpack

    Args = TypeVarTuple("Args")

T = TypeVar("T")
P = TypeVar("P", bound=Process)

_Message: TypeAlias = Callable[[], Awaitable[None]]

_log = logging.getLogger("hourglass.supervision")

CALL_TIMEOUT: Final = 5.0
"""Seconds a call waits for its answer, unless it says otherwise."""


class Refuse(Exception):  # noqa: N818 - control flow: it fails the call, not the server
    """Raise it in a handler to fail the call with `error` and carry on."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error: Final = error


class ReplyToken(Promise[T], Generic[T]):
    """The right to answer one call, now or later.

    `resolve` and `reject` say False when the caller waits no more: it timed out or was answered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.caller: Final = current_process()
        """The process that called; None when the caller is no process of a supervision tree."""
        self.timer: Timer | None = None


class Server(TaskProcess):
    """State that is touched by one message at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._mailbox: deque[_Message] = deque()
        self._news = asyncio.Event()
        self._tokens: set[ReplyToken[Any]] = set()
        self._links: dict[int, Process] = {}
        self._ended: ExitReason | None = None

    # --- to override -----------------------------------------------------------------------------

    async def init(self) -> None:
        """Get ready; the starter waits for it. May raise, also `Ignore`."""

    async def terminate(self, reason: ExitReason) -> None:
        """Clear away before ending with `reason`; not called after a kill or a failed `init`."""

    async def handle_info(self, message: object) -> None:
        """Take a message sent with `send`. Without an override it is logged as unexpected."""
        _log.error("%s got an unexpected message: %r", self, message)

    async def handle_exit(self, process: Process, reason: ExitReason) -> None:
        """A linked process has exited. Without an override the server falls with a failed one."""
        if is_abnormal(reason):
            raise Exit(reason)

    async def handle_down(self, process: Process, reason: ExitReason) -> None:
        """A watched process has exited."""

    # --- messages, from any thread ---------------------------------------------------------------

    def call(
        self,
        handler: Callable[[Unpack[Args]], Awaitable[T]],
        *args: Unpack[Args],
        timeout: float | None = CALL_TIMEOUT,
    ) -> Reply[T]:
        """Run `handler` in the mailbox's order; its value is the answer.

        `timeout` is in seconds, None for none. The reply fails with `CallTimeout`, with `Exited`
        when the server ends first, with what the handler refused with.
        """
        token: ReplyToken[T] = ReplyToken()
        return self._ask_for(token, partial(self._answer, token, partial(handler, *args)), timeout)

    def call_deferred(
        self,
        handler: Callable[[ReplyToken[T], Unpack[Args]], Awaitable[None]],
        *args: Unpack[Args],
        timeout: float | None = CALL_TIMEOUT,
    ) -> Reply[T]:
        """Like `call`, but `handler` gets the token to answer with, whenever it likes."""
        token: ReplyToken[T] = ReplyToken()
        begin = partial(handler, token, *args)
        return self._ask_for(token, partial(self._begin, token, begin), timeout)

    def cast(self, handler: Callable[[Unpack[Args]], Awaitable[None]], *args: Unpack[Args]) -> None:
        """Run `handler` in the mailbox's order; a server that is gone never will."""
        self._signal(self._enqueue, partial(handler, *args))

    def send(self, message: object) -> None:
        """Have `handle_info` take `message`."""
        self.cast(self.handle_info, message)

    # --- for handlers ----------------------------------------------------------------------------

    async def start_link(self, process: P, child_id: str) -> P:
        """Start `process`, bound to this server: its exit comes as `handle_exit`.

        Raises `StartFailed` or `Ignore`, and then there will be no `handle_exit`.
        """
        if self._ended is not None:  # called by something that a handler began and left behind
            raise Exited(self, self._ended)
        process.launch(Place(self.place.loop, self, child_id))
        self._links[process.pid] = process
        try:
            await process.until_up()
        finally:
            if not process.alive:  # it failed, or was over at once: nothing to clear away
                self._links.pop(process.pid, None)
        process.monitor(self._link_broke)
        return process

    def watch(self, process: Process) -> Monitor:
        """Have `handle_down` told once when `process` has exited, also if it already has."""
        return process.monitor(lambda dead, reason: self.cast(self.handle_down, dead, reason))

    # --- the mailbox -----------------------------------------------------------------------------

    async def main(self) -> None:
        """Initialise, then take message after message until one of them ends it."""
        await self.init()
        self.ready()
        try:
            while True:
                await (await self._next_message())()
        except BaseException as error:
            if not self._killed:
                await self.terminate(self._judge(error))
            raise

    async def _next_message(self) -> _Message:
        while not self._mailbox:
            self._news.clear()
            await self._news.wait()
        return self._mailbox.popleft()

    def _enqueue(self, message: _Message) -> None:
        self._mailbox.append(message)
        self._news.set()

    def _ask(self, reason: ExitReason) -> None:
        self._enqueue(partial(self._obey, reason))

    async def _obey(self, reason: ExitReason) -> None:
        raise Exit(reason)

    def _link_broke(self, process: Process, reason: ExitReason) -> None:
        self._links.pop(process.pid, None)
        self._enqueue(partial(self.handle_exit, process, reason))

    # --- answering -------------------------------------------------------------------------------

    def _ask_for(self, token: ReplyToken[T], message: _Message, timeout: float | None) -> Reply[T]:
        if token.caller is not None and token.caller.waits_for(self):
            raise WouldDeadlock(f"{token.caller} calls {self}, which waits for it")
        try:
            self.place.loop.post(self._admit, token, message, timeout)
        except LoopGone as error:
            token.reject(error)
        return token.answer

    def _admit(self, token: ReplyToken[Any], message: _Message, timeout: float | None) -> None:
        reason = self.exit_reason
        if reason is not None:
            token.reject(Exited(self, reason))
            return
        self._tokens.add(token)
        token.answer.on_done(partial(self._settle, token))
        if timeout is not None:
            token.timer = self.place.loop.call_later(timeout, partial(self._expire, token, timeout))
        self._enqueue(message)

    def _expire(self, token: ReplyToken[Any], timeout: float) -> None:
        token.reject(CallTimeout(f"{self} did not answer within {timeout} s"))

    def _settle(self, token: ReplyToken[Any]) -> None:
        self._tokens.discard(token)
        if token.timer is not None:
            token.timer.cancel()

    async def _answer(self, token: ReplyToken[T], handler: Callable[[], Awaitable[T]]) -> None:
        try:
            token.resolve(await handler())
        except Refuse as refusal:
            token.reject(refusal.error)

    async def _begin(self, token: ReplyToken[Any], handler: _Message) -> None:
        try:
            await handler()
        except Refuse as refusal:
            token.reject(refusal.error)

    # --- ending ----------------------------------------------------------------------------------

    def _end(self, reason: ExitReason, error: BaseException | None) -> None:
        """Everything linked goes first, by force; then the exit is told."""
        self._ended = reason
        for process in tuple(self._links.values()):
            process.kill()
        self._bury(reason, error)

    def lose(self, reason: ExitReason) -> None:
        """End with everything that is linked, those first, and fail every call."""
        self._ended = reason
        for process in tuple(self._links.values()):
            process.lose(reason)
        super().lose(reason)
        self._fail_calls(reason)

    def _bury(self, reason: ExitReason, error: BaseException | None) -> None:
        for process in self._links.values():
            if process.alive:
                process.exit.on_done(partial(self._bury, reason, error))
                return
        self._finish(reason, error)
        self._fail_calls(reason)

    def _fail_calls(self, reason: ExitReason) -> None:
        for token in tuple(self._tokens):
            token.reject(Exited(self, reason))
