"""Chains: continue-as-new, retries, cron, and the timeouts that end runs (3.6)."""

import asyncio

from tests.conformance.commands import (
    cancel,
    complete,
    continue_as_new,
    fail,
    schedule_activity,
    start_timer,
    text,
)
from tests.conformance.driver import World
from tests.conformance.table import scenario

AT_ONCE = {"initial_interval": 0.1, "backoff_coefficient": 1.0}


@scenario(36)
async def a_run_goes_on_as_new(w: World) -> None:
    await w.start(
        input=text("old"),
        memo={"fields": {"note": text("m")["payloads"][0]}},
        retry_policy={"maximum_attempts": 3},
        workflow_run_timeout=50,
    )
    await (await w.poll()).complete(continue_as_new(input=text("new")))
    task = await w.poll()
    task.note()
    await task.complete(complete())


@scenario(36)
async def going_on_as_new_changes_type_and_timeouts(w: World) -> None:
    await w.start(workflow_run_timeout=50, workflow_task_timeout=7)
    await (await w.poll()).complete(
        continue_as_new(
            workflow_type={"name": "U"},
            task_queue={"name": w.queue},
            workflow_run_timeout=20,
            workflow_task_timeout=3,
            memo={"fields": {"other": text("o")["payloads"][0]}},
            header={"fields": {"trace": text("h")["payloads"][0]}},
        )
    )
    await (await w.poll()).complete(complete())


@scenario(36)
async def going_on_as_new_later(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(continue_as_new(backoff_start_interval=1))
    await (await w.poll()).complete(complete())


@scenario(36)
async def a_failed_run_is_retried_until_its_attempts_are_used_up(w: World) -> None:
    await w.start(retry_policy={**AT_ONCE, "maximum_attempts": 2}, input=text("i"))
    await (await w.poll()).complete(fail("one"))
    task = await w.poll()
    task.note()
    await task.complete(fail("two"))


@scenario(36)
async def a_failure_that_is_not_retryable_ends_the_chain(w: World) -> None:
    await w.start(retry_policy=AT_ONCE)
    await (await w.poll()).complete(fail("never", non_retryable=True))


@scenario(36)
async def a_failure_of_a_listed_type_ends_the_chain(w: World) -> None:
    await w.start(retry_policy={**AT_ONCE, "non_retryable_error_types": ["Planned"]})
    await (await w.poll()).complete(fail("listed"))


@scenario(36)
async def a_failure_says_when_the_next_run_is(w: World) -> None:
    await w.start(retry_policy={"initial_interval": 50, "maximum_attempts": 2})
    await (await w.poll()).complete(fail("soon", next_retry_delay=0.5))
    await (await w.poll()).complete(complete())


@scenario(36)
async def a_run_that_is_cancelled_is_not_retried(w: World) -> None:
    run = await w.start(retry_policy=AT_ONCE)
    await run.request_cancel()
    await (await w.poll()).complete(cancel("as asked"))


@scenario(36)
async def a_retried_run_completes(w: World) -> None:
    await w.start(retry_policy=AT_ONCE)
    await (await w.poll()).complete(fail("one"))
    await (await w.poll()).complete(complete("two"))


@scenario(36)
async def going_on_as_new_without_a_retry_policy_gives_it_up(w: World) -> None:
    await w.start(retry_policy={**AT_ONCE, "maximum_attempts": 2})
    await (await w.poll()).complete(continue_as_new())
    await (await w.poll()).complete(fail("one"))
    await w.no_task()


@scenario(36, 37)
async def a_run_that_timed_out_is_retried(w: World) -> None:
    run = await w.start(retry_policy={**AT_ONCE, "maximum_attempts": 2}, workflow_run_timeout=3)
    await (await w.poll()).complete(start_timer("t", 60))
    await run.until("WorkflowExecutionTimedOut")
    await (await w.poll()).complete(complete())


@scenario(37)
async def a_run_timeout_ends_a_run_silently(w: World) -> None:
    run = await w.start(workflow_run_timeout=1)
    await (await w.poll()).complete(start_timer("t", 60), schedule_activity(w.queue))
    await run.until("WorkflowExecutionTimedOut")
    await w.no_task()


@scenario(37)
async def an_execution_timeout_ends_the_chain(w: World) -> None:
    run = await w.start(workflow_execution_timeout=2, retry_policy=AT_ONCE)
    await (await w.poll()).complete(continue_as_new())
    task = await w.poll()
    await task.complete(start_timer("t", 60))
    run = w.run(task.answer["workflow_execution"]["run_id"])
    await run.until("WorkflowExecutionTimedOut")
    await w.no_task()


@scenario(37)
async def a_run_times_out_while_a_worker_has_its_task(w: World) -> None:
    run = await w.start(workflow_run_timeout=4)
    await asyncio.sleep(1)  # the task has its whole time, and the run has not
    task = await w.poll()
    await run.until("WorkflowExecutionTimedOut")
    await w.answer("late", task.complete(complete()))


@scenario(36)
async def a_cron_workflow_waits_for_its_time(w: World) -> None:
    run = await w.start(cron_schedule="0 0 1 1 *")
    await w.no_task()
    await run.signal()
    await w.no_task()
    await run.terminate(reason="enough")


@scenario(36)
async def a_cron_workflow_goes_on_after_its_end(w: World) -> None:
    await w.start(cron_schedule="@every 1s", input=text("i"))
    await (await w.poll()).complete(complete("one"))
    second = await w.poll()
    second.note()
    await second.complete(fail("two"))
    third = await w.poll()
    run = w.run(third.answer["workflow_execution"]["run_id"])
    await run.terminate(reason="enough")
