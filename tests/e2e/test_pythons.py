"""The same results on every Python, and histories of one replay on the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
import typing_extensions

from tests.conftest import ROOT
from tests.e2e.pythons.programs import PROGRAMS

SCRIPT = ROOT / "tests" / "e2e" / "pythons" / "programs.py"
MINORS = (10, 11, 12, 13)
EXPECTED: dict[str, object] = {
    "wait_for_of_a_coroutine_deadline_first": "too late",
    "wait_for_of_a_coroutine_value_first": "value",
    "wait_for_of_a_handle_deadline_first": "too late",
    "wait_for_of_a_task_deadline_first": "too late",
    "wait_for_whose_value_comes_later": "too late",
    "wait_for_of_no_time": "too late",
    "wait_for_inside_wait_for": ["too late"],
    "commands_of_limited_waits_in_order": ["value", "value", None],
    "tasks_made_under_limits_have_the_same_names": ["run", "Task-2", "Task-3", "Task-4"],
    "condition_deadline_first": "too late",
    "condition_value_first": "None",
    "timeout_scope_deadline_first": "too late",
    "timeout_scope_that_is_moved": "too late",
    "task_group_under_a_limit": "too late",
}


def interpreters() -> dict[str, str]:
    """Find the Pythons of this machine that the package supports, by version."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    home = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for minor in MINORS:
        installed = sorted(home.glob(f"versions/3.{minor}.*/bin/python"))
        path = str(installed[-1]) if installed else which(f"python3.{minor}")
        if path:
            found.setdefault(f"3.{minor}", path)
    return found


def run(python: str, *args: str) -> str:
    """Run the script with another Python, and nothing but the package and what it needs."""
    needs = Path(typing_extensions.__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}{os.pathsep}{needs}"}
    done = subprocess.run(
        [python, str(SCRIPT), *args],
        env=environment,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a folder of histories of each Python."""
    folder = tmp_path_factory.mktemp("histories")
    for version in interpreters():
        (folder / version).mkdir()
    return folder


@pytest.mark.parametrize("version", interpreters())
def test_b60_deadlines_have_the_same_results_on_every_python(version: str, recorded: Path) -> None:
    """B-60: the deadline fired first, the result came after it, one task brings both."""
    run(interpreters()[version], "record", str(recorded / version))
    results = {
        file.stem: json.loads(file.read_text())["result"]
        for file in (recorded / version).glob("*.json")
    }
    known = {name: result for name, result in EXPECTED.items() if name in results}
    assert results == known
    assert len(results) == len(PROGRAMS) or version == "3.10"


@pytest.mark.parametrize("version", interpreters())
def test_b60_histories_of_every_python_replay_on_every_other(version: str, recorded: Path) -> None:
    """B-60. Runs after the test that records."""
    files = list(recorded.glob("*/*.json"))
    assert {file.parent.name for file in files} == set(interpreters())
    assert run(interpreters()[version], "replay", str(recorded)) == ""
