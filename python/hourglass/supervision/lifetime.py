"""The ends of the interpreter: its exit, and a fork.

Whatever runs a thread registers here when it starts one. Nothing is installed by importing.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Protocol


class Mortal(Protocol):
    """Something with a thread."""

    def stop_at_exit(self) -> None:
        """The interpreter ends: stop in order. Its other threads still run."""

    def reset_after_fork(self) -> None:
        """This is the child of a fork: no thread of the parent is here, locks may be held."""


class _Lifetime:
    """What is registered, and whether the hooks are in."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.members: weakref.WeakSet[Mortal] = weakref.WeakSet()
        self.installed = False

    def register(self, member: Mortal) -> None:
        with self.lock:
            self.members.add(member)
            if self.installed:
                return
            self.installed = True
            atexit.register(self.at_exit)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self.after_fork)

    def at_exit(self) -> None:
        for member in tuple(self.members):
            member.stop_at_exit()

    def after_fork(self) -> None:
        self.lock = threading.Lock()
        members, self.members = tuple(self.members), weakref.WeakSet()
        for member in members:
            member.reset_after_fork()


register = _Lifetime().register
