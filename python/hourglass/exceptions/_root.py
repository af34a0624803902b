"""The root of the tree."""

from __future__ import annotations


class TemporalError(Exception):
    """The root of all that is drawn in `hourglass.exceptions`; not of supervision's errors."""

    @property
    def cause(self) -> BaseException | None:
        """What led to it: the ``__cause__``."""
        return self.__cause__
