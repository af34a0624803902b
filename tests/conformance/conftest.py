"""Runs all scenarios that were chosen at once, on both engines, when a result is asked for."""

import asyncio
from collections.abc import Iterator

import pytest

from hourglass._bridge import Client, Engine, Runtime
from tests.conformance.driver import Clients, finished
from tests.conformance.table import TRAPS, Outcome, compare_all, load
from tests.conformance.traps import NOT_PROVOKED

OUTCOMES = pytest.StashKey[dict[str, Outcome]]()


async def connect_and_compare(
    runtime: Runtime, names: list[str], server: str
) -> dict[str, Outcome]:
    engine = await finished(Engine.open(runtime, None))
    ours = await finished(Client.connect(runtime, engine=engine, identity="scenario"))

    async def of_server(**metadata: str) -> Client:
        url = f"http://{server}"
        return await finished(
            Client.connect(runtime, target_url=url, identity="scenario", rpc_metadata=metadata)
        )

    command_line = await of_server(**{"client-name": "temporal-cli"})
    theirs = Clients(await of_server(), reader=command_line)
    try:
        return await compare_all(names, Clients(ours, reader=ours), theirs)
    finally:
        await finished(engine.close())


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, temporal_server: str) -> Iterator[dict[str, Outcome]]:
    """Tell how each chosen scenario went."""
    chosen = [
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.name.startswith("test_both_engines_agree[")
    ]
    runtime = Runtime()
    try:
        found = asyncio.run(connect_and_compare(runtime, chosen, temporal_server))
        request.config.stash[OUTCOMES] = found
        yield found
    finally:
        runtime.close()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say in one line how many scenarios are equal, and which traps have none."""
    outcomes = config.stash.get(OUTCOMES, {})
    if not outcomes:
        return
    unlike = sum(bool(outcome.different or outcome.broken) for outcome in outcomes.values())
    excused = sum(bool(outcome.excused) for outcome in outcomes.values())
    covered = {trap for entry in load().values() for trap in entry.traps}
    without = [trap for trap in TRAPS if trap not in covered and trap not in NOT_PROVOKED]
    terminalreporter.write_line(
        f"conformance: {len(outcomes)} scenarios, {len(outcomes) - unlike} equal "
        f"({excused} with named exceptions), {unlike} differ; "
        f"traps without one: {without or 'none'}"
    )
    for trap, reason in NOT_PROVOKED.items():
        terminalreporter.write_line(f"  trap {trap} can't be provoked by a client: {reason}")
