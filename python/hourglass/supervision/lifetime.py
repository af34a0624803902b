"""The ends of the interpreter: its exit, and a fork.

Whatever runs a thread registers here when it starts one.
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
        """Stop in order: the interpreter ends, its other threads still run."""

    def reset_after_fork(self) -> None:
        """Begin anew in the child of a fork: no thread is here, locks may be held."""


class Lifetime:
    """The register of what has a thread. `lock` is free again after a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._members: weakref.WeakSet[Mortal] = weakref.WeakSet()
        self._at_exit = False

    def register(self, member: Mortal) -> None:
        """Tell `member` of the ends to come, for as long as it is referenced elsewhere."""
        with self.lock:
            self._members.add(member)
            if not self._at_exit:
                self._at_exit = True
                atexit.register(self.exit)

    def exit(self) -> None:
        """Stop every member: the interpreter ends."""
        for member in tuple(self._members):
            member.stop_at_exit()

    def forked(self) -> None:
        """Reset every member in the child of a fork."""
        self.lock = threading.Lock()
        members, self._members = tuple(self._members), weakref.WeakSet()
        for member in members:
            member.reset_after_fork()


# A reload of this module keeps who is registered, and the hooks.
lifetime: Lifetime = globals().get("lifetime") or Lifetime()
if hasattr(os, "register_at_fork") and "_hooked" not in globals():
    os.register_at_fork(after_in_child=lifetime.forked)
_hooked = True
