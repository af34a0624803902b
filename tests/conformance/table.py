"""The table of scenarios, and what becomes of one when it runs on two engines."""

from __future__ import annotations

import asyncio
import fnmatch
import importlib
import pkgutil
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance import scenarios
from tests.conformance.driver import Clients, World
from tests.support.scrub import Scrubber, differences

HERE = Path(__file__).parent
AT_ONCE = 16
LIMIT = 40.0
"""Seconds that a scenario may take on one engine, with the others beside it."""
TRAPS = range(1, 50)
"""The numbered traps that a scenario can be about."""

Script = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    """One way to use an engine."""

    name: str
    traps: tuple[int, ...]
    script: Script


@dataclass
class Outcome:
    """How a scenario went: where the engines differ (path, ours, theirs), which exceptions were
    needed (scenario, pattern), or why it can't say.
    """

    different: list[tuple[str, Any, Any]] = field(default_factory=list)
    excused: list[tuple[str, str]] = field(default_factory=list)
    broken: str = ""


TABLE: dict[str, Scenario] = {}


def scenario(*traps: int) -> Callable[[Script], Script]:
    """Enter a script into the table, with the numbers of the traps that it is about."""

    def enter(script: Script) -> Script:
        name = script.__name__
        assert name not in TABLE, f"two scenarios are called {name}"
        TABLE[name] = Scenario(name, traps, script)
        return script

    return enter


def load() -> dict[str, Scenario]:
    """Fill the table from all modules of `tests.conformance.scenarios`."""
    for module in pkgutil.iter_modules(scenarios.__path__):
        importlib.import_module(f"{scenarios.__name__}.{module.name}")
    return TABLE


def exceptions(path: Path = HERE / "exceptions.txt") -> dict[tuple[str, str], str]:
    """Read the differences that may be: scenario, where (a pattern), and the reason."""
    found: dict[tuple[str, str], str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, where, reason = (part.strip() for part in line.split("|", 2))
            found[name, where] = reason
    return found


async def observed(script: Script, clients: Clients, embedded: bool) -> list[tuple[str, Any]]:
    """Run a script on one engine; what it saw, scrubbed."""
    world = World(clients, embedded)
    await asyncio.wait_for(script(world), LIMIT)
    await world.note_histories()
    scrubber = Scrubber({world.token: "*"})
    return [(label, scrubber.scrub(value)) for label, value in world.observed]


async def compare(entry: Scenario, ours: Clients, theirs: Clients) -> Outcome:
    """Run a scenario on both engines and compare what it saw."""
    results = await asyncio.gather(
        observed(entry.script, ours, True),
        observed(entry.script, theirs, False),
        return_exceptions=True,
    )
    outcome = Outcome()
    seen: list[list[dict[str, Any]]] = []
    for engine, result in zip(("ours", "theirs"), results, strict=True):
        if isinstance(result, BaseException):
            outcome.broken += f"on {engine}:\n{''.join(traceback.format_exception(result))}\n"
        else:
            seen.append([{label: value} for label, value in result])
    if outcome.broken:
        return outcome
    mine, other = seen
    if [list(step) for step in mine] != [list(step) for step in other]:
        outcome.different = [("labels", mine, other)]
        return outcome
    excuses = [key for key in exceptions() if fnmatch.fnmatchcase(entry.name, key[0])]
    unlike = ""
    for a, b in zip(mine, other, strict=True):
        if unlike in a:  # the names of the events differ: no use in comparing them one by one
            continue
        for path, left, right in differences(a, b):
            unlike = path.partition(" types")[0] if " types" in path else ""
            excuse = next((key for key in excuses if fnmatch.fnmatchcase(path, key[1])), None)
            if excuse is None:
                outcome.different.append((path, left, right))
            else:
                outcome.excused.append(excuse)
    return outcome


async def compare_all(names: list[str], ours: Clients, theirs: Clients) -> dict[str, Outcome]:
    """Run scenarios, many at once: they mostly wait."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Outcome:
        async with limit:
            return await compare(TABLE[name], ours, theirs)

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
