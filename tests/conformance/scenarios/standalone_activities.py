"""Activities without a workflow: started, worked on, described, ended (trap 29)."""

import asyncio
from typing import Any

from hourglass._bridge import BridgeError
from tests.conformance.activity_runs import ONCE, QUICK
from tests.conformance.alone import Alone, begun, request_of, shown
from tests.conformance.commands import Wire, failure, text
from tests.conformance.driver import World
from tests.conformance.table import scenario


@scenario(29)
async def an_activity_by_itself_completes(w: World) -> None:
    answer = await w.call(
        "StartActivityExecution",
        **request_of(
            w,
            input=text("in"),
            header={"fields": {"trace": text("t")["payloads"][0]}},
            user_metadata={"summary": text("short")["payloads"][0]},
            heartbeat_timeout=5,
            start_to_close_timeout=7,
            priority={"priority_key": 2},
            retry_policy=QUICK,
        ),
    )
    w.note("started", answer)
    alone = Alone(w, "a", answer["run_id"])
    await alone.note("scheduled")
    activity = await w.activity()
    activity.note()
    await alone.note("running")
    w.note("heartbeat", await activity.heartbeat(details=text("half")))
    await alone.note("beaten")
    await activity.heartbeat()
    await alone.note("beaten without details")
    await activity.complete(result=text("out"), identity="worker")
    await alone.outcome()
    await w.answer("again", activity.complete())
    await w.answer("beat again", activity.heartbeat())


@scenario(29)
async def an_activity_by_itself_has_defaults(w: World) -> None:
    alone = await begun(w, schedule_to_close_timeout=None, start_to_close_timeout=9)
    await alone.note()
    (await w.activity()).note()
    await alone.call("Terminate", reason="over", identity="me")
    await alone.outcome()


@scenario(29)
async def an_activity_by_itself_is_retried_and_fails(w: World) -> None:
    alone = await begun(w, retry_policy={**QUICK, "initial_interval": 0.7, "maximum_attempts": 2})
    activity = await w.activity()
    await activity.heartbeat(details=text("half"))
    await activity.fail(failure=failure("first"), identity="worker")
    await alone.note("backing off")
    again = await w.activity()
    again.note("again")
    await w.answer("the first", activity.complete())
    await again.fail(failure=failure("second"), last_heartbeat_details=text("most"))
    await alone.outcome()


@scenario(29)
async def failures_of_an_activity_by_itself(w: World) -> None:
    for name, given in {
        "final": failure("final", non_retryable=True),
        "listed": failure("listed"),
        "none": None,
    }.items():
        policy = {**QUICK, "non_retryable_error_types": ["Planned"]}
        alone = await begun(w, name, retry_policy=ONCE if name == "none" else policy)
        activity = await w.activity()
        if given is None:
            await activity.fail()
        else:
            await activity.fail(failure=given)
        await alone.outcome(name)
    alone = await begun(
        w, "late", schedule_to_close_timeout=5, retry_policy={"initial_interval": 60}
    )
    await (await w.activity()).fail(failure=failure("too late"))
    await alone.outcome("late")
    alone = await begun(w, "delay", retry_policy={"initial_interval": 60})
    await (await w.activity()).fail(failure=failure("soon", next_retry_delay=0.6))
    await alone.note("delay")
    await (await w.activity()).complete()
    await alone.outcome("delay")
    await begun(w, "wrong")
    activity = await w.activity()
    final = {"message": "final", "server_failure_info": {"non_retryable": True}}
    await w.answer("wrong", activity.fail(failure=final))


