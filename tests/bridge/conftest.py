"""What the tests of the native module share: a runtime, and a client on every kind of engine."""

from collections.abc import Iterator

import pytest

from hourglass._bridge import Client, Engine, Runtime


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """Start a runtime; close it in the end."""
    runtime = Runtime()
    yield runtime
    runtime.close()


def connect(runtime: Runtime, target: str, namespace: str = "default") -> Client:
    """Connect to a target as the fixture `target` names it."""
    if not target.startswith("sqlite:"):
        url = f"http://{target}"
        return Client.connect(runtime, target_url=url, identity="test", namespace=namespace).wait(
            30
        )
    path = target.removeprefix("sqlite://").removeprefix("/")
    engine = Engine.open(runtime, path or None).wait(30)
    return Client.connect(runtime, engine=engine, identity="test", namespace=namespace).wait(30)


@pytest.fixture
def native(runtime: Runtime, target: str) -> Client:
    """Connect a native client, once for each kind of engine."""
    return connect(runtime, target)


@pytest.fixture
def embedded_native(runtime: Runtime) -> Client:
    """Connect a native client to an engine in memory."""
    return connect(runtime, "sqlite://")
