"""Workflows whose time skips: what is skipped, what holds time, and what a test can see of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass import activity, exceptions, workflow
from hourglass.client import (
    RPCError,
    RPCStatusCode,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from hourglass.common import RetryPolicy, WorkflowIDConflictPolicy
from hourglass.exceptions import ActivityError, ApplicationError, DatabaseError
from hourglass.testing import WorkflowEnvironment
from tests.support import new_worker, unique

LONG = 100_000.0


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping() as env:
        yield env


class Watch:
    """Measures an environment's time."""

    def __init__(self, env: WorkflowEnvironment, start: datetime) -> None:
        self.env, self.start = env, start

    @staticmethod
    async def begin(env: WorkflowEnvironment) -> "Watch":
        return Watch(env, await env.get_current_time())

    async def seconds(self) -> float:
        return (await self.env.get_current_time() - self.start).total_seconds()


@workflow.defn
class Sleeps:
    def __init__(self) -> None:
        self.steps: list[float] = []

    @workflow.run
    async def run(self, *seconds: float) -> float:
        before = workflow.time()
        for duration in seconds:
            await workflow.sleep(duration)
            self.steps.append(duration)
        return workflow.time() - before

    @workflow.query
    def done(self) -> int:
        return len(self.steps)

    @workflow.update
    async def rest(self, seconds: float) -> float:
        before = workflow.time()
        await workflow.sleep(seconds)
        return workflow.time() - before


async def test_a_sleep_of_a_day_is_done_at_once(env: WorkflowEnvironment) -> None:
    watch = await Watch.begin(env)
    async with new_worker(env.client, Sleeps) as worker:
        slept = await env.client.execute_workflow(
            Sleeps.run, args=[LONG, LONG], id="w", task_queue=worker.task_queue
        )
    assert slept >= 2 * LONG
    assert await watch.seconds() >= 2 * LONG
    assert env.supports_time_skipping


async def test_while_it_is_disabled_waiting_for_a_result_takes_real_time(
    env: WorkflowEnvironment,
) -> None:
    loop = asyncio.get_running_loop()
    async with new_worker(env.client, Sleeps) as worker:
        before = loop.time()
        with env.auto_time_skipping_disabled(), env.auto_time_skipping_disabled():
            handle = await env.client.start_workflow(
                Sleeps.run, args=[0.5], id="w", task_queue=worker.task_queue
            )
            await handle.result()
        assert loop.time() - before >= 0.5
        again = await env.client.execute_workflow(
            Sleeps.run, args=[LONG], id="again", task_queue=worker.task_queue
        )
        assert again >= LONG


async def test_many_may_wait_for_results_at_once(env: WorkflowEnvironment) -> None:
    async with new_worker(env.client, Sleeps) as worker:
        slept = await asyncio.gather(
            *(
                env.client.execute_workflow(
                    Sleeps.run, args=[number * LONG], id=f"w{number}", task_queue=worker.task_queue
                )
                for number in range(10)
            )
        )
    assert all(slept[number] >= number * LONG for number in range(10))


async def test_time_stands_for_a_test_that_does_not_wait(env: WorkflowEnvironment) -> None:
    async with new_worker(env.client, Sleeps) as worker:
        handle = await env.client.start_workflow(
            Sleeps.run, args=[LONG, LONG], id="w", task_queue=worker.task_queue
        )
        assert await handle.query(Sleeps.done) == 0
        await env.sleep(LONG + 100)
        assert await handle.query(Sleeps.done) == 1
        await env.sleep(timedelta(seconds=LONG))
        assert await handle.query(Sleeps.done) == 2
        assert await handle.result() >= 2 * LONG


async def test_a_test_may_sleep_while_another_task_waits_for_the_result(
    env: WorkflowEnvironment,
) -> None:
    watch = await Watch.begin(env)
    async with new_worker(env.client, Waits) as worker:
        handle = await env.client.start_workflow(Waits.run, id="w", task_queue=worker.task_queue)
        result = asyncio.ensure_future(handle.result())
        await env.sleep(LONG)
        assert await watch.seconds() >= LONG
        await handle.signal(Waits.go)
        await result


async def test_a_sleep_goes_on_when_the_result_is_there_before_its_end(
    env: WorkflowEnvironment,
) -> None:
    watch = await Watch.begin(env)
    async with new_worker(env.client, Sleeps) as worker:
        results = [
            asyncio.ensure_future(
                env.client.execute_workflow(
                    Sleeps.run, args=[seconds], id=f"w{seconds}", task_queue=worker.task_queue
                )
            )
            for seconds in (10.0, 20.0)
        ]
        sleeps = [asyncio.ensure_future(env.sleep(seconds)) for seconds in (LONG, 2 * LONG)]
        await asyncio.gather(*results, *sleeps)
    assert await watch.seconds() >= 2 * LONG


