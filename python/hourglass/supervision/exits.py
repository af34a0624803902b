"""Why a process ended: the closed set of exit reasons, and the two ways to choose one's own.

A reason is a value, so it can be compared, kept and sent on. OTP's terms on the left:

====================  ==================  ====================================================
OTP                   here                the process ...
====================  ==================  ====================================================
`normal`              `Normal()`          finished its work
`shutdown`            `Shutdown()`        was asked to end and did
`{shutdown, Reason}`  `Shutdown(reason)`  the same, saying why
`killed`              `Killed()`          was ended by force; nothing of its own ran afterwards
any other term        `Crash(exception)`  failed
====================  ==================  ====================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True)
class Normal:
    """The process finished its work."""


@dataclass(frozen=True)
class Shutdown:
    """The process was asked to end, and did; `reason` may say why."""

    reason: object = None


@dataclass(frozen=True)
class Killed:
    """The process was ended by force."""


@dataclass(frozen=True)
class Crash:
    """The process failed with `exception`. Crashes of the same exception object are equal."""

    exception: BaseException

    def __str__(self) -> str:
        return f"{type(self.exception).__name__}: {self.exception}"


ExitReason: TypeAlias = Normal | Shutdown | Killed | Crash

NORMAL: Final = Normal()
SHUTDOWN: Final = Shutdown()
KILLED: Final = Killed()


def is_abnormal(reason: ExitReason) -> bool:
    """Say whether a transient child is restarted after it, and a linked server falls with it."""
    return isinstance(reason, Killed | Crash)


def exception_of(reason: ExitReason) -> BaseException | None:
    """The exception a crash carries: for `raise ... from` and for logs."""
    return reason.exception if isinstance(reason, Crash) else None


class Exit(Exception):  # noqa: N818 - control flow, like `SystemExit`
    """Raise it inside a process to end that process with `reason` (OTP's `exit/1`)."""

    def __init__(self, reason: ExitReason) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class Ignore(Exception):  # noqa: N818 - control flow, like `StopIteration`
    """Raise it while starting: there is nothing to run, and that is no failure.

    The supervisor keeps the child in its list without a process and runs it again when a cascade
    passes over it.
    """
