"""Ends of calls as values: a future refuses some exceptions and reinterprets others.

`StopIteration` can't be set on an asyncio future, whose waiter waits for ever; `SystemExit` and
`KeyboardInterrupt` leave a task through its event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EndedCall:
    """A call that returned `value`, or raised `error`."""

    value: Any = None
    error: BaseException | None = None

    @staticmethod
    def of(function: Callable[..., Any], *args: Any) -> EndedCall:
        """Call a function, however it ends."""
        try:
            return EndedCall(function(*args))
        except BaseException as error:  # noqa: BLE001, RUF100 - whatever it is, it is the end
            return EndedCall(error=error)

    def unwrap(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.value
