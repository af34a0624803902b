"""Names as programs import them."""

from __future__ import annotations

from typing import Any, ForwardRef


def publish(package: dict[str, Any]) -> None:
    """Have the classes of a package's private modules say that the package is their module.

    Tracebacks, logs, `repr` and pickles then name what a program can import. Takes the package's
    `globals()`, after its ``__all__``.
    """
    for name in package["__all__"]:
        publish_class(package.get(name), package["__name__"])


def publish_class(thing: object, module: str) -> None:
    """Have a class of a private module say that it is of `module`; anything else stays as it is."""
    if not isinstance(thing, type) or "._" not in thing.__module__:
        return
    if thing.__module__ == "hourglass._bridge":
        return  # native: it can't be changed
    # Annotations are read with the names of the class's module, from here on the public one.
    own = vars(thing)  # not those of its bases, and no copy
    annotations: dict[str, Any] = own.get("__annotations__", {})
    for name, hint in annotations.items():
        if isinstance(hint, str):
            annotations[name] = ForwardRef(hint, module=thing.__module__, is_class=True)
    thing.__module__ = module
