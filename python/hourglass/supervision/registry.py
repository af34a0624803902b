"""Names for processes, unique while the process lives."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from .errors import AlreadyStarted, Exited, NotFound, NotStarted
from .process import Process
from .server import Server

P = TypeVar("P", bound=Process)


class Registry(Server, Generic[P]):
    """Maps names to processes. A process that exits loses its names; a dead registry has none.

    Looking up and registering do not go through the mailbox: they take no turn of the loop and may
    be called from any thread, the supervision loop's included.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._names: dict[Hashable, P] = {}

    def register(self, name: Hashable, process: P) -> None:
        """Give `process` a name. Raises `AlreadyStarted` when another that lives has it."""
        self._check_alive()
        with self._lock:
            owner = self._names.get(name)
            if owner is not None and owner is not process and owner.alive:
                raise AlreadyStarted(name, owner)
            self._names[name] = process
        process.monitor(lambda dead, _: self._drop(name, dead))

    def unregister(self, name: Hashable, process: P | None = None) -> None:
        """Free a name; with `process`, only if it is the one that has it."""
        with self._lock:
            if process is None or self._names.get(name) is process:
                self._names.pop(name, None)

    def lookup(self, name: Hashable) -> P | None:
        """The living process of that name."""
        if not self.alive:
            return None
        process = self._names.get(name)
        return process if process is not None and process.alive else None

    def whereis(self, name: Hashable) -> P:
        """Like `lookup`, but raises: `NotFound`, or `Exited` when the registry itself is gone."""
        self._check_alive()
        process = self.lookup(name)
        if process is None:
            raise NotFound(name, self)
        return process

    def names(self) -> list[Hashable]:
        """All names of living processes."""
        return [name for name, process in dict(self._names).items() if process.alive]

    def _check_alive(self) -> None:
        reason = self.exit_reason
        if reason is not None:
            raise Exited(self, reason)
        if not self.started:
            raise NotStarted(self)

    def _drop(self, name: Hashable, process: Process) -> None:
        with self._lock:
            if self._names.get(name) is process:
                del self._names[name]
