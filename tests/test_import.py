"""Importing has no side effects."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hourglass

QUESTION = """
import json, sys, threading
before = set(sys.modules)
opened = []
sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == "open" else None)
import hourglass
print(json.dumps({
    "threads": threading.active_count(),
    "native": "hourglass._bridge" in sys.modules,
    "asyncio": "asyncio" in sys.modules,
    "opened": [path for path in opened if not path.endswith((".py", ".pyc"))],
}))
"""


def ask(code: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={
            "PYTHONPATH": str(Path(hourglass.__file__).parent.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert done.stderr == ""
    return done.stdout


def test_importing_starts_no_thread_and_touches_no_file(tmp_path: Path) -> None:
    found = json.loads(ask(QUESTION, tmp_path))
    assert found == {"threads": 1, "native": False, "asyncio": False, "opened": []}
    assert not list(tmp_path.iterdir())


def test_submodules_are_found_when_they_are_first_named(tmp_path: Path) -> None:
    assert ask("import hourglass; print(hourglass.common.RetryPolicy.__name__)", tmp_path)


def test_an_unknown_submodule_is_named() -> None:
    with pytest.raises(AttributeError, match="wrokflow"):
        _ = hourglass.wrokflow


def test_everything_that_is_announced_can_be_imported() -> None:
    for name in hourglass.__all__:
        assert getattr(hourglass, name) is not None
    assert set(dir(hourglass)) == set(hourglass.__all__)
