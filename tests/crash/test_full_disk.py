"""A full disk is a typed error, not a hang, and takes nothing of what was acknowledged."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from hourglass.client import Client, WorkflowExecutionStatus
from tests.conftest import ROOT


async def said_by(module: str, *arguments: str) -> list[list[Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=ROOT, stdout=PIPE
    )
    output, _ = await process.communicate()
    return [json.loads(line) for line in output.decode().splitlines()]


async def test_a_full_disk_is_told_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'full.db'}"
    said = await said_by("tests.crash.fills_the_disk", target, "3000000")
    acknowledged = [value for kind, value in said if kind == "acknowledged"]
    errors = [value for kind, value in said if kind == "error"]
    assert acknowledged
    assert len(errors) == 1, said[-1:]
    assert "disk" in errors[0]
    assert "full.db" in errors[0]
    client = await Client.connect(target)
    for workflow_id in acknowledged:
        description = await client.get_workflow_handle(workflow_id).describe()
        assert description.status == WorkflowExecutionStatus.RUNNING
    await client.close()


@pytest.mark.parametrize("room", [0, 35_000])
async def test_a_disk_that_was_full_from_the_start_is_told_to_whoever_waits(
    tmp_path: Path, room: int
) -> None:
    target = f"sqlite:///{tmp_path / 'full.db'}"
    async with await Client.connect(target) as client:
        await client.start_workflow("Waiting", id="waiting", task_queue="queue")
    said = dict(await said_by("tests.crash.runs_on_a_full_disk", target, str(room)))
    assert "full.db" in said["error"]
    assert said["seconds"] < 10
