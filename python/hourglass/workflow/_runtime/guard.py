"""The guard of a run: whether code may change it now, and what is said when it may not."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from hourglass.workflow._runtime.errors import Evicted, NotInWorkflowError, ReadOnlyContextError

_get_loop: Any = asyncio._get_running_loop
_frame = sys._getframe  # pyright: ignore[reportPrivateUsage]
_ASYNCIO = str(Path(asyncio.__file__).parent)
_SET_EVENT = asyncio.Event.set.__code__
_begin: Any = getattr(asyncio.Future, "__init__")  # noqa: B009 - its type is partly unknown
T = TypeVar("T")
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
        self.refused: ReadOnlyContextError | None = None
        """The last refusal to code that may only look, also when that code has swallowed it."""
        self.spoilt: ReadOnlyContextError | None = None
        """Set when such code has changed a lock or a queue of asyncio before it was refused: the
        run has to be built anew from history."""
        self._changed: list[tuple[asyncio.Future[Any], Sequence[tuple[Any, Any]]]] = []
        """Futures that such code has completed, with the callbacks that were not called."""
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
            article = "an" if self.read_only.startswith("u") else "a"
            self.refused = ReadOnlyContextError(
                f"{article} {self.read_only} only looks at the workflow, it can't {what}"
            )
            raise self.refused

    def look(self, who: str, ask: Callable[..., T], *args: Any) -> T:
        """Call what may only look at the workflow, in a context of its own. Whatever it tries to
        change stays as it was: nothing of it is in history."""
        self.read_only, self.refused = who, None
        try:
            return contextvars.copy_context().run(ask, *args)
        finally:
            self.read_only = ""
            if self._changed:
                self.take_back()

    def take_back(self) -> None:
        """Make futures that were completed by code that may only look wait again."""
        changed, self._changed = self._changed, []
        for future, callbacks in changed:
            loop = future.get_loop()
            _begin(future, loop=loop)
            for callback, context in callbacks:
                future.add_done_callback(callback, context=context)

    def refuse_strangers(self) -> NoReturn:
        """Refuse code that runs outside of this run, and would change it without a trace."""
        raise NotInWorkflowError(
            "a future, a task or a handle was used that belongs to another run"
            f" ({self.whose()}): only a workflow's own code can use it"
        )

    def refuse_to_wake(self, callback: object, args: tuple[Any, ...]) -> NoReturn:
        """Refuse a callback to code that may only look. If it is that of a future, which is
        completed by now, it is remembered to be taken back, with its callbacks."""
        future = args[0] if args else None
        if asyncio.isfuture(future) and future.done():
            callbacks: Any = getattr(future, "_callbacks", None)
            self._changed.append((future, callbacks or [(callback, None)]))
        caller = _frame(2)  # of call_soon, which C code may have called in between
        try:
            self.check_writable("wake waiting code")
        except ReadOnlyContextError as error:
            if caller.f_code is _SET_EVENT:
                caller.f_locals["self"]._value = False
            elif caller.f_code.co_filename.startswith(_ASYNCIO):
                self.spoilt = error
            raise
        raise AssertionError("unreachable")

    def refuse_to_go_on(self) -> None:
        """Unwind code that waits although its run is gone, unless it catches even that for ever."""
        self._refusals += 1
        if self._refusals <= PATIENCE:
            raise Evicted
