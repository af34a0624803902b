"""Durations: checked before anything is recorded."""

from __future__ import annotations

import math
from datetime import timedelta

END_OF_TIME = 253_402_300_799.0
"""The last second of the year 9999: where timestamps end."""


def seconds_of(duration: float | timedelta, what: str) -> float:
    """`duration` in seconds, at least 0. TypeError or ValueError names `what` it was for."""
    if isinstance(duration, timedelta):
        seconds = duration.total_seconds()
    elif isinstance(duration, (int, float)) and not isinstance(duration, bool):
        try:
            seconds = float(duration)
        except OverflowError:
            seconds = math.inf
    else:
        raise TypeError(f"{what}: a number of seconds or a timedelta, not {duration!r}")
    if not 0 <= seconds <= END_OF_TIME:
        raise ValueError(
            f"{what}: {duration!r} is not a duration: negative, not a number or too long"
        )
    return seconds


def optional_timeout(duration: timedelta | None, what: str) -> timedelta | None:
    """A timeout of a command: a timedelta that is not negative."""
    if duration is None:
        return None
    seconds = seconds_of(duration, what)
    return duration if isinstance(duration, timedelta) else timedelta(seconds=seconds)
