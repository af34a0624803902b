"""A progress bar that redraws itself on a terminal and becomes a few plain lines in a log."""

import os
import shutil
import sys
import time

STEPS_IN_LOG = 10


def human_size(size: float) -> str:
    """Return the size in the unit that keeps it short."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


class Screen:
    """Where the demo writes: lines that stay, and one bar below them that moves."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.color = self.live and "NO_COLOR" not in os.environ
        self.drawn = ""
        self.step = -1

    def paint(self, text: str, code: str) -> str:
        """Color the text where there is color."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text

    def say(self, *lines: str) -> None:
        """Write lines that stay, above the bar."""
        clock = self.paint(f"{time.monotonic() - self.started:6.1f}s", "2")
        if self.live:
            sys.stdout.write("\r\x1b[K")
        sys.stdout.write("".join(f"{clock}  {line}\n" for line in lines))
        sys.stdout.write(self.drawn)
        sys.stdout.flush()

    def bar(self, done: float, text: str) -> None:
        """Show that the part `done` (0 to 1) is done."""
        if not self.live:
            step = int(done * STEPS_IN_LOG)
            if step != self.step:
                self.step = step
                self.say(f"{done:4.0%}  {text}")
            return
        width = max(10, min(40, shutil.get_terminal_size().columns - 60))
        full = int(done * width)
        blocks = self.paint("█" * full, "36") + self.paint("░" * (width - full), "2")
        self.drawn = f"         {blocks} {done:4.0%}  {text}"
        sys.stdout.write(f"\r\x1b[K{self.drawn}")
        if done >= 1:
            sys.stdout.write("\n")
            self.drawn = ""
        sys.stdout.flush()
