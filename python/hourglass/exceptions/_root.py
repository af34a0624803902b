"""The root of the tree."""

from __future__ import annotations

from typing import Any


class TemporalError(Exception):
    """The root of all that is drawn in `hourglass.exceptions`; not of supervision's errors."""

    @property
    def cause(self) -> BaseException | None:
        """The error that led to it: the ``__cause__``."""
        return self.__cause__

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross to another process whole, the cause included, which an exception leaves behind."""
        return _rebuilt, (type(self), self.args, vars(self), _portable(self.__cause__))


def _rebuilt(
    kind: type[TemporalError],
    args: tuple[Any, ...],
    state: dict[str, Any],
    cause: BaseException | None,
) -> TemporalError:
    error = kind.__new__(kind, *args)  # `__init__` takes other arguments, and has been called
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """The cause, or its text where it can't cross."""
    if cause is None or isinstance(cause, TemporalError):
        return cause
    import pickle

    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:  # whatever the program's own class raises
        return TemporalError(f"{type(cause).__name__}: {cause}")
    return cause
