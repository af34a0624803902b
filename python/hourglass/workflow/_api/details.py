"""The workflow's current details: a text for user interfaces."""

from __future__ import annotations

from hourglass.workflow._api.current import current


def get_current_details() -> str:
    """Return the text of `set_current_details`; empty before."""
    return current().current_details


def set_current_details(description: str) -> None:
    """Say where the workflow stands, as text with Markdown for user interfaces. Not recorded."""
    running = current()
    running.loop.check_writable("set its details")
    running.current_details = description
