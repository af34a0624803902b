"""Frames and stacks of other threads of this process."""

from __future__ import annotations

import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

_frames = sys._current_frames  # pyright: ignore[reportPrivateUsage]


def frame_of(thread: int | None) -> FrameType | None:
    """The innermost frame of a thread, by its `ident`; None if it runs no Python code."""
    return None if thread is None else _frames().get(thread)


def place(frame: FrameType | None) -> str:
    """Describe a frame in one line: function, file and line."""
    if frame is None:
        return "nowhere in Python"
    code = frame.f_code
    return f"{code.co_name} ({code.co_filename}:{frame.f_lineno})"


def stack(frame: FrameType | None) -> str:
    """Format a stack, the innermost call last, as a traceback prints it."""
    return "".join(traceback.format_stack(frame)) if frame is not None else ""


def switches_asleep(thread: threading.Thread) -> int | None:
    """Count how often a sleeping thread has left a core; None while it runs or wants to.

    None, too, where the system does not tell: only Linux does.
    """
    try:
        status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        if fields["State"].lstrip().startswith("R"):
            return None
        return int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"])
    except (OSError, KeyError, ValueError):
        return None
