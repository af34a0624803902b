"""The error of a value that does not fit its type, as it travels outwards through decoders."""

from __future__ import annotations

from typing import Any

from hourglass._hints import is_class


class Mismatch(TypeError):  # noqa: N818 - internal; it becomes a DecodingError or an EncodingError
    """A value that does not fit its type; `path` grows from the inside out."""

    def __init__(self, reason: str, path: str = "", *, ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.ambiguous = ambiguous
        """The value is one of a union that the union reads as another one."""

    def inside(self, step: str) -> Mismatch:
        """Make the error of one level further out."""
        return Mismatch(self.reason, step + self.path, ambiguous=self.ambiguous)


def refuse(value: Any, wanted: str) -> Mismatch:
    """Make the error of a value of another type than was wanted."""
    return Mismatch(f"expected {wanted}, found {type(value).__name__}")


def name_of(hint: Any) -> str:
    """Show a type hint as a program writes it."""
    return hint.__qualname__ if is_class(hint) else str(hint).replace("typing.", "")
