"""Patches: which way a run takes at a change to its code, decided once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourglass._bridge import SetPatchMarker

if TYPE_CHECKING:
    from hourglass.workflow._runtime.state import RunState


class Patches:
    """The patches that a run has decided, and those on record."""

    __slots__ = ("_decided", "on_record")

    def __init__(self) -> None:
        self._decided: dict[str, bool] = {}
        self.on_record: set[str] = set()

    def ask(self, state: RunState, patch_id: str, *, deprecated: bool) -> bool:
        """Tell whether the run takes the patched way; the first asking decides for good."""
        if not isinstance(patch_id, str):
            raise TypeError(f"a patch id is a string, not {patch_id!r}")
        known = self._decided.get(patch_id)
        if known is not None:
            return known
        state.loop.check_writable("ask for a patch that it has not asked for before")
        replaying = state.activation.is_replaying
        patched = deprecated or not replaying or patch_id in self.on_record
        self._decided[patch_id] = patched
        if patched:
            state.commands.append(SetPatchMarker(patch_id, deprecated))
        return patched
