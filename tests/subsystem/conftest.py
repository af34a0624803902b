"""Fixtures of the subsystem tests: a tree of their own that survives many deaths."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from hourglass import Subsystem
from hourglass.client import Client
from tests.subsystem.kit import WAIT, Heard


def stopped() -> None:
    """Stop the tree, if there is one."""
    stopping = Subsystem.stop()
    if stopping is not None:
        stopping.result(WAIT)


@pytest.fixture(scope="module", autouse=True)
def patient() -> Iterator[None]:
    """Let the tree of these tests see any number of restarts."""
    stopped()
    Subsystem.configure(max_restarts=10_000, max_seconds=1.0)
    yield
    stopped()
    Subsystem.configure()


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Events from here on."""
    heard = Heard()
    yield heard
    heard.end()


@pytest.fixture
async def embedded_client() -> AsyncIterator[Client]:
    """Connect to an engine in memory."""
    async with await Client.connect("sqlite://") as client:
        yield client
