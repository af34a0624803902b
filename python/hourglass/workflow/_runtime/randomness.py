"""Random numbers of one run: the same in every replay, and other ones after a reset."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourglass.workflow._runtime.loop import WorkflowLoop


class Randomness:
    """The seed that core gives, and what is made of it."""

    __slots__ = ("_callbacks", "_loop", "_shared", "seed")

    def __init__(self, loop: WorkflowLoop, seed: int) -> None:
        self.seed = seed
        self._loop = loop
        self._shared: random.Random | None = None
        self._callbacks: list[Callable[[int], None]] = []

    def reseed(self, seed: int) -> None:
        """Go on from another seed; tell who wants to know."""
        self.seed = seed
        if self._shared is not None:
            self._shared.seed(seed)
        for callback in self._callbacks:
            callback(seed)

    def on_reseed(self, callback: Callable[[int], None]) -> None:
        """Tell `callback` of every other seed."""
        self._loop.check_writable("register a random seed callback")
        self._callbacks.append(callback)

    @property
    def shared(self) -> random.Random:
        """The run's own numbers. Not for queries: drawing one changes the next."""
        if self._loop.read_only:
            self._loop.check_writable("draw a random number")
        if self._shared is None:
            self._shared = random.Random(self.seed)
        return self._shared

    def another(self, name: str | None) -> random.Random:
        """Numbers that others are not drawn from; another sequence for each name."""

        def source(seed: int) -> int | str:
            return seed if name is None else f"{seed}/{name}"

        generator = random.Random(source(self.seed))
        self.on_reseed(lambda seed: generator.seed(source(seed)))
        return generator

    def uuid4(self) -> uuid.UUID:
        """The next random UUID of the run."""
        return uuid.UUID(int=self.shared.getrandbits(128), version=4)

    def uuid7(self, time_ns: int) -> uuid.UUID:
        """The next one that begins with the time: 48 bits of milliseconds, 74 random ones."""
        bits = self.shared.getrandbits(74)
        milliseconds = time_ns // 1_000_000 & (1 << 48) - 1
        high, low = bits >> 62, bits & (1 << 62) - 1
        return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)
