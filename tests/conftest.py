"""What every test can ask for: a target to connect to, a client, a deadline.

`target` is the address of an engine: embedded on a file, embedded in memory, or a real Temporal
server, so that a test which asks for it runs on all three and proves that they agree. The server is
started once per session; every test takes ids and task queues of its own (`tests.support.unique`).
"""

import faulthandler
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hourglass.client import Client

ROOT = Path(__file__).resolve().parent.parent
TEMPORAL = Path(os.environ.get("HOURGLASS_TEST_TEMPORAL") or ROOT / ".tools" / "temporal")
DEADLINE = 60.0


@pytest.fixture(autouse=True)
def deadline(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that hangs, with the stack of every thread: a hang must never look like a pass.

    60 seconds, or what `@pytest.mark.deadline(seconds)` says.
    """
    marker = request.node.get_closest_marker("deadline")
    seconds = float(marker.args[0]) if marker else DEADLINE

    def expired(_signal: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr)
        raise TimeoutError(f"the test did not end within {seconds:g} seconds")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "deadline(seconds): let a test take that long, not 60 s")


def free_port() -> int:
    """Return a port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real Temporal server (`tests/server`); its ``host:port``."""
    if not TEMPORAL.exists():
        missing = f"no Temporal server at {TEMPORAL}: build it with `make temporal-server`"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    log = tmp_path_factory.mktemp("temporal") / "server.log"
    pipe = subprocess.PIPE
    with (
        log.open("wb") as output,
        # It ends with its standard input, so it can't outlive the tests.
        subprocess.Popen([TEMPORAL], stdin=pipe, stdout=pipe, stderr=output) as server,
    ):
        try:
            assert server.stdout is not None
            address = server.stdout.readline().decode().strip()
            if not address:
                pytest.fail(f"the Temporal server did not start:\n{log.read_text()[-4000:]}")
            yield address
        finally:
            server.kill()


@pytest.fixture(params=["file", "memory", "server"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an engine, once for each kind."""
    if request.param == "server":
        address: str = request.getfixturevalue("temporal_server")
        return address
    return f"sqlite:///{tmp_path / 'hourglass.db'}" if request.param == "file" else "sqlite://"


@pytest.fixture
def embedded(target: str) -> bool:
    """Tell whether the engine is ours."""
    return target.startswith("sqlite:")


@pytest.fixture
async def client(target: str) -> "AsyncIterator[Client]":
    """Connect a client to the target."""
    from hourglass.client import Client

    client = await Client.connect(target)
    yield client
    await client.close()
