"""Workflow tasks: attempts, tokens, timeouts, inline tasks, heartbeats (3.2)."""

from tests.conformance.commands import (
    command,
    complete,
    fail,
    marker,
    schedule_activity,
    start_timer,
    text,
)
from tests.conformance.driver import World
from tests.conformance.table import scenario

ACTIVITY_SCHEDULED = 10


@scenario(1)
async def the_first_task(w: World) -> None:
    await w.start()
    task = await w.poll()
    task.note()
    await task.complete(complete("done"))


@scenario(1)
async def a_start_delay_keeps_the_first_task_back(w: World) -> None:
    run = await w.start(workflow_start_delay=1.5)
    await w.no_task()
    w.note("before", await run.types())
    await (await w.poll()).complete(complete())


@scenario(1)
async def a_signal_ends_a_start_delay(w: World) -> None:
    run = await w.start(workflow_start_delay=60)
    await run.signal("now")
    await w.no_task(1)
    await run.terminate(reason="over")


@scenario(1)
async def the_signal_of_signal_with_start_does_not_end_the_delay(w: World) -> None:
    answer = await w.call(
        "SignalWithStartWorkflowExecution",
        workflow_id=w.id(),
        workflow_type={"name": "T"},
        task_queue={"name": w.queue},
        signal_name="s",
        workflow_start_delay=1.5,
    )
    w.run(answer["run_id"])
    await w.no_task()
    await (await w.poll()).complete(complete())


@scenario(1)
async def a_signal_does_not_end_a_cron_backoff(w: World) -> None:
    run = await w.start(cron_schedule="0 0 1 1 *")
    await run.signal("now")
    await w.no_task()
    w.note("types", await run.types())
    await run.terminate()


@scenario(2, 4)
async def a_failed_task_is_written_once(w: World) -> None:
    await w.start()
    await (await w.poll()).fail("first")
    second = await w.poll()
    second.note("second")
    await second.fail("second")
    third = await w.poll()
    third.note("third")
    await third.complete(complete())


@scenario(2, 4)
async def a_task_that_times_out_is_written_once(w: World) -> None:
    await w.start(workflow_task_timeout=1)
    (await w.poll()).note("first")
    (await w.poll()).note("second")
    third = await w.poll()
    third.note("third")
    await third.complete(complete())


@scenario(2)
async def a_signal_between_two_attempts_ends_the_row_of_failures(w: World) -> None:
    run = await w.start()
    await (await w.poll()).fail("first")
    second = await w.poll()
    await run.signal("while it runs")
    await second.fail("second")
    third = await w.poll()
    third.note("third")
    await third.fail("third")
    fourth = await w.poll()
    fourth.note("fourth")
    await fourth.complete(complete())


@scenario(2)
async def a_signal_before_a_second_attempt_is_taken(w: World) -> None:
    run = await w.start()
    await (await w.poll()).fail("first")
    await run.signal("before it is taken")
    second = await w.poll()
    second.note("second")
    await second.complete(complete())


@scenario(2, 15)
async def unwritten_events_are_for_the_worker_only(w: World) -> None:
    run = await w.start()
    await (await w.poll()).fail("first")
    second = await w.poll()
    w.note("seen by others", await run.types())
    await second.complete(complete())


@scenario(3)
async def a_failure_on_the_sticky_queue_is_a_first_attempt_again(w: World) -> None:
    await w.be_alive("sticky")
    run = await w.start()
    await (await w.poll()).complete(sticky="sticky")
    await run.signal()
    task = await w.poll_sticky("sticky")
    task.note("sticky")
    await task.fail()
    again = await w.poll()
    again.note("normal")
    await again.complete(complete())


@scenario(3)
async def a_timeout_on_the_sticky_queue_is_a_first_attempt_again(w: World) -> None:
    await w.be_alive("sticky")
    run = await w.start(workflow_task_timeout=1)
    await (await w.poll()).complete(sticky="sticky")
    await run.signal()
    (await w.poll_sticky("sticky")).note("sticky")
    again = await w.poll()
    again.note("normal")
    await again.complete(complete())


