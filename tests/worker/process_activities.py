"""Activities that run in processes: importable there by name."""

import os
import signal
import time
from pathlib import Path

from hourglass import activity
from hourglass.exceptions import ApplicationError, CancelledError


class NeedsTwoError(Exception):
    """Can be pickled and not unpickled: its arguments are not its parameters."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


@activity.defn
def process_id() -> int:
    return os.getpid()


@activity.defn
def dies_once(marker: str) -> int:
    """Kill its own process in the first attempt, as the OOM killer would."""
    if activity.info().attempt == 1:
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return activity.info().attempt


@activity.defn
def waits_for(marker: str) -> int:
    """Return its attempt as soon as the file is there."""
    while not Path(marker).exists():
        time.sleep(0.01)
    return activity.info().attempt


@activity.defn
def fails(how: str) -> None:
    if how == "ours":
        raise ApplicationError("on purpose", {"detail": 1}, type="Mine", non_retryable=True)
    try:
        raise ValueError("first")
    except ValueError as error:
        raise NeedsTwoError("a", "b") from error


@activity.defn
def returns_a_lambda() -> object:
    return lambda: None


@activity.defn
def heartbeats_until_cancelled(marker: str) -> str:
    """Heartbeat until it sees that it is cancelled; nothing is raised in it."""
    while not activity.is_cancelled():
        activity.heartbeat("alive")
        time.sleep(0.01)
    Path(marker).write_text("saw it")
    raise CancelledError


@activity.defn
def remembers() -> str:
    """Fail after a heartbeat; the next attempt knows what it said."""
    if activity.info().attempt == 1:
        activity.heartbeat("so far")
        raise RuntimeError("again")
    return str(activity.info().heartbeat_details[0])


@activity.defn
async def on_the_loop() -> int:
    return os.getpid()
