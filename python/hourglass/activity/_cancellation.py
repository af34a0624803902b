"""Reasons why an attempt of an activity is cancelled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActivityCancellationDetails:
    """Why an activity was cancelled; more than one may hold."""

    not_found: bool = False
    """The service does not know the attempt any more: the workflow ended, or it timed out."""
    cancel_requested: bool = False
    paused: bool = False
    reset: bool = False
    timed_out: bool = False
    worker_shutdown: bool = False
