"""Histories of random programs, recorded on this Python, replay on every other that is there."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typing_extensions

from tests.conftest import ROOT
from tests.random_programs.driver import run_really
from tests.random_programs.generate import generate

SEEDS = int(os.environ.get("RANDOM_PROGRAMS", "15"))
NEWER = ("group", "timeout")
"""What asyncio does not have on Python 3.10."""


def _version_of(python: str) -> str:
    """Ask an interpreter for its version; a shim may stand for one that is not there."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def pythons() -> dict[str, str]:
    """Find an interpreter for each supported version that is there; this one is."""
    managed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = {_version_of(sys.executable): sys.executable}
    for version in ("3.10", "3.11", "3.12", "3.13"):
        named = shutil.which(f"python{version}")
        for place in (named, *map(str, managed.glob(f"{version}.*/bin/python"))):
            if place is not None and version not in found and _version_of(place) == version:
                found[version] = place
    return found


async def recorded(without: tuple[str, ...]) -> dict[str, list[str]]:
    """Run programs; the histories of all their workflows."""
    histories: dict[str, list[str]] = {}
    for seed in range(SEEDS):
        real = await run_really(generate(seed, without), f"seed-{seed}", patience=30)
        for history in real.histories:
            histories[history.run_id] = [history.workflow_id, history.to_json()]
    return histories


async def replayed(python: str, paths: list[Path], file: Path) -> dict[str, Any]:
    """Replay the histories in a file on an interpreter."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    arguments = ["-m", "tests.random_programs.replay", str(file)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        python, *arguments, env=environment, stdout=pipe, stderr=pipe
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    replays: dict[str, Any] = json.loads(output)
    return replays


@pytest.mark.parametrize("without", [(), NEWER], ids=["all", "before-3.11"])
async def test_b60_a_history_of_any_python_replays_on_every_other(
    tmp_path: Path, without: tuple[str, ...]
) -> None:
    """B-60."""
    if sys.version_info < (3, 11):
        without = NEWER
    file = tmp_path / "histories.json"
    file.write_text(json.dumps(await recorded(without)))
    shutil.copy(str(typing_extensions.__file__), tmp_path)  # all that is needed besides Python
    found = {
        version: python
        for version, python in pythons().items()
        if version != "3.10" or without == NEWER
    }
    paths = [ROOT / "python", ROOT, tmp_path]
    here, *others = await asyncio.gather(
        *(replayed(python, paths, file) for python in found.values())
    )
    assert {run: failure for run, (failure, _) in here.items() if failure is not None} == {}
    for version, there in zip(list(found)[1:], others, strict=True):
        wrong = {run: (here[run], there[run]) for run in here if here[run] != there[run]}
        assert wrong == {}, f"on Python {version}"
