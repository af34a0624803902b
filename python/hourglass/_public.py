"""Names as programs import them."""

from __future__ import annotations

from typing import Any


def publish_exceptions(package: dict[str, Any]) -> None:
    """Have the exceptions of a package's private modules say that the package is their module.

    Tracebacks, logs and pickles then name what a program can import. Takes the package's
    `globals()`.
    """
    name: str = package["__name__"]
    for public in package["__all__"]:
        thing: Any = package.get(public)
        is_exception = isinstance(thing, type) and issubclass(thing, BaseException)
        if is_exception and thing.__module__.startswith(f"{name}."):
            thing.__module__ = name
