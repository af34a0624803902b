"""Custom converters: types of a program's own, read from JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class JSONTypeConverter(ABC):
    """Makes values of JSON into types that nothing else here knows."""

    Unhandled: ClassVar[object] = object()
    """Returned by `to_typed_value` for a type that is not its own."""

    @abstractmethod
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        """Make the value into the type that `hint` says, or return `Unhandled`.

        Asked at every level of a type. A TypeError or ValueError is a value that does not fit.
        """