@scenario(3, 39)
async def a_sticky_task_that_nobody_takes_goes_to_the_normal_queue(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(sticky="sticky", sticky_seconds=1)
    await run.signal()
    again = await w.poll()
    again.note("normal")
    await again.complete(complete())


@scenario(4, 5)
async def a_token_of_a_task_that_timed_out_is_stale(w: World) -> None:
    await w.start(workflow_task_timeout=1)
    late = await w.poll()
    again = await w.poll()
    await w.answer("completed", late.complete(complete()))
    await w.answer("failed", late.fail())
    await again.complete(complete())


@scenario(5)
async def a_token_counts_once(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(start_timer("t", 60))
    await w.answer("again", task.complete(complete()))
    await w.answer("failed", task.fail())


@scenario(5)
async def a_token_of_a_closed_run_is_stale(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.terminate(reason="over")
    await w.answer("completed", task.complete(complete()))
    await w.answer("failed", task.fail())


@scenario(5)
async def a_token_that_is_none_is_refused(w: World) -> None:
    for token in (b"", b"nonsense"):
        await w.answer("completed", w.call("RespondWorkflowTaskCompleted", task_token=token))
        await w.answer("failed", w.call("RespondWorkflowTaskFailed", task_token=token))


@scenario(5)
async def a_task_is_failed_with_any_cause(w: World) -> None:
    await w.start()
    await (await w.poll()).fail("x", "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR")
    await (await w.poll()).complete(complete())


@scenario(11)
async def the_next_task_comes_with_the_answer(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("meanwhile")
    following = await task.complete(
        start_timer("t", 60), sticky="sticky", return_new_workflow_task=True
    )
    assert following is not None
    following.note()
    await following.complete(complete())


@scenario(11)
async def no_next_task_comes_with_the_answer_when_nothing_happened(w: World) -> None:
    await w.start()
    following = await (await w.poll()).complete(
        start_timer("t", 60), sticky="sticky", return_new_workflow_task=True
    )
    w.note("none", following is None)


@scenario(11)
async def the_next_task_comes_without_stickiness_too(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await run.signal("meanwhile")
    following = await task.complete(return_new_workflow_task=True)
    w.note("some", following is not None)
    if following is not None:
        following.note()
        await following.complete(complete())


@scenario(11)
async def the_next_task_is_not_returned_unasked(w: World) -> None:
    await w.be_alive("sticky")
    run = await w.start()
    task = await w.poll()
    await run.signal("meanwhile")
    w.note("none", await task.complete(start_timer("t", 60), sticky="sticky") is None)
    following = await w.poll_sticky("sticky")
    following.note()
    await following.complete(complete())


@scenario(11, 26)
async def an_unstarted_activity_that_is_cancelled_brings_a_task_along(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(schedule_activity(w.id("none")))
    await run.signal()
    task = await w.poll()
    scheduled = task.event_id(ACTIVITY_SCHEDULED)
    following = await task.complete(
        command("request_cancel_activity_task", scheduled_event_id=scheduled),
        sticky="sticky",
        return_new_workflow_task=True,
    )
    assert following is not None
    following.note()
    await following.complete(complete())


@scenario(12)
async def a_heartbeat_is_a_task_completed_and_the_next_one_started(w: World) -> None:
    await w.start()
    task = await w.poll()
    for beat in range(3):
        following = await task.complete(
            sticky="sticky", return_new_workflow_task=True, force_create_new_workflow_task=True
        )
        assert following is not None
        following.note(f"beat {beat}")
        task = following
    await task.complete(complete())


@scenario(12)
async def one_more_task_is_asked_for_beside_commands(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(marker("m"), force_create_new_workflow_task=True)
    again = await w.poll()
    again.note()
    await again.complete(complete())


@scenario(12)
async def one_more_task_is_asked_for_by_a_task_that_closes(w: World) -> None:
    await w.start()
    task = await w.poll()
    await w.answer("end", task.complete(complete(), force_create_new_workflow_task=True))


@scenario(13)
async def a_task_says_how_long_the_history_is(w: World) -> None:
    await w.start()
    task = await w.poll()
    (event,) = [event for event in task.events if event["event_type"] == 6]
    attributes = event["workflow_task_started_event_attributes"]
    w.note("size", attributes["history_size_bytes"] > 0)
    w.note("suggested", attributes.get("suggest_continue_as_new"))
    await task.complete(complete())


@scenario(14)
async def what_a_worker_says_of_itself_is_kept(w: World) -> None:
    await w.start()
    task = await w.poll()
    await task.complete(
        complete(),
        sdk_metadata={
            "core_used_flags": [1, 2],
            "lang_used_flags": [3],
            "sdk_name": "scenario",
            "sdk_version": "1.2.3",
        },
        worker_version_stamp={"build_id": "b1"},
        binary_checksum="sum",
        metering_metadata={"nonfirst_local_activity_execution_attempts": 2},
    )


@scenario(15)
async def a_sticky_task_brings_only_what_is_new(w: World) -> None:
    await w.be_alive("sticky")
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60), sticky="sticky")
    for name in ("one", "two"):
        await run.signal(name)
    task = await w.poll_sticky("sticky")
    task.note()
    await task.complete(complete())


@scenario(15)
async def a_long_history_comes_in_pages(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    await task.complete(*(marker(f"m{n}", data=text("x")) for n in range(5)))
    ids: list[int] = []
    token, rpc = b"", "GetWorkflowExecutionHistory"
    while token or not ids:
        page = await w.call(
            rpc, execution=run.execution, maximum_page_size=3, next_page_token=token
        )
        ids += [event["event_id"] for event in page["history"].get("events", [])]
        token = page.get("next_page_token", b"")
    w.note("ids", ids)


@scenario(15)
async def the_close_event_alone_is_asked_for(w: World) -> None:
    run = await w.start()
    kind = "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT"
    for label in ("open", "closed"):
        answer = await w.call(
            "GetWorkflowExecutionHistory", execution=run.execution, history_event_filter_type=kind
        )
        w.note(label, [event["event_type"] for event in answer["history"].get("events", [])])
        if label == "open":
            await (await w.poll()).complete(complete())


@scenario(9)
async def commands_after_the_closing_one_are_refused(w: World) -> None:
    await w.start()
    task = await w.poll()
    await w.answer("both", task.complete(complete("one"), fail("two"), start_timer("t", 1)))
    await w.answer("alone", task.complete(complete("one")))


@scenario(9)
async def commands_before_the_closing_one_are_written(w: World) -> None:
    await w.start()
    await (await w.poll()).complete(start_timer("t", 60), marker("m"), fail("planned"))
