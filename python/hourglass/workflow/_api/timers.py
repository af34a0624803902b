"""Timers that workflow code holds on to."""

from __future__ import annotations

from datetime import timedelta

from hourglass.workflow._api.current import current
from hourglass.workflow._runtime import timers
from hourglass.workflow._runtime.timers import Timer


def start_timer(
    delay: float | timedelta,
    id: str | None = None,  # noqa: A002 - as activities and children have it
    *,
    summary: str | None = None,
) -> Timer:
    """Start a durable timer and go on at once. `sleep` is for waiting right here.

    Args:
        delay: seconds, at least 0.
        id: a name to find it by (`get_timer`); one that runs has it for itself. It may be started
            again when it has fired or was cancelled.
        summary: a short text that user interfaces show with it; the id when left out.

    Raises:
        TypeError, ValueError: The delay is no duration or the id can't be one.
        RuntimeError: A timer of that id is running.
    """
    running = current()
    return timers.start_timer(running, running.named_timers, delay, id, summary)


def get_timer(id: str) -> Timer | None:  # noqa: A002 - as above
    """Find the timer that was last started with `id`."""
    return current().named_timers.get(id)