@scenario(29)
async def an_activity_by_itself_times_out(w: World) -> None:
    unstarted = {"name": w.id("nobody")}
    cases: dict[str, Wire] = {
        "whole": {"schedule_to_close_timeout": 1, "task_queue": unstarted},
        "start": {"schedule_to_start_timeout": 1, "task_queue": unstarted, "retry_policy": QUICK},
        "attempt": {"start_to_close_timeout": 1, "retry_policy": ONCE},
        "beats": {"heartbeat_timeout": 1, "retry_policy": ONCE},
        "no time": {"start_to_close_timeout": 1, "schedule_to_close_timeout": 3},
    }
    cases["no time"]["retry_policy"] = {"initial_interval": 60}
    runs: list[tuple[str, Alone]] = []
    for name, options in cases.items():
        queue = {"task_queue": {"name": w.id(f"queue {name}")}}
        runs.append((name, await begun(w, name, **{**queue, **options})))
    for name in ("attempt", "beats", "no time"):
        activity = await w.activity(f"queue {name}")
        await activity.heartbeat(details=text(name))
    for name, alone in runs:
        await alone.outcome(name)


@scenario(29)
async def an_attempt_of_an_activity_by_itself_times_out(w: World) -> None:
    alone = await begun(w, start_to_close_timeout=1, retry_policy=QUICK)
    late = await w.activity()
    await late.heartbeat(details=text("half"))
    again = await w.activity()
    again.note("again")
    await alone.note("again")
    await w.answer("late", late.complete())
    await again.fail(failure=failure("final", non_retryable=True))
    await alone.outcome()


@scenario(29)
async def an_activity_by_itself_is_cancelled(w: World) -> None:
    unstarted = await begun(w, "unstarted", task_queue={"name": w.id("nobody")})
    await unstarted.call("RequestCancel", reason="no need", identity="me", request_id="one")
    await unstarted.outcome("unstarted")
    await w.answer("the same request", unstarted.call("RequestCancel", request_id="one"))
    await w.answer("another request", unstarted.call("RequestCancel", request_id="two"))
    delayed = await begun(w, "delayed", start_delay=60)
    await delayed.note("delayed")
    await delayed.call("RequestCancel")
    await delayed.outcome("delayed")
    alone = await begun(w, retry_policy=QUICK)
    activity = await w.activity()
    await w.answer("not asked", activity.canceled())
    await alone.call("RequestCancel", reason="no need", identity="me", request_id="one")
    await alone.note("asked")
    await w.answer("asked with the same", alone.call("RequestCancel", request_id="one"))
    await w.answer("asked with another", alone.call("RequestCancel", request_id="two"))
    w.note("heartbeat", await activity.heartbeat())
    await activity.canceled(details=text("cleaned up"), identity="worker")
    await alone.outcome()


@scenario(29)
async def an_activity_by_itself_does_not_mind_its_cancellation(w: World) -> None:
    fails = await begun(w, "fails", retry_policy=QUICK)
    activity = await w.activity()
    await fails.call("RequestCancel", reason="no need")
    await activity.fail(failure=failure("it"))
    await fails.outcome("fails")
    completes = await begun(w, "completes")
    activity = await w.activity()
    await completes.call("RequestCancel")
    await activity.complete(result=text("done"))
    await completes.outcome("completes")
    slow = await begun(w, "slow", schedule_to_close_timeout=1, retry_policy=QUICK)
    await w.activity()
    await slow.call("RequestCancel")
    await slow.outcome("slow")


@scenario(29)
async def an_activity_by_itself_is_terminated(w: World) -> None:
    alone = await begun(w)
    activity = await w.activity()
    await alone.call("Terminate", reason="over", identity="me", request_id="one")
    await alone.outcome()
    await w.answer("complete", activity.complete())
    await w.answer("heartbeat", activity.heartbeat())
    await w.answer("the same", alone.call("Terminate", request_id="one"))
    await w.answer("another", alone.call("Terminate", reason="more", request_id="two"))
    await w.answer("cancel", alone.call("RequestCancel"))
    done = await begun(w, "done")
    await (await w.activity()).complete()
    await w.answer("terminate what is done", done.call("Terminate"))
    await w.answer("cancel what is done", done.call("RequestCancel"))
    await done.outcome()