@workflow.defn
class Waits:
    def __init__(self) -> None:
        self.may_go = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.may_go)

    @workflow.signal
    def go(self) -> None:
        self.may_go = True


async def test_waiting_for_a_result_that_is_given_up_locks_time_again(
    env: WorkflowEnvironment,
) -> None:
    async with new_worker(env.client, Waits, Sleeps) as worker:
        handle = await env.client.start_workflow(Waits.run, id="w", task_queue=worker.task_queue)
        for _ in range(3):
            waiting = asyncio.ensure_future(handle.result())
            await env.sleep(1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        sleeps = await env.client.start_workflow(
            Sleeps.run, args=[LONG], id="s", task_queue=worker.task_queue
        )
        await env.sleep(LONG / 2)
        assert await sleeps.query(Sleeps.done) == 0


@activity.defn
async def fails_three_times() -> int:
    if activity.info().attempt < 4:
        raise ApplicationError("again")
    return activity.info().attempt


@workflow.defn
class Retries:
    @workflow.run
    async def run(self) -> tuple[int, float]:
        before = workflow.time()
        attempt = await workflow.execute_activity(
            fails_three_times,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(
                initial_interval=timedelta(hours=1), maximum_interval=timedelta(days=1)
            ),
        )
        return attempt, workflow.time() - before


async def test_the_backoff_of_an_activity_is_skipped(env: WorkflowEnvironment) -> None:
    async with new_worker(env.client, Retries, activities=[fails_three_times]) as worker:
        attempt, took = await env.client.execute_workflow(
            Retries.run, id="w", task_queue=worker.task_queue
        )
    assert attempt == 4
    assert took >= (1 + 2 + 4) * 3600


@workflow.defn
class WaitsBesideAnActivity:
    @workflow.run
    async def run(self) -> str:
        working = asyncio.ensure_future(
            workflow.execute_activity("work", start_to_close_timeout=timedelta(hours=1))
        )
        await workflow.sleep(60)
        return "the timer was first" if not working.done() else "the activity was first"


async def test_an_activity_that_runs_holds_time(env: WorkflowEnvironment) -> None:
    @activity.defn(name="work")
    async def work() -> None:
        await asyncio.sleep(0.2)

    worker = new_worker(env.client, WaitsBesideAnActivity, activities=[work])
    async with worker:
        first = await env.client.execute_workflow(
            WaitsBesideAnActivity.run, id="w", task_queue=worker.task_queue
        )
    assert first == "the activity was first"


@workflow.defn
class TimesOut:
    @workflow.run
    async def run(self) -> str:
        await workflow.execute_activity(
            "work",
            start_to_close_timeout=timedelta(seconds=1000),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
        return "in time"


async def test_an_activity_that_sleeps_with_the_environment_times_out(
    env: WorkflowEnvironment,
) -> None:
    @activity.defn(name="work")
    async def work() -> None:
        await env.sleep(40)

    async with new_worker(env.client, TimesOut, activities=[work]) as worker:
        with pytest.raises(WorkflowFailureError) as failed:
            await env.client.execute_workflow(TimesOut.run, id="w", task_queue=worker.task_queue)
    assert isinstance(failed.value.cause, ActivityError)
    assert isinstance(failed.value.cause.cause, exceptions.TimeoutError)


@pytest.mark.parametrize("timeout", ["run_timeout", "execution_timeout"])
async def test_a_workflow_ends_by_its_timeout_or_by_the_timer_before_it(
    env: WorkflowEnvironment, timeout: str
) -> None:
    limit: Any = {timeout: timedelta(seconds=LONG)}
    async with new_worker(env.client, Sleeps) as worker:
        slept = await env.client.execute_workflow(
            Sleeps.run, args=[LONG - 60], id="w", task_queue=worker.task_queue, **limit
        )
        assert LONG - 60 <= slept < LONG
        with pytest.raises(WorkflowFailureError) as failed:
            await env.client.execute_workflow(
                Sleeps.run, args=[LONG], id="late", task_queue=worker.task_queue, **limit
            )
    assert isinstance(failed.value.cause, exceptions.TimeoutError)


@workflow.defn
class Parent:
    @workflow.run
    async def run(self) -> float:
        return await workflow.execute_child_workflow(
            Sleeps.run, args=[LONG], id=workflow.info().workflow_id + "-child"
        )


async def test_children_skip_along(env: WorkflowEnvironment) -> None:
    async with new_worker(env.client, Parent, Sleeps) as worker:
        slept = await env.client.execute_workflow(Parent.run, id="w", task_queue=worker.task_queue)
    assert slept >= LONG


@workflow.defn
class Counts:
    @workflow.run
    async def run(self) -> int:
        return (workflow.get_last_completion_result(int) or 0) + 1


async def test_a_cron_workflow_runs_as_often_as_time_says(env: WorkflowEnvironment) -> None:
    async with new_worker(env.client, Counts) as worker:
        handle = await env.client.start_workflow(
            Counts.run, id="w", task_queue=worker.task_queue, cron_schedule="0 * * * *"
        )
        await env.sleep(timedelta(days=1, minutes=1))
        runs = [run async for run in env.client.list_workflows("WorkflowId = 'w'")]
        await handle.terminate()
    assert len(runs) >= 24


async def test_an_update_that_takes_long_is_done_when_time_has_passed(
    env: WorkflowEnvironment,
) -> None:
    async with new_worker(env.client, Sleeps) as worker:
        handle = await env.client.start_workflow(
            Sleeps.run, args=[2 * LONG], id="w", task_queue=worker.task_queue
        )
        update = await handle.start_update(
            Sleeps.rest, LONG, wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        assert await handle.result() >= 2 * LONG
        assert await update.result() >= LONG


async def test_update_with_start_gives_a_handle_that_skips(env: WorkflowEnvironment) -> None:
    async with new_worker(env.client, Sleeps) as worker:
        start = WithStartWorkflowOperation(
            Sleeps.run,
            args=[LONG],
            id="w",
            task_queue=worker.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        rested = await env.client.execute_update_with_start_workflow(
            Sleeps.rest, 0, start_workflow_operation=start
        )
        assert rested < LONG
        assert await (await start.workflow_handle()).result() >= LONG


async def test_an_error_passes_through_and_locks_time_again(env: WorkflowEnvironment) -> None:
    unknown = await env.client.start_workflow("Unknown", id="w", task_queue=unique("nobody"))
    with pytest.raises(Exception, match="did not end"):
        await unknown.result(rpc_timeout=timedelta(milliseconds=50))
    await unknown.terminate()
    watch = await Watch.begin(env)
    await env.sleep(10)
    assert 10 <= await watch.seconds() < 1000


async def test_more_unlocks_than_locks_are_refused(env: WorkflowEnvironment) -> None:
    service = "temporal.api.testservice.v1.TestService"
    await env.client.connection.call("UnlockTimeSkipping", {}, service=service)
    with pytest.raises(RPCError, match="Unbalanced lock and unlock calls") as refused:
        await env.client.connection.call("UnlockTimeSkipping", {}, service=service)
    assert refused.value.status is RPCStatusCode.FAILED_PRECONDITION


async def test_only_an_engine_in_memory_skips_time(tmp_path: Path) -> None:
    from hourglass.subsystem.engines import open_engine

    with pytest.raises(DatabaseError, match="only an engine in memory can"):
        await open_engine(str(tmp_path / "never.db"), time_skipping=True)


# --- assertions --------------------------------------------------------------------------------


@workflow.defn
class Asserts:
    @workflow.signal
    def check(self) -> None:
        raise AssertionError("in the signal")

    @workflow.update
    async def verify(self) -> None:
        raise AssertionError("in the update")

    @workflow.run
    async def run(self, where: str) -> None:
        assert where, "in the run method"
        await workflow.wait_condition(lambda: False)


@pytest.mark.parametrize("where", ["run method", "signal", "update"])
async def test_a_failed_assertion_fails_the_workflow_so_that_the_test_ends(
    env: WorkflowEnvironment, where: str
) -> None:
    async with new_worker(env.client, Asserts) as worker:
        handle = await env.client.start_workflow(
            Asserts.run,
            "" if where == "run method" else where,
            id=unique("asserts"),
            task_queue=worker.task_queue,
        )
        if where == "update":
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(Asserts.verify)
            error = refused.value.cause
        else:
            if where == "signal":
                await handle.signal(Asserts.check)
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            error = failure.value.cause
        assert isinstance(error, ApplicationError)
        assert error.type == "AssertionError"
        assert error.message.startswith(f"in the {where}")
