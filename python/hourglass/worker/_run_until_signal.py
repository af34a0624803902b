"""Running workers until the process is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.exceptions import InvalidArgumentError
from hourglass.worker import _abandoned_threads

if TYPE_CHECKING:
    from hourglass.worker._worker import Worker

logger = logging.getLogger("hourglass.worker")


async def run_until_signal(
    *workers: Worker,
    signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGINT),
) -> signal.Signals | None:
    """Run workers in a process of their own, until it is told to end. Call it in the main thread.

    ::

        async def main() -> None:
            client = await Client.connect("localhost:7233")
            await run_until_signal(Worker(client, task_queue="orders", workflows=[Order]))

        asyncio.run(main())

    The first signal stops the workers in their own time (`graceful_shutdown_timeout`), and this
    returns it. It also works as process 1 of a container, for which the system ignores signals that
    no handler asks for. Further signals do what they did before: the second Ctrl-C raises
    `KeyboardInterrupt`, the second SIGTERM ends the process on the spot.

    Threads of activities that still ignore their cancellation then are named in the log, and don't
    keep the process from ending: it does with status 1, a few seconds after its main thread.

    Returns None when all workers were shut down by other means. Raises what a worker raises that
    has to give up (`PollError`), after the others have stopped; `InvalidArgumentError` outside of
    the main thread.
    """
    with _caught(signals) as caught:
        lives = [asyncio.ensure_future(worker.run()) for worker in workers]
        ends = asyncio.gather(*lives)
        try:
            events: list[asyncio.Future[Any]] = [caught, ends]
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            for life in lives:
                life.cancel()
            raise
        finally:
            stops = [worker.shutdown() for worker in workers]
            await asyncio.gather(*stops, *lives, return_exceptions=True)
            _abandoned_threads.end_without_abandoned_threads()
    await ends
    return caught.result() if caught.done() else None


@contextlib.contextmanager
def _caught(signals: Sequence[signal.Signals]) -> Generator[asyncio.Future[signal.Signals]]:
    """Catch the first of the signals; then, or at the end, restore their handlers."""
    loop = asyncio.get_running_loop()
    caught: asyncio.Future[signal.Signals] = loop.create_future()
    before = {number: signal.getsignal(number) for number in signals}

    def restore() -> None:
        while before:
            number, handler = before.popitem()
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def catch(number: signal.Signals) -> None:
        logger.info("%s: the workers stop", number.name)
        restore()
        caught.set_result(number)

    try:
        for number in signals:
            loop.add_signal_handler(number, catch, number)
    except (RuntimeError, ValueError) as error:
        raise InvalidArgumentError(f"signals can't be caught here: {error}") from error
    try:
        yield caught
    finally:
        restore()
