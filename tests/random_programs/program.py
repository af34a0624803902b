"""Programs as data: nodes of a tree, and what is said from outside while they run.

A node is a JSON object with an ``op`` and an ``id`` that no other node of the program has; each is
run at most once. What is below it stands in ``body`` (one), ``nodes`` (many), ``handler`` and
``finally``. `interpreter` has one method for each ``op``.

An activity's script says: ``delays`` (seconds before the attempts after the first: that many fail),
``result`` or ``error`` (``[class name, message]``) of the last one, ``by`` (delays are given by the
``error`` or by the retry ``policy``), ``kind`` (``async`` or ``thread``), ``cancel`` (the
cancellation type), ``wall`` (real milliseconds of each attempt).
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Node = dict[str, Any]
SINGLE = ("body", "handler", "finally", "between")


@dataclass
class Program:
    """One program and all around it that is random."""

    main: Node
    stimuli: list[dict[str, Any]] = field(default_factory=list)
    """Things said from outside, in order: ``do``, and ``after`` so many seconds since the one
    before."""
    cache: int = 1000
    """How many runs the worker keeps."""
    ties: bool = False
    """Events may meet, so the result depends on which is first: it is not held to the model's."""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return dict(vars(self))


def inner(node: Node) -> Iterator[tuple[str, int | None, Node]]:
    """The nodes directly below, with where they stand."""
    for name in SINGLE:
        if node.get(name) is not None:
            yield name, None, node[name]
    for index, item in enumerate(node.get("nodes", ())):
        yield "nodes", index, item


def size(node: Node) -> int:
    """How many nodes there are."""
    return 1 + sum(size(item) for _, _, item in inner(node))


def _constructible() -> dict[str, type[BaseException]]:
    found: dict[str, type[BaseException]] = {}
    for name, kind in vars(builtins).items():
        if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__name__ == name:
            try:
                kind("x")
            except TypeError:
                continue
            found[name] = kind
    return found


ERRORS = _constructible()
"""Python's exception classes that can be made of a message, by name."""
EXCEPTIONS = sorted(name for name, kind in ERRORS.items() if issubclass(kind, Exception))
EXITS = sorted(set(ERRORS) - set(EXCEPTIONS))


def make_error(name: str, message: str) -> BaseException:
    """Make the exception that a script names."""
    from hourglass.exceptions import ApplicationError

    if name == "ApplicationError":
        return ApplicationError(message, type="scripted")
    return ERRORS[name](message)
