"""Runs a program on an engine of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hourglass.client import (
    RPCError,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from hourglass.exceptions import RPCStatusCode
from hourglass.testing import WorkflowEnvironment
from hourglass.worker import Worker
from tests.random_programs.describe import describe
from tests.random_programs.interpreter import Entry
from tests.random_programs.program import Node, Program
from tests.random_programs.seen import Seen
from tests.random_programs.workflow_world import (
    RUNS,
    Nothing,
    RandomProgram,
    Run,
    scripted_async,
    scripted_thread,
)

QUEUE = "random"
THREADS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="random-activity")
"""For activities of all programs."""


@dataclass
class Reality:
    """A program on an engine."""

    env: WorkflowEnvironment
    handle: WorkflowHandle[Any, Any]
    updates: list[tuple[int, WorkflowUpdateHandle[Any]]] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)

    async def say(self, index: int, stimulus: Node) -> None:
        """Say something to the root, and note what came of it."""
        await self.env.sleep(stimulus["after"])
        self.said.append(["aborted"])
        try:
            self.said[index] = await getattr(self, f"_{stimulus['do']}")(index, stimulus)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            self.said[index] = ["gone"]

    async def _signal(self, index: int, stimulus: Node) -> Any:
        await self.handle.signal(RandomProgram.told, stimulus["body"])
        return ["done"]

    async def _cancel(self, index: int, stimulus: Node) -> Any:
        await self.handle.cancel()
        return ["done"]

    async def _query(self, index: int, stimulus: Node) -> Any:
        return ["value", await self.handle.query(RandomProgram.counted)]

    async def _meddle(self, index: int, stimulus: Node) -> Any:
        try:
            await self.handle.query(RandomProgram.meddle)
        except WorkflowQueryFailedError:
            return ["refused"]
        return ["done"]

    async def _evict(self, index: int, stimulus: Node) -> Any:
        await self.env.client.start_workflow(Nothing.run, id=f"evict-{index}", task_queue=QUEUE)
        return ["done"]

    async def _update(self, index: int, stimulus: Node) -> Any:
        update = await self.handle.start_update(
            RandomProgram.change,
            args=[stimulus["body"], stimulus["reject"]],
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        )
        self.updates.append((index, update))
        return ["aborted"]

    async def settle(self) -> None:
        """Note how the updates ended."""
        for index, update in self.updates:
            try:
                self.said[index] = ["value", await update.result()]
            except WorkflowUpdateFailedError as error:
                cause = error.__cause__
                assert cause is not None
                said = describe(cause)
                gone = said[:2] == ["ApplicationError", "AcceptedUpdateCompletedWorkflow"]
                self.said[index] = ["aborted"] if gone else said
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise


@dataclass
class Real:
    """What happened on the engine."""

    seen: Seen
    runs: dict[str, list[Run]]
    histories: list[WorkflowHistory]


async def outcome_on(handle: WorkflowHandle[Any, Any], patience: float) -> Any:
    """Wait for a workflow; its outcome."""
    try:
        return ["value", await asyncio.wait_for(handle.result(), patience)]
    except WorkflowFailureError as error:
        assert error.__cause__ is not None
        return describe(error.__cause__)


def _runs_of(name: str) -> dict[str, list[Run]]:
    return {
        run_id: made
        for run_id, made in list(RUNS.items())
        if f"{made[0].workflow_id}/".startswith(f"{name}/")
    }


async def _end_all(env: WorkflowEnvironment) -> None:
    """Let time go until what the root left behind has ended."""
    query = "WorkflowType = 'RandomProgram' AND ExecutionStatus = 'Running'"
    while [run async for run in env.client.list_workflows(query)]:
        await env.sleep(10_000)


async def run_really(program: Program, name: str, patience: float) -> Real:
    """Run a program on an engine of its own."""
    for run_id in _runs_of(name):  # of a program that had the name before
        del RUNS[run_id]
    env = await WorkflowEnvironment.start_time_skipping()
    worker = Worker(
        env.client,
        task_queue=QUEUE,
        workflows=[RandomProgram, Nothing],
        activities=[scripted_async, scripted_thread],
        activity_executor=THREADS,
        max_cached_workflows=program.cache,
    )
    async with env, worker:
        handle = await env.client.start_workflow(
            RandomProgram.run, program.main, id=name, task_queue=QUEUE
        )
        reality = Reality(env, env.client.get_workflow_handle(name))
        for index, stimulus in enumerate(program.stimuli):
            await asyncio.wait_for(reality.say(index, stimulus), patience)
        outcome = await outcome_on(handle, patience)
        await asyncio.wait_for(reality.settle(), patience)
        await asyncio.wait_for(_end_all(env), patience)
        runs = _runs_of(name)
        histories = [
            await env.client.get_workflow_handle(made[0].workflow_id, run_id=run_id).fetch_history()
            for run_id, made in runs.items()
        ]
    traces: dict[str, list[list[Entry]]] = {}
    for made in runs.values():
        traces.setdefault(made[0].workflow_id.replace(name, "root", 1), []).append(made[-1].trace)
    return Real(Seen(outcome, reality.said, traces), runs, histories)
