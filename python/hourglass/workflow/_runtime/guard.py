"""The guard of a run: whether code may change it now, and what is said when it may not."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, NoReturn

from hourglass.workflow._runtime.errors import Evicted, NotInWorkflowError, ReadOnlyContextError

_get_loop: Any = asyncio._get_running_loop
PATIENCE = 100
"""How often code of an evicted run may try to wait again before it is left behind."""


class Guard:
    """The part of a workflow's loop that knows who may use it.

    ::

        open --a query, a validator or a condition begins--> read only --it ends--> open
        open --evict, abandon--> evicted        (for good: code is unwound where it waits or acts)
    """

    def __init__(self, seed: int) -> None:
        self.hash_base = seed & 0x0FFF_FFFF_FFFF_FFFF
        self.evicted = False
        self.entered = False
        """True while the run is evaluated, on whichever thread."""
        self.read_only = ""
        """The name of the code that may only look at the workflow right now; empty: none does."""
        self.spoilt: ReadOnlyContextError | None = None
        """Set when something that must only look has woken a coroutine: the waiter is lost."""
        self.cancelling: tuple[Any, ...] = ()
        """The tasks whose `cancel` is under way and has come to the next (see `tasks.Chain`)."""
        self.by_deadline = False
        """True while a timeout is what cancels."""
        self._refusals = 0

    @abstractmethod
    def whose(self) -> object:
        """Return the names of the run, for messages."""

    def check_writable(self, what: str) -> None:
        """Raise where the workflow may not be changed: `ReadOnlyContextError`, `Evicted`, or
        `NotInWorkflowError` when the code of another run asks."""
        if self.evicted:
            self.refuse_to_go_on()
        elif _get_loop() is not self:
            self.refuse_strangers()
        elif self.read_only:
            raise ReadOnlyContextError(
                f"a {self.read_only} only looks at the workflow, it can't {what}"
            )

    def refuse_strangers(self) -> NoReturn:
        """Refuse code that runs outside of this run, and would change it without a trace."""
        raise NotInWorkflowError(
            "a future, a task or a handle was used that belongs to another run"
            f" ({self.whose()}): only a workflow's own code can use it"
        )

    def spoil(self) -> NoReturn:
        """Refuse a callback of a future that is done already: the waiter can't be woken any more,
        the run has to be built anew from history."""
        try:
            self.check_writable("wake waiting code")
        except ReadOnlyContextError as error:
            self.spoilt = error
            raise
        raise AssertionError("unreachable")

    def refuse_to_go_on(self) -> None:
        """Unwind code that waits although its run is gone, unless it catches even that for ever."""
        self._refusals += 1
        if self._refusals <= PATIENCE:
            raise Evicted
