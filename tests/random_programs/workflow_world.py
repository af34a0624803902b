"""A workflow's own world: each call is the call of `hourglass.workflow` that it is named after."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NoReturn

from hourglass import activity, workflow
from hourglass.common import RetryPolicy
from hourglass.exceptions import ApplicationError
from hourglass.workflow._runtime.errors import Evicted
from tests.random_programs.interpreter import Interpreter
from tests.random_programs.program import Node, make_error

LONG = timedelta(days=3650)

RUNS: dict[str, list[Run]] = {}
"""Every time that a workflow of a run id was made here: live, after an eviction, in a replay."""


class Run:
    """One making of a run: its trace, as far as it got."""

    def __init__(self, workflow_id: str, interpreter: Interpreter) -> None:
        self.workflow_id = workflow_id
        self.trace = interpreter.trace


class WorkflowWorld:
    """The world of the running workflow."""

    def __init__(self) -> None:
        self.id = workflow.info().workflow_id
        self._began = workflow.time()

    def time(self) -> float:
        return workflow.time() - self._began

    def is_gone(self, error: BaseException | None) -> bool:
        return isinstance(error, (Evicted, GeneratorExit))

    def sleep(self, seconds: float) -> Awaitable[None]:
        return workflow.sleep(seconds)

    def wait_for(self, awaitable: Awaitable[Any], timeout: float) -> Awaitable[Any]:
        return asyncio.wait_for(awaitable, timeout)

    def activity(self, script: Node) -> asyncio.Future[Any]:
        return workflow.start_activity(
            f"scripted_{script['kind']}",
            script,
            start_to_close_timeout=LONG,
            retry_policy=_retry_policy(script),
            cancellation_type=workflow.ActivityCancellationType[script["cancel"]],
        )

    def local_activity(self, script: Node) -> asyncio.Future[Any]:
        return workflow.start_local_activity(
            f"scripted_{script['kind']}",
            script,
            start_to_close_timeout=LONG,
            retry_policy=_retry_policy(script),
            cancellation_type=workflow.ActivityCancellationType[script["cancel"]],
        )

    async def child(self, child_id: str, body: Node, options: Node) -> Any:
        return await workflow.start_child_workflow(
            RandomProgram.run,
            body,
            id=child_id,
            cancellation_type=workflow.ChildWorkflowCancellationType[options["cancel"]],
            parent_close_policy=workflow.ParentClosePolicy[options["policy"]],
        )

    async def signal(self, other_id: str, body: Node) -> None:
        handle = workflow.get_external_workflow_handle_for(RandomProgram.run, other_id)
        try:
            await handle.signal(RandomProgram.told, body)
        except ApplicationError as error:
            raise ApplicationError("no such workflow", type="not found") from error

    async def cancel_other(self, other_id: str) -> None:
        try:
            await workflow.get_external_workflow_handle(other_id).cancel()
        except ApplicationError as error:
            raise ApplicationError("no such workflow", type="not found") from error

    async def wait_condition(self, holds: Callable[[], bool], timeout: float | None) -> None:
        await workflow.wait_condition(holds, timeout=timeout)

    def again(self, body: Node) -> NoReturn:
        workflow.continue_as_new(body)


def _retry_policy(script: Node) -> RetryPolicy:
    delays = script["delays"]
    policy = RetryPolicy(maximum_attempts=len(delays) + 1)
    if delays and script["by"] == "policy":
        policy.initial_interval = timedelta(seconds=delays[0])
        policy.backoff_coefficient = 1.0 if len(delays) == 1 else delays[1] / delays[0]
        policy.maximum_interval = LONG
    return policy


@workflow.defn(failure_exception_types=[Exception])
class RandomProgram:
    """Runs a program."""

    def __init__(self) -> None:
        self.interpreter = Interpreter(WorkflowWorld())
        info = workflow.info()
        RUNS.setdefault(info.run_id, []).append(Run(info.workflow_id, self.interpreter))

    @workflow.run
    async def run(self, body: Node) -> Any:
        """Run it."""
        return await self.interpreter.run(body)

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def told(self, body: Node) -> None:
        """Run what a signal says."""
        await self.interpreter.run(body)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def change(self, body: Node, reject: bool) -> Any:
        """Run what an update says."""
        return await self.interpreter.run(body)

    @change.validator
    def validate_change(self, body: Node, reject: bool) -> None:
        """Reject what asks for it."""
        if reject:
            raise ValueError("rejected")

    @workflow.query
    def counted(self) -> int:
        """Tell the count."""
        return self.interpreter.count

    @workflow.query
    def meddle(self) -> None:
        """Try to change what is going on."""
        for task in self.interpreter.spawned.values():
            with contextlib.suppress(Exception):
                task.cancel()
        with contextlib.suppress(Exception):
            asyncio.get_running_loop().call_later(1, self.interpreter.spawned.clear)
        workflow.start_activity("scripted_async", start_to_close_timeout=LONG)


@workflow.defn
class Nothing:
    """Takes a place in the cache."""

    @workflow.run
    async def run(self) -> None:
        """Wait for the end of all time."""
        await workflow.wait_condition(lambda: False)


def _act(script: Node) -> Any:
    delays: list[float] = script["delays"]
    attempt = activity.info().attempt
    if attempt <= len(delays):
        delay = timedelta(seconds=delays[attempt - 1]) if script["by"] == "error" else None
        raise ApplicationError("again", next_retry_delay=delay)
    if script.get("error"):
        raise make_error(*script["error"])
    return script["result"]


@activity.defn
async def scripted_async(script: Node) -> Any:
    """Do what the script says."""
    await asyncio.sleep(script["wall"] / 1000)
    return _act(script)


@activity.defn
def scripted_thread(script: Node) -> Any:
    """Do what the script says, in a thread."""
    return _act(script)