@scenario(29)
async def ids_of_activities_by_themselves(w: World) -> None:
    async def start(label: str, **more: Any) -> None:
        answer = await w.answer(label, w.call("StartActivityExecution", **request_of(w, **more)))
        if answer:
            w.note(f"{label} started", answer)

    policy = "ACTIVITY_ID_REUSE_POLICY_"
    await start("first", request_id="one")
    await start("the same request", request_id="one")
    await start("another request", request_id="two")
    await start("existing", id_conflict_policy="ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING")
    await (await w.activity()).complete()
    await start("the same request, closed", request_id="one")
    await start("rejected", id_reuse_policy=f"{policy}REJECT_DUPLICATE")
    await start("not failed", id_reuse_policy=f"{policy}ALLOW_DUPLICATE_FAILED_ONLY")
    await start("next", request_id="three")
    await (await w.activity()).fail(failure=failure("it", non_retryable=True))
    await start("failed", id_reuse_policy=f"{policy}ALLOW_DUPLICATE_FAILED_ONLY")


@scenario(29)
async def starts_of_activities_that_cannot_be_meant(w: World) -> None:
    long = "x" * 1001
    cases: dict[str, Wire] = {
        "no id": {"activity_id": ""},
        "no type": {"activity_type": None},
        "empty type": {"activity_type": {"name": ""}},
        "no queue": {"task_queue": None},
        "empty queue": {"task_queue": {"name": ""}},
        "long queue": {"task_queue": {"name": long}},
        "no timeout": {"schedule_to_close_timeout": None},
        "negative": {"schedule_to_close_timeout": -1},
        "negative start": {"schedule_to_start_timeout": -1},
        "negative attempt": {"start_to_close_timeout": -1},
        "negative heartbeat": {"heartbeat_timeout": -1},
        "negative delay": {"start_delay": -1},
        "policy": {"retry_policy": {"maximum_attempts": -1}},
        "priority": {"priority": {"priority_key": -1}},
        "long id": {"activity_id": long},
        "long type": {"activity_type": {"name": long}},
        "long request": {"request_id": long},
        "long identity": {"identity": long},
        "callback": {"completion_callbacks": [{"nexus": {"url": "http://localhost/x"}}]},
        "attribute": {
            "search_attributes": {"indexed_fields": {"Nobody": text("x")["payloads"][0]}}
        },
        "namespace": {"namespace": w.id("nowhere")},
        "large": {"input": text("x" * 2_100_000)},
    }
    for label, options in cases.items():
        await w.answer(label, w.call("StartActivityExecution", **request_of(w, **options)))


@scenario(29)
async def activities_that_are_not_there(w: World) -> None:
    nowhere = "01980000-0000-7000-8000-000000000000"
    alone = await begun(w)
    for rpc in ("Describe", "Poll", "RequestCancel", "Terminate", "Delete"):
        for label, target in {
            "nobody": {"activity_id": w.id("nobody"), "run_id": ""},
            "no id": {"activity_id": ""},
            "long id": {"activity_id": "x" * 1001},
            "another run": {"run_id": nowhere},
            "no run": {"run_id": "bad"},
            "nowhere": {"namespace": w.id("nowhere")},
        }.items():
            await w.answer(f"{rpc} {label}", alone.call(rpc, **target))
    run = await w.start()
    as_activity = {"activity_id": run.workflow_id, "run_id": run.run_id}
    await w.answer("a workflow", alone.call("Describe", **as_activity))
    await w.answer(
        "no run", w.call("DescribeWorkflowExecution", execution={"workflow_id": w.id("a")})
    )
    await run.terminate()


