"""A full disk is a typed error, not a hang, and takes nothing of what was acknowledged."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from hourglass.client import Client, WorkflowExecutionStatus
from tests.conftest import ROOT


async def test_a_full_disk_is_told_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'full.db'}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.fills_the_disk", target, "3000000"),
        cwd=ROOT,
        stdout=PIPE,
    )
    output, _ = await process.communicate()
    said = [json.loads(line) for line in output.decode().splitlines()]
    acknowledged = [value for kind, value in said if kind == "acknowledged"]
    errors = [value for kind, value in said if kind == "error"]
    assert acknowledged
    assert len(errors) == 1, said[-1:]
    assert "disk" in errors[0] or "full.db" in errors[0]
    client = await Client.connect(target)
    for workflow_id in acknowledged:
        description = await client.get_workflow_handle(workflow_id).describe()
        assert description.status == WorkflowExecutionStatus.RUNNING
    await client.close()
