"""Replays histories on the Python that runs it: ``python -m tests.random_programs.replay FILE``."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from hourglass.client import WorkflowHistory
from hourglass.worker import Replayer
from tests.random_programs.workflow_world import RUNS, RandomProgram


async def replay(histories: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Replay histories, given as workflow id and JSON; what did not fit in each, and the trace."""
    replays: dict[str, list[Any]] = {}
    replayer = Replayer(workflows=[RandomProgram])
    for run_id, (workflow_id, history) in histories.items():
        RUNS.clear()
        given = WorkflowHistory.from_json(workflow_id, history)
        result = await replayer.replay_workflow(given, raise_on_replay_failure=False)
        failure = result.replay_failure and repr(result.replay_failure)
        replays[run_id] = [failure, [run.trace for run in next(iter(RUNS.values()))]]
    return replays


if __name__ == "__main__":
    print(json.dumps(asyncio.run(replay(json.loads(Path(sys.argv[1]).read_text())))))  # noqa: T201 - its output
