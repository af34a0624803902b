"""A server that forks its workers: `python -m tests.crash.prefork PRELOAD FOLDER`.

The process model of gunicorn and of Celery's prefork pool, without them: a master imports the
application and forks workers; workers take requests until SIGTERM; the master replaces one that
dies. PRELOAD: `no` (the application is imported and nothing used), `closed` (the master used its
database and closed it), `open` (the master still has a client and a worker of its own).
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys

from hourglass.client import Client
from hourglass.exceptions import DatabaseError, StaleHandleError
from tests.crash.forks import Load, work

WORKERS = 3


async def serve(folder: str, number: int, ready: int) -> None:
    """Be one worker: a client of its own, requests until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await work(f"sqlite:///{folder}/worker-{number}.db", number)
    os.write(ready, b".")
    while not stop.is_set():
        await work("sqlite://", number)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.05)


def fork_worker(folder: str, number: int, ready: int, application: Client | None) -> int:
    """Fork one; what the application had is refused there."""
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(60)
    if application is not None:
        asyncio.run(inherited_is_refused(application, folder))
    asyncio.run(serve(folder, number, ready))
    sys.exit(0)


async def inherited_is_refused(application: Client, folder: str) -> None:
    """The master's client, and its database for as long as the master has it open."""
    try:
        await application.get_workflow_handle("x").describe()
    except StaleHandleError as error:
        assert error.pid == os.getppid()
    else:
        raise AssertionError("the master's client was not refused")
    try:
        await Client.connect(f"sqlite:///{folder}/master.db")
    except DatabaseError as error:
        assert f"{folder}/master.db" in str(error), error
        assert f"process {os.getppid()}" in str(error), error
    else:
        raise AssertionError("one database was opened by two processes")


def main() -> None:
    """Be the master."""
    preload, folder = sys.argv[1:]
    logging.getLogger("hourglass.subsystem").addHandler(logging.NullHandler())
    target = f"sqlite:///{folder}/master.db"
    application: Client | None = None
    load: Load | None = None
    if preload == "closed":
        asyncio.run(work(target, 1))
    elif preload == "open":
        application = asyncio.run(Client.connect(target))
        load = Load(target)
    readable, ready = os.pipe()

    def start(number: int) -> int:
        pid = fork_worker(folder, number, ready, application)
        assert os.read(readable, 1) == b"."
        return pid

    workers = [start(number) for number in range(WORKERS)]
    os.kill(workers[0], signal.SIGKILL)
    assert os.waitpid(workers[0], 0)[1] == signal.SIGKILL
    workers[0] = start(WORKERS)
    if load is not None:
        load.goes_on()
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
    ends = [os.waitpid(pid, 0)[1] for pid in workers]
    assert ends == [0] * WORKERS, ends
    if load is not None:
        load.end()
    if application is not None:
        asyncio.run(application.close())
    asyncio.run(work(target, 2))
    sys.stdout.write("well\n")


if __name__ == "__main__":
    main()
