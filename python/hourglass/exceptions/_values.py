"""Values, definitions and histories that are not what they have to be."""

from __future__ import annotations

from hourglass.exceptions._root import TemporalError


class InvalidArgumentError(TemporalError, ValueError):
    """A value that can't be what was asked for. Not the service's INVALID_ARGUMENT."""


class ArgumentTypeError(InvalidArgumentError, TypeError):
    """A value of a type that was not asked for. Not an `EncodingError`: no converter was asked."""


class InvalidTargetError(InvalidArgumentError):
    """An address that names neither a cluster nor a database. Not one where nobody answers."""


class DefinitionError(InvalidArgumentError, TypeError):
    """A workflow or activity that can't be registered as it stands. Not one that failed.

    For the convention it is a `ValueError` here and a `TypeError` there: it is both.
    """


class HandlerDefinitionError(DefinitionError, RuntimeError):
    """A function that is no signal, query or update. Nothing was sent."""


class PayloadError(TemporalError):
    """A value and its payload do not fit. Not a `FailureError`: nothing ran yet, or it ran well."""


class EncodingError(PayloadError, TypeError):
    """A value that no converter takes, with the path to it. Nothing is sent in its place."""


class DecodingError(PayloadError, TypeError):
    """A payload that can't become the value asked for, with the path to where it does not fit."""


class HistoryError(TemporalError, ValueError):
    """A history that is malformed. Not one that its code does not fit (`NondeterminismError`)."""


class NondeterminismError(TemporalError):
    """Workflow code did not do what the history says it did. Not a malformed history."""


class DeadlockError(TemporalError):
    """Workflow code did not come back from one activation; its task fails and is tried again.

    Seen in histories and logs, with the stack; never raised in the code itself. Not a
    `TimeoutError`: the service's limits have nothing to do with it.
    """
