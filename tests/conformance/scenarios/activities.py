"""Activities: what is written when, retries, timeouts, heartbeats, tokens (3.4)."""

from tests.conformance.activity_runs import ONCE, QUICK, begun, end, pending
from tests.conformance.commands import (
    failure,
    schedule_activity,
    text,
)
from tests.conformance.driver import Activity, World
from tests.conformance.table import scenario


@scenario(23)
async def an_activity_completes(w: World) -> None:
    await begun(w, input=text("in"), heartbeat_timeout=5, start_to_close_timeout=7)
    activity = await w.activity()
    activity.note()
    await activity.complete(result=text("out"))
    await end(w)


@scenario(23)
async def an_activity_that_runs_is_not_on_record(w: World) -> None:
    run = await begun(w)
    activity = await w.activity()
    w.note("types", await run.types())
    w.note("pending", pending(await run.describe()))
    await activity.complete()
    await end(w)


@scenario(23)
async def a_scheduled_activity_is_described(w: World) -> None:
    run = await begun(w)
    w.note("pending", pending(await run.describe()))
    await run.terminate(reason="over")


@scenario(23, 24)
async def a_retry_leaves_one_event_with_the_last_failure(w: World) -> None:
    run = await begun(w, retry_policy=QUICK)
    for word in ("first", "second"):
        activity = await w.activity()
        activity.note(word)
        await activity.fail(failure=failure(word))
    activity = await w.activity()
    w.note("pending", pending(await run.describe()))
    await activity.complete(result=text("third"))
    await end(w)


@scenario(24)
async def attempts_are_counted_out(w: World) -> None:
    await begun(w, retry_policy={**QUICK, "maximum_attempts": 2})
    for word in ("first", "second"):
        await (await w.activity()).fail(failure=failure(word))
    await end(w)


@scenario(24)
async def a_failure_that_is_not_retryable_ends_it(w: World) -> None:
    await begun(w, retry_policy=QUICK)
    await (await w.activity()).fail(failure=failure("final", non_retryable=True))
    await end(w)


@scenario(24)
async def a_type_that_is_listed_ends_it(w: World) -> None:
    await begun(w, retry_policy={**QUICK, "non_retryable_error_types": ["Planned"]})
    await (await w.activity()).fail(failure=failure("listed"))
    await end(w)


@scenario(24)
async def no_failure_at_all_is_one(w: World) -> None:
    await begun(w, retry_policy=ONCE)
    await w.answer("fail", (await w.activity()).fail())
    await end(w)


@scenario(24)
async def only_applications_fail_activities(w: World) -> None:
    await begun(w, retry_policy=QUICK)
    final = {"message": "final", "server_failure_info": {"non_retryable": True}}
    activity = await w.activity()
    await w.answer("fail", activity.fail(failure=final))
    await activity.complete()
    await end(w)


@scenario(24)
async def activities_do_not_say_terminated_or_cancelled_themselves(w: World) -> None:
    for kind in ("terminated_failure_info", "canceled_failure_info"):
        await w.start(kind)
        await (await w.poll()).complete(schedule_activity(w.queue, retry_policy=QUICK))
        activity = await w.activity()
        await w.answer(kind, activity.fail(failure={"message": kind, kind: {}}))
        await activity.complete()
        await end(w)


@scenario(24)
async def the_next_delay_is_what_the_failure_says(w: World) -> None:
    run = await begun(w, retry_policy={"initial_interval": 60, "maximum_attempts": 2})
    await (await w.activity()).fail(failure=failure("soon", next_retry_delay=0.3))
    w.note("pending", pending(await run.describe()))
    await (await w.activity()).complete()
    await end(w)


@scenario(24)
async def a_backoff_that_passes_the_whole_time_ends_it(w: World) -> None:
    await begun(w, schedule_to_close_timeout=5, retry_policy={"initial_interval": 60})
    await (await w.activity()).fail(failure=failure("too late"))
    await end(w)


@scenario(24)
async def an_attempt_times_out_and_is_repeated(w: World) -> None:
    run = await begun(w, start_to_close_timeout=1, retry_policy=QUICK)
    late = await w.activity()
    again = await w.activity()
    again.note("again")
    w.note("pending", pending(await run.describe()))
    await w.answer("late", late.complete())
    await again.complete()
    await end(w)


@scenario(24)
async def the_last_attempt_times_out(w: World) -> None:
    await begun(w, start_to_close_timeout=1, retry_policy=ONCE)
    await w.activity()
    await end(w)


@scenario(24)
async def nobody_starts_it_in_time(w: World) -> None:
    await begun(w, schedule_to_start_timeout=1, retry_policy=QUICK)
    await end(w)


@scenario(24)
async def the_whole_time_is_over_before_it_started(w: World) -> None:
    await begun(w, schedule_to_close_timeout=1, retry_policy=QUICK)
    await end(w)


@scenario(24)
async def the_whole_time_is_over_while_it_runs(w: World) -> None:
    await begun(w, schedule_to_close_timeout=1, retry_policy=QUICK)
    await w.activity()
    await end(w)


@scenario(24)
async def the_whole_time_is_over_after_a_failed_attempt(w: World) -> None:
    await begun(w, schedule_to_close_timeout=2, retry_policy=QUICK)
    await (await w.activity()).fail(failure=failure("first"))
    await w.activity()
    await end(w)


@scenario(24)
async def a_timeout_can_be_listed_as_final(w: World) -> None:
    listed = ["TemporalTimeout:StartToClose"]
    await begun(
        w, start_to_close_timeout=1, retry_policy={**QUICK, "non_retryable_error_types": listed}
    )
    await w.activity()
    await end(w)


@scenario(24, 25)
async def no_heartbeat_in_time_is_a_timeout_with_details(w: World) -> None:
    await begun(w, heartbeat_timeout=1, retry_policy=ONCE)
    activity = await w.activity()
    w.note("beat", await activity.heartbeat(details=text("half")))
    await end(w)


@scenario(25)
async def details_of_heartbeats_reach_the_next_attempt(w: World) -> None:
    await begun(w, heartbeat_timeout=5, retry_policy=QUICK)
    first = await w.activity()
    await first.heartbeat(details=text("half"))
    await first.fail(failure=failure("first"))
    second = await w.activity()
    second.note("second")
    await second.fail(failure=failure("second"), last_heartbeat_details=text("more"))
    third = await w.activity()
    third.note("third")
    await third.complete()
    await end(w)


@scenario(25)
async def a_token_of_an_earlier_attempt_is_stale(w: World) -> None:
    await begun(w, retry_policy=QUICK)
    first = await w.activity()
    await first.fail(failure=failure("first"))
    second = await w.activity()
    for label, call in (
        ("heartbeat", first.heartbeat()),
        ("complete", first.complete()),
        ("fail", first.fail()),
        ("canceled", first.canceled()),
    ):
        await w.answer(label, call)
    await second.complete()
    await end(w)


@scenario(25)
async def a_token_counts_once_for_an_activity(w: World) -> None:
    await begun(w)
    activity = await w.activity()
    await activity.complete()
    await w.answer("complete", activity.complete())
    await w.answer("heartbeat", activity.heartbeat())
    await end(w)


@scenario(25)
async def tokens_that_are_none_are_refused(w: World) -> None:
    for token in (b"", b"nonsense"):
        activity = Activity(w, {"task_token": token})
        await w.answer("heartbeat", activity.heartbeat())
        await w.answer("complete", activity.complete())
        await w.answer("fail", activity.fail())
        await w.answer("canceled", activity.canceled())
