"""The errors of the subsystem, besides those that `hourglass.exceptions` draws.

::

    TemporalError
     └── SubsystemError
          ├── WorkerNotRegisteredError      the worker, or the handle that was meant, is gone
          ├── AlreadyRegisteredError        another worker that lives has the name
          ├── RegistrationInFlightError     another one is just being registered under the name
          ├── AmbiguousWorkerError          a task queue has several workers: one has to be named
          └── SubsystemStoppedError         the tree gave up, or was stopped
"""

from __future__ import annotations

from hourglass.exceptions import TemporalError


class SubsystemError(TemporalError):
    """The root of what the subsystem raises."""


class WorkerNotRegisteredError(SubsystemError):
    """The worker is gone, or the handle that a task came from is. Not a refusal by the service."""


class AlreadyRegisteredError(SubsystemError):
    """Another worker that lives has the name."""


class RegistrationInFlightError(SubsystemError):
    """Another worker is just being registered under the name; it may still fail."""


class AmbiguousWorkerError(SubsystemError):
    """A worker was named by its task queue, which has several: `Subsystem.workers` names them."""


class SubsystemStoppedError(SubsystemError):
    """The tree gave up after too many restarts, or was stopped. The next use starts a new one."""
