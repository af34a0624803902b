"""Durable execution for Python: workflows that survive crashes.

Importing this has no side effect: no thread, no file, no native code, until first use.
Submodules are imported when they are first named (``hourglass.workflow``, ``hourglass.client``, …).
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; importing `typing` would cost 10 ms
if TYPE_CHECKING:
    from hourglass import (
        activity,
        client,
        common,
        converter,
        exceptions,
        service,
        supervision,
        testing,
        worker,
        workflow,
    )
    from hourglass.subsystem.subsystem import Subsystem

__version__ = "0.1.0"

__all__ = [
    "Subsystem",
    "__version__",
    "activity",
    "client",
    "common",
    "converter",
    "exceptions",
    "service",
    "supervision",
    "testing",
    "worker",
    "workflow",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        import importlib

        if name == "Subsystem":
            return importlib.import_module("hourglass.subsystem.subsystem").Subsystem
        return importlib.import_module(f"hourglass.{name}")
    raise AttributeError(f"module 'hourglass' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
