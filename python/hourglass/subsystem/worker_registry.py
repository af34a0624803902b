"""Which worker has which name: child 3 of the tree."""

from __future__ import annotations

from hourglass.supervision import Process, Registry


class WorkerRegistry(Registry[Process]):
    """Maps the name of a worker to its process; a worker that ends loses its name."""
