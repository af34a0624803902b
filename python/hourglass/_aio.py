"""Waiting for native operations on an event loop.

One native `Port` per event loop: a descriptor the loop watches like a socket. An operation that is
done puts its token on the port; the loop wakes, takes all tokens at once and resolves the futures
that wait for them. No native thread ever calls into Python or into a loop, so a loop may close, a
waiter may be cancelled, and the interpreter may end at any moment.

Loops that can't watch descriptors get a thread that waits on the port and hands the tokens over.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from hourglass._bridge import BridgeError, Port
from hourglass.exceptions import OperationTimeoutError, from_bridge

if TYPE_CHECKING:
    from hourglass._bridge import Inbox, Operation

P = ParamSpec("P")
T = TypeVar("T")


class LimitPassedError(OperationTimeoutError):
    """The operation did not end within the limit of its waiter."""


class Hub:
    """The port of one event loop and who waits on it. Used on that loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.port = Port()
        self._tokens = itertools.count()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._listening: dict[int, Callable[[], None]] = {}
        try:
            loop.add_reader(self.port.fileno(), self._wake)
        except NotImplementedError:
            _wait_in_a_thread(loop, self)

    def _wake(self) -> None:
        self.deliver(self.port.drain())

    def deliver(self, tokens: list[int]) -> None:
        """Resolve the futures and call the listeners that the tokens belong to."""
        waiting = self._waiting
        for token in tokens:
            future = waiting.pop(token, None)
            if future is not None:
                if not future.done():
                    future.set_result(None)
            elif (listener := self._listening.get(token)) is not None:
                listener()

    async def wait(
        self, operation: Operation[T], *, shared: bool, limit: float | None = None
    ) -> None:
        """Return when the operation is done; cancel it when cancelled, unless it is shared.

        `LimitPassedError` after `limit` seconds, which cancel it as well.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        token = next(self._tokens)
        self._waiting[token] = future
        operation.notify(self.port, token)
        timer = None if limit is None else loop.call_later(limit, _expire, future)
        try:
            await future
        except (asyncio.CancelledError, LimitPassedError):
            self._waiting.pop(token, None)
            if not shared:
                operation.cancel()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def listen(self, inbox: Inbox, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever the inbox goes from empty to not empty, until the returned
        function is called."""
        token = next(self._tokens)
        self._listening[token] = listener
        inbox.notify(self.port, token)

        def stop() -> None:
            self._listening.pop(token, None)

        return stop


def _expire(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(LimitPassedError("the operation did not end in time"))


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()
"""A reload of this module makes new ones; who waits on an old one is woken all the same."""


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop that runs this; RuntimeError, with what helps, where it is not asyncio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "this needs a running event loop of asyncio, and there is none in this thread: run it "
            "with asyncio.run(...), or with anyio on its asyncio backend; trio has no such loop"
        ) from None


def hub() -> Hub:
    """The hub of the running loop. It lives as long as the loop, and its port as long as it."""
    loop = running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub(loop)
    return found


def _wait_in_a_thread(loop: asyncio.AbstractEventLoop, found: Hub) -> None:
    """For a loop that can't watch descriptors. The thread ends when the loop is closed or gone."""
    loop_reference, hub_reference, port = weakref.ref(loop), weakref.ref(found), found.port

    def serve() -> None:
        while True:
            tokens = port.wait(1.0)
            live_loop, live_hub = loop_reference(), hub_reference()
            if live_loop is None or live_hub is None or live_loop.is_closed():
                return
            if tokens:
                try:
                    live_loop.call_soon_threadsafe(live_hub.deliver, tokens)
                except RuntimeError:  # closed since
                    return
            del live_loop, live_hub

    threading.Thread(target=serve, name="hourglass-port", daemon=True).start()


async def completed(
    operation: Operation[T], *, shared: bool = False, limit: float | None = None
) -> T:
    """The result of the operation, waited for without a thread.

    Raises what it failed with as an exception of ours (`hourglass.exceptions.from_bridge`).
    Cancelling this cancels the operation, unless it is `shared` with others; so do `limit` seconds,
    with `LimitPassedError`.
    """
    try:
        if not operation.done():
            await hub().wait(operation, shared=shared, limit=limit)
        return operation.result()
    except BridgeError as error:
        raise from_bridge(error) from None


def begun(begin: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs) -> Operation[T]:
    """Begin an operation; errors of beginning it are converted too."""
    try:
        return begin(*args, **kwargs)
    except BridgeError as error:
        raise from_bridge(error) from None


async def performed(begin: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Begin an operation and wait for it."""
    return await completed(begun(begin, *args, **kwargs))
