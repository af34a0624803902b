"""The exceptions of the workflow package.

::

    TemporalError
     ├── NotInWorkflowError      a workflow call outside of workflow code
     ├── ReadOnlyContextError    a query handler or a condition tried to change the workflow
     └── NondeterminismError     (of `hourglass.exceptions`) a history does not fit the code
    BaseException
     ├── ContinueAsNewError      how `continue_as_new` ends a run; never an error
     └── Evicted                 (internal) unwinds a run that leaves the cache

The two that are no `Exception` are not meant for ``except Exception``: a workflow that catches
everything must still be able to continue as new, and must not keep a run alive that is torn down.
"""

from __future__ import annotations

from hourglass.exceptions import NondeterminismError, TemporalError

__all__ = [
    "ContinueAsNewError",
    "Evicted",
    "NondeterminismError",
    "NotInWorkflowError",
    "ReadOnlyContextError",
    "UnfinishedSignalHandlersWarning",
    "UnfinishedUpdateHandlersWarning",
]


class NotInWorkflowError(TemporalError):
    """A `hourglass.workflow` call was made outside of a workflow's own code."""


class ReadOnlyContextError(TemporalError):
    """A query handler or a `wait_condition` predicate tried to change the workflow.

    Not `NotInWorkflowError`: the code does run inside a workflow, but may only look.
    """


class ContinueAsNewError(BaseException):
    """Raised by `continue_as_new`; let it pass. Not constructed by users."""


class Evicted(BaseException):
    """Thrown into workflow code that waits or acts while its run is leaving the cache."""


class UnfinishedSignalHandlersWarning(RuntimeWarning):
    """A workflow ended while some of its signal handlers had not."""


class UnfinishedUpdateHandlersWarning(RuntimeWarning):
    """A workflow ended while some of its update handlers had not: their callers get an error."""
