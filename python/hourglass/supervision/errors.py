"""The errors of supervision, each with its culprit.

::

    SupervisionError
     ├── StartFailed         a process ended before it was up
     ├── AlreadyStarted      the name is taken by a process that lives
     ├── AlreadyPresent      the supervisor knows the child; it isn't running: restart or delete
     ├── NotFound            no child or name like that
     ├── TooManyChildren     a dynamic supervisor is full
     ├── StillRunning        only a child without a process can be restarted or deleted by hand
     ├── IntensityExceeded   too many restarts: what the supervisor itself then exits with
     ├── Exited              the process is gone (it answers nothing any more)
     ├── CallTimeout         also a `TimeoutError`; the process may be well and answer too late
     ├── WouldDeadlock       waiting here would wait for oneself
     ├── NotStarted          the process was made, but never started
     ├── StartedTwice        a process lives once: the child spec must make a new one each time
     └── LoopGone            the supervision loop was stopped, or belongs to the parent of a fork
          └── LoopFailed     its thread could not be started, or it died
"""
# ruff: noqa: N818 - the names are OTP's.

from __future__ import annotations

from typing import Final, Protocol

from .exits import Crash, ExitReason, exception_of


class Process(Protocol):
    """The process that an error speaks of: `process.Process`, which is above this module."""

    @property
    def pid(self) -> int:
        """The identity of this life."""
        ...

    @property
    def id(self) -> str:
        """The id under which it was started."""
        ...

    @property
    def alive(self) -> bool:
        """Say whether it was started and has not ended."""
        ...

    @property
    def exit_reason(self) -> ExitReason | None:
        """The reason it ended with; None before."""
        ...


class SupervisionError(Exception):
    """The root of everything this package raises."""


class StartFailed(SupervisionError):
    """A process ended with `reason` before it was up. The crash's exception is the `__cause__`."""

    def __init__(self, child_id: str, reason: ExitReason) -> None:
        super().__init__(f"{child_id!r} did not start: {reason}")
        self.child_id: Final = child_id
        self.reason: Final = reason
        self.__cause__ = exception_of(reason)

    @property
    def cause(self) -> BaseException | None:
        """The exception it failed with; None when it ended in another way."""
        return exception_of(self.reason)


class AlreadyStarted(SupervisionError):
    """`process` lives under that name or id."""

    def __init__(self, name: object, process: Process) -> None:
        super().__init__(f"{name!r} is already started: {process}")
        self.name: Final = name
        self.process: Final = process


class AlreadyPresent(SupervisionError):
    """The supervisor has such a child, without a process: restart it or delete it."""

    def __init__(self, child_id: str) -> None:
        super().__init__(f"child {child_id!r} is already present, but not running")
        self.child_id: Final = child_id


class NotFound(SupervisionError):
    """`place` has no child or name like that."""

    def __init__(self, name: object, place: Process) -> None:
        super().__init__(f"{place} has no {name!r}")
        self.name: Final = name


class TooManyChildren(SupervisionError):
    """The dynamic supervisor has `limit` children."""

    def __init__(self, supervisor: Process, limit: int) -> None:
        super().__init__(f"{supervisor} has its {limit} children")
        self.limit: Final = limit


class StillRunning(SupervisionError):
    """The child has a process, or is about to get one."""

    def __init__(self, child_id: str) -> None:
        super().__init__(f"child {child_id!r} is running or restarting: terminate it first")
        self.child_id: Final = child_id


class IntensityExceeded(SupervisionError):
    """A supervisor gave up: its children ended too often.

    `last_reason` is what the last child, `child_id`, exited with; `root_reason` follows it through
    nested supervisors down to the child that began it.
    """

    def __init__(
        self, supervisor: Process, limit: tuple[int, float], child_id: str, last_reason: ExitReason
    ) -> None:
        restarts, seconds = limit
        super().__init__(
            f"{supervisor}: more than {restarts} restarts in {seconds} s; "
            f"the last child was {child_id!r}: {last_reason}"
        )
        self.child_id: Final = child_id
        self.last_reason: Final = last_reason
        self.__cause__ = exception_of(last_reason)

    @property
    def root_reason(self) -> ExitReason:
        """The reason at the bottom of the escalation."""
        match self.last_reason:
            case Crash(IntensityExceeded() as deeper):
                return deeper.root_reason
            case reason:
                return reason


class Exited(SupervisionError):
    """`process` exited with `reason`, so it can't answer."""

    def __init__(self, process: Process, reason: ExitReason) -> None:
        super().__init__(f"{process} exited: {reason}")
        self.process: Final = process
        self.reason: Final = reason
        self.__cause__ = exception_of(reason)


class CallTimeout(SupervisionError, TimeoutError):
    """No answer in time. What was asked for may still happen."""


class WouldDeadlock(SupervisionError):
    """A wait without end: on the supervision loop's own thread, or of a server on itself."""


class NotStarted(SupervisionError):
    """The process was made, but never started."""

    def __init__(self, process: Process) -> None:
        super().__init__(f"{process} was never started")


class StartedTwice(SupervisionError):
    """A process lives once."""

    def __init__(self, process: Process) -> None:
        super().__init__(
            f"{process} was started before: a child spec must make a new one each time"
        )


class LoopGone(SupervisionError):
    """The supervision loop was stopped, or belongs to the process that this one was forked from."""


class LoopFailed(LoopGone):
    """The thread of a supervision loop could not be started, or it died: `cause` says why.

    Everything that lived on the loop has ended with it. The next use tries with a new one.
    """

    def __init__(self, loop: object, cause: BaseException) -> None:
        super().__init__(f"{loop} has no thread: {cause}")
        self.__cause__ = cause
