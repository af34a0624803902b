"""What the supervision tests share: a loop on a virtual clock, and children that tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hourglass.supervision import (
    ChildSpec,
    ExitReason,
    Ignore,
    Process,
    Restart,
    Server,
    SupervisionLoop,
    Supervisor,
    VirtualClock,
)

P = TypeVar("P", bound=Process)
WAIT = 10.0
"""Seconds of real time after which a test that waits for a reply is wrong."""


class Kit:
    """A supervision loop that only moves in time when told to."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.loop = SupervisionLoop("test", self.clock)

    def start(self, process: P, name: str | None = None) -> P:
        return self.loop.start(process, name).result(WAIT)

    def settle(self) -> None:
        """Let everything that can happen without time passing happen."""
        self.loop.run(_until_idle).result(WAIT)

    def advance(self, seconds: float) -> None:
        self.settle()
        self.clock.advance(seconds)
        self.settle()

    def end(self, process: Process, reason: ExitReason) -> None:
        """Have `process` exit by itself with `reason`, and let the tree react."""
        process.stop(reason)
        self.settle()

    def kill(self, process: Process) -> None:
        process.kill()
        self.settle()

    def states(self, supervisor: Supervisor) -> dict[str, str]:
        return {info.id: info.state for info in supervisor.which_children().result(WAIT)}

    def process(self, supervisor: Supervisor, child_id: str) -> Process:
        """The living process of a child, once things have calmed down."""
        self.settle()
        process = supervisor.lookup(child_id)
        assert process is not None
        return process


async def _until_idle() -> None:
    ready: Sized = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 - an idle loop has no event for being idle
        await asyncio.sleep(0)


def die(loop: SupervisionLoop, error: BaseException) -> None:
    """Have the event loop of `loop` fail, as it does when its descriptors were closed."""

    def fail() -> None:
        def broken() -> None:
            raise error

        asyncio.get_running_loop()._run_once = broken  # type: ignore[attr-defined]

    loop.post(fail)


@dataclass
class Journal:
    """Makes children and remembers, in order, their starts (`+id`) and stops (`-id`)."""

    lines: list[str] = field(default_factory=list[str])
    script: dict[str, list[Exception]] = field(default_factory=dict[str, list[Exception]])
    """What the next starts of a child raise, instead of coming up."""

    def spec(self, child_id: str, restart: Restart = "permanent", **options: Any) -> ChildSpec:
        return ChildSpec(child_id, lambda: Witness(self), restart, **options)

    def fail(self, child_id: str, *errors: Exception) -> None:
        self.script.setdefault(child_id, []).extend(errors)

    def take(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines


class Witness(Server):
    """A child that writes into its journal and otherwise does nothing."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal

    async def init(self) -> None:
        planned = self.journal.script.get(self.id)
        if planned:
            error = planned.pop(0)
            self.journal.lines.append(f"{'~' if isinstance(error, Ignore) else '!'}{self.id}")
            raise error
        self.journal.lines.append(f"+{self.id}")

    async def terminate(self, reason: ExitReason) -> None:
        self.journal.lines.append(f"-{self.id}")