@scenario(29)
async def activities_are_answered_by_id(w: World) -> None:
    async def by_id(rpc: str, name: str, **request: Any) -> Any:
        target: Wire = {"activity_id": w.id(name), **request}
        return await w.answer(f"{rpc} {name}", w.call(f"{rpc}ById", **target))

    alone = await begun(w, "a", retry_policy=ONCE)
    await by_id("RecordActivityTaskHeartbeat", "a")
    await by_id("RespondActivityTaskFailed", "a", failure=failure("it"))
    await by_id("RespondActivityTaskCanceled", "a")
    await w.activity()
    w.note("beat", await by_id("RecordActivityTaskHeartbeat", "a", details=text("half")))
    await by_id("RespondActivityTaskCanceled", "a")
    await by_id("RespondActivityTaskFailed", "a", failure=failure("it"), identity="me")
    await alone.outcome("fails")
    await by_id("RespondActivityTaskCompleted", "a")
    waits = await begun(w, "b", task_queue={"name": w.id("nobody")})
    await by_id("RespondActivityTaskCompleted", "b", result=text("b"), identity="me")
    await waits.outcome("completes")
    asked = await begun(w, "c")
    await w.activity()
    await asked.call("RequestCancel", identity="canceler")
    run_id = asked.target["run_id"]
    await by_id("RespondActivityTaskCanceled", "c", run_id=run_id, identity="me")
    await asked.outcome("is cancelled")
    await by_id("RespondActivityTaskCompleted", "nobody")
    await by_id("RespondActivityTaskCompleted", "c", run_id="bad")
    await w.answer("no id", w.call("RespondActivityTaskCompletedById"))


@scenario(29)
async def a_start_delay_comes_before_everything(w: World) -> None:
    alone = await begun(w, start_delay=1.5, schedule_to_close_timeout=1)
    answer = await alone.note("delayed")
    info = answer["info"]
    w.note("delay", (info["execution_time"] - info["schedule_time"]).total_seconds())
    w.note("all", (info["expiration_time"] - info["schedule_time"]).total_seconds())
    activity = await w.activity()
    activity.note()
    told = activity.answer
    waited = told["current_attempt_scheduled_time"] - told["scheduled_time"]
    w.note("waited", round(waited.total_seconds(), 1))
    await activity.complete()
    await alone.outcome()


@scenario(29)
async def changes_of_an_activity_are_waited_for(w: World) -> None:
    alone = await begun(w, retry_policy=QUICK)
    token = (await alone.call("Describe"))["long_poll_token"]
    w.note(
        "nothing within a second", await alone.call("Describe", long_poll_token=token, timeout=2)
    )
    w.note("no outcome within a second", await alone.call("Poll", timeout=2))
    waits = asyncio.ensure_future(alone.call("Describe", long_poll_token=token))
    activity = await w.activity()
    changed = await waits
    w.note("started", shown(changed))
    again = await alone.call("Describe", long_poll_token=token)
    w.note("it is known already", shown(again))
    waits = asyncio.ensure_future(alone.call("Describe", long_poll_token=again["long_poll_token"]))
    ends = asyncio.ensure_future(alone.call("Poll"))
    await activity.complete(result=text("out"))
    w.note("completed", shown(await waits))
    w.note("outcome", await ends)
    await w.answer("no run", alone.call("Describe", long_poll_token=token, run_id=""))
    await w.answer("garbage", alone.call("Describe", long_poll_token=b"garbage"))
    other = await begun(w, "other")
    await w.answer("of another", other.call("Describe", long_poll_token=token))


@scenario(29)
async def an_activity_is_deleted(w: World) -> None:
    async def gone(alone: Alone) -> None:
        while True:
            try:
                await alone.call("Describe")
            except BridgeError:
                break
            await asyncio.sleep(0.1)

    alone = await begun(w)
    await (await w.activity()).complete()
    await alone.call("Delete")
    await gone(alone)
    await w.answer("describe", alone.call("Describe"))
    await w.answer("delete again", alone.call("Delete"))
    runs = await begun(w, "runs")
    activity = await w.activity()
    await runs.call("Delete", run_id="")
    await gone(runs)
    await w.answer("complete", activity.complete())
    again = await begun(w)
    await again.note("again")


@scenario(29)
async def a_namespace_says_that_it_has_activities(w: World) -> None:
    answer = await w.call("DescribeNamespace", namespace="default")
    capabilities = answer["namespace_info"]["capabilities"]
    told = ("standalone_activities", "standalone_activity_start_delay")
    w.note("capabilities", [capabilities.get(key) for key in told])
