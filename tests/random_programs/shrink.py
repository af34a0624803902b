"""Finds a smaller program that fails in the same way."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from tests.random_programs.program import SINGLE, Node, Program, inner


def _places(node: Node, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for name, index, item in inner(node):
        yield from _places(item, (*path, name) if index is None else (*path, name, index))


def _at(node: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        node = node[step]
    return node


def _replaced(program: Program, path: tuple[Any, ...], new: Any) -> Program:
    smaller = copy.deepcopy(program)
    if not path:
        smaller.main = copy.deepcopy(new)
    else:
        _at(smaller.main, path[:-1])[path[-1]] = copy.deepcopy(new)
    return smaller


def _smaller_nodes(node: Node) -> Iterator[Any]:
    """Yield what a node may be replaced with, the smallest first."""
    if node["op"] != "value":
        yield {"op": "value", "id": node["id"], "value": 0}
    for _, _, item in inner(node):
        yield item
    for index in range(len(node.get("nodes", ()))):
        if len(node["nodes"]) > 1:
            yield {**node, "nodes": node["nodes"][:index] + node["nodes"][index + 1 :]}
    for name in (*SINGLE[1:], "signal"):
        if node.get(name) is not None and (name, node["op"]) != ("signal", "signal_parent"):
            yield {**node, name: None}
    for script in _smaller_scripts(node.get("script")):
        yield {**node, "script": script}


def _smaller_scripts(script: Node | None) -> Iterator[Node]:
    if script is not None and script["delays"]:
        yield {**script, "delays": script["delays"][1:]}
    if script is not None and script.get("error"):
        yield {**script, "error": None}


def candidates(program: Program) -> Iterator[Program]:
    """Programs that are a step smaller."""
    for index in range(len(program.stimuli)):
        smaller = copy.deepcopy(program)
        gone = smaller.stimuli.pop(index)
        if index < len(smaller.stimuli):
            smaller.stimuli[index]["after"] += gone["after"]
        yield smaller
    for path in _places(program.main):
        for new in _smaller_nodes(_at(program.main, path)):
            yield _replaced(program, path, new)
    if program.cache != 1000:
        smaller = copy.deepcopy(program)
        smaller.cache = 1000
        yield smaller


async def shrink(
    program: Program, fails: Callable[[Program], Awaitable[bool]], limit: int = 300
) -> Program:
    """Make it smaller as long as it fails, with so many tries."""
    found = True
    while found:
        found = False
        for smaller in candidates(program):
            limit -= 1
            if limit < 0:
                return program
            if await fails(smaller):
                program, found = smaller, True
                break
    return program
