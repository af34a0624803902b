"""SIGKILL between every two events of a small workflow; what comes out is what would have come."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support import ACTIVITY, START, TASK

UNCRASHED = [
    *START,
    *ACTIVITY,
    *TASK,
    "TimerStarted",
    "TimerFired",
    *TASK,
    "WorkflowExecutionSignaled",
    *TASK,
    *ACTIVITY,
    *TASK,
    "WorkflowExecutionCompleted",
]
KILL_POINTS = range(1, len(UNCRASHED) + 1)
AT_ONCE = 3


@dataclass
class Life:
    """What one process said, and how it ended."""

    status: int
    stderr: str
    told: dict[str, Any] = field(default_factory=dict[str, Any])


def live(database: Path, kill_at: int) -> Life:
    """Run the process to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash.small_workflow", f"sqlite:///{database}", str(kill_at)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    told = dict(json.loads(line) for line in ended.stdout.splitlines())
    return Life(ended.returncode, ended.stderr, told)


def killed_and_restarted(folder: Path, kill_at: int) -> tuple[Life, Life]:
    """Two lives on one database: one that is killed, one that finishes."""
    database = folder / f"killed-at-{kill_at}.db"
    return live(database, kill_at), live(database, 0)


def scrub(events: list[str]) -> list[str]:
    """Leave out workflow tasks: a crash may cost one of them its worker, and it is tried again."""
    return [event for event in events if not event.startswith("WorkflowTask")]


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Run once without a crash."""
    return live(tmp_path_factory.mktemp("control") / "control.db", 0)


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[int, "Future[tuple[Life, Life]]"]]:
    """Run all crashes, a few at a time: they mostly wait."""
    folder = tmp_path_factory.mktemp("crash")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {k: pool.submit(killed_and_restarted, folder, k) for k in KILL_POINTS}


def test_the_uncrashed_run_is_the_expected_one(control: Life) -> None:
    assert (control.status, control.stderr) == (0, "")
    assert control.told["events"] == UNCRASHED
    assert control.told["result"][:3] == ["first", "hello", "second after hello"]


@pytest.mark.deadline(240)
@pytest.mark.parametrize("kill_at", KILL_POINTS)
def test_a_kill_at_any_event_changes_neither_result_nor_history(
    runs: dict[int, "Future[tuple[Life, Life]]"], control: Life, kill_at: int
) -> None:
    first, second = runs[kill_at].result()
    assert first.status == -signal.SIGKILL, first.stderr
    assert (second.status, second.stderr) == (0, "")
    assert second.told["result"][:3] == control.told["result"][:3]
    assert scrub(second.told["events"]) == scrub(UNCRASHED)
    # What the first life was told is still so in the second.
    if "started" in first.told:
        assert second.told["found"] == first.told["started"]
    if "signalled" in first.told:
        assert "signalled" not in second.told
    if "result" in first.told:
        assert second.told["result"] == first.told["result"]
