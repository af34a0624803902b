"""Starts: ids, request ids, reuse and conflict policies, delays, what is refused (3.6)."""

import asyncio
from typing import Any

from tests.conformance.commands import complete, fail, text
from tests.conformance.driver import Run, World
from tests.conformance.table import scenario

USE_EXISTING = "WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING"
TERMINATE_EXISTING = "WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING"
REUSE = "WORKFLOW_ID_REUSE_POLICY_"


async def _ended(w: World, how: Any = None) -> Run:
    run = await w.start()
    await (await w.poll()).complete(how or complete("first"))
    return run


async def _refused(w: World, **request: Any) -> None:
    await w.answer("start", w.start(**request))


@scenario(33)
async def a_start_with_everything_that_there_is_to_say(w: World) -> None:
    await w.start(
        input=text("a", "b"),
        workflow_execution_timeout=100,
        workflow_run_timeout=50,
        workflow_task_timeout=5,
        memo={"fields": {"note": text("m")["payloads"][0]}},
        header={"fields": {"trace": text("h")["payloads"][0]}},
        retry_policy={"maximum_attempts": 2},
        user_metadata={"summary": text("s")["payloads"][0]},
        priority={"priority_key": 2, "fairness_key": "f", "fairness_weight": 1.0},
        identity="someone",
    )
    task = await w.poll()
    task.note()
    await task.complete(complete())


@scenario(33)
async def the_description_of_a_new_run(w: World) -> None:
    run = await w.start(workflow_run_timeout=50, workflow_execution_timeout=1)
    described = await run.describe()
    w.note("config", described["execution_config"])
    info = described["workflow_execution_info"]
    w.note("status", info["status"])
    w.note("root", info.get("root_execution"))
    w.note("length", info["history_length"])
    await run.terminate(reason="enough")


@scenario(34)
async def a_repeated_request_is_the_same_start(w: World) -> None:
    first = await w.start(request_id="r")
    again = await w.start(request_id="r")
    w.note("the same", first.run_id == again.run_id)
    await (await w.poll()).complete(complete())
    closed = await w.start(request_id="r")
    w.note("the same when closed", first.run_id == closed.run_id)


@scenario(34)
async def a_second_start_of_a_running_workflow_fails(w: World) -> None:
    await w.start(request_id="one")
    await _refused(w, request_id="two")
    await (await w.poll()).complete(complete())


@scenario(34)
async def a_second_start_uses_the_existing_run(w: World) -> None:
    first = await w.start()
    answer = await w.call(
        "StartWorkflowExecution",
        workflow_id=first.workflow_id,
        workflow_type={"name": "T"},
        task_queue={"name": w.queue},
        workflow_id_conflict_policy=USE_EXISTING,
    )
    w.note("the same", answer["run_id"] == first.run_id)
    w.note("started", answer.get("started"))
    w.note("status", answer.get("status"))
    await (await w.poll()).complete(complete())


@scenario(34)
async def a_second_start_terminates_the_existing_run(w: World) -> None:
    await w.start()
    await asyncio.sleep(1.2)  # the server throttles restarts
    await w.start(workflow_id_conflict_policy=TERMINATE_EXISTING)
    await (await w.poll()).complete(complete())


@scenario(34)
async def the_old_policy_terminates_if_running(w: World) -> None:
    await w.start()
    await asyncio.sleep(1.2)
    await w.start(workflow_id_reuse_policy=REUSE + "TERMINATE_IF_RUNNING")
    await (await w.poll()).complete(complete())


@scenario(34)
async def the_old_policy_does_not_go_with_a_new_one(w: World) -> None:
    await _refused(
        w,
        workflow_id_reuse_policy=REUSE + "TERMINATE_IF_RUNNING",
        workflow_id_conflict_policy=USE_EXISTING,
    )


@scenario(34)
async def rejecting_duplicates_and_terminating_do_not_go_together(w: World) -> None:
    await _refused(
        w,
        workflow_id_reuse_policy=REUSE + "REJECT_DUPLICATE",
        workflow_id_conflict_policy=TERMINATE_EXISTING,
    )


@scenario(34)
async def a_closed_workflow_may_be_started_again(w: World) -> None:
    await _ended(w)
    await w.start()
    await (await w.poll()).complete(complete())


@scenario(34)
async def a_closed_workflow_is_not_started_again_if_duplicates_are_rejected(w: World) -> None:
    await _ended(w)
    await _refused(w, workflow_id_reuse_policy=REUSE + "REJECT_DUPLICATE")


@scenario(34)
async def a_completed_workflow_is_not_started_again_if_only_failed_ones_are(w: World) -> None:
    await _ended(w)
    await _refused(w, workflow_id_reuse_policy=REUSE + "ALLOW_DUPLICATE_FAILED_ONLY")


@scenario(34)
async def a_failed_workflow_is_started_again_if_only_failed_ones_are(w: World) -> None:
    await _ended(w, fail("broken"))
    await w.start(workflow_id_reuse_policy=REUSE + "ALLOW_DUPLICATE_FAILED_ONLY")
    await (await w.poll()).complete(complete())


@scenario(34)
async def a_terminated_workflow_is_started_again_if_only_failed_ones_are(w: World) -> None:
    run = await w.start()
    await run.terminate(reason="enough")
    await w.start(workflow_id_reuse_policy=REUSE + "ALLOW_DUPLICATE_FAILED_ONLY")
    await (await w.poll()).complete(complete())


@scenario(35)
async def a_request_is_attached_to_the_existing_run(w: World) -> None:
    first = await w.start(request_id="first")
    w.note("attached", await _attached(w, attach_request_id=True))
    w.note("again", await _attached(w, attach_request_id=True))
    w.note("known", await _known_requests(first))
    await (await w.poll()).complete(complete())
    w.note("after its end", await _attached(w, attach_request_id=True))
    w.note("still known", await _known_requests(first))


@scenario(35)
async def a_request_is_attached_while_a_worker_has_the_task(w: World) -> None:
    run = await w.start(request_id="first")
    task = await w.poll()
    w.note("attached", await _attached(w, attach_request_id=True))
    w.note("again", await _attached(w, attach_request_id=True))
    w.note("held back", await _known_requests(run))
    await task.complete()
    w.note("let in", await _known_requests(run))
    await w.no_task()
    await run.terminate(reason="enough")


@scenario(35)
async def links_are_attached_and_no_request(w: World) -> None:
    run = await w.start(request_id="first")
    event = {"namespace": "default", "workflow_id": "other", "run_id": run.run_id}
    links = [{"workflow_event": event}]
    w.note("links", await _attached(w, links=links, attach_links=True))
    w.note("other links", await _attached(w, links=links))
    w.note("known", await _known_requests(run))
    wrong = {"attach_completion_callbacks": True}
    await w.answer("callbacks alone", w.start(on_conflict_options=wrong))
    await run.terminate(reason="enough")


@scenario(35)
async def callbacks_that_nobody_would_call(w: World) -> None:
    for url in "http://localhost:1/done", "ftp://localhost/done":
        await w.answer(url, w.start(completion_callbacks=[{"nexus": {"url": url}}]))
    await w.answer("none", w.start(completion_callbacks=[{}]))


async def _attached(w: World, links: Any = (), **options: bool) -> Any:
    """Start again, and settle for the run that is there; the answer but for what
    newer servers say more of it.
    """
    told = ("link", "first_execution_run_id")
    answer = await w.call(
        "StartWorkflowExecution",
        workflow_id=w.id(),
        workflow_type={"name": "T"},
        task_queue={"name": w.queue},
        request_id="attached",
        workflow_id_conflict_policy=USE_EXISTING,
        links=links,
        on_conflict_options=options,
    )
    return {key: item for key, item in answer.items() if key not in told}


async def _known_requests(run: Run) -> Any:
    return (await run.describe())["workflow_extended_info"]["request_id_infos"]


@scenario(34)
async def starts_that_lack_something(w: World) -> None:
    await w.answer("id", w.start(workflow_id=""))
    await w.answer("type", w.start(workflow_type={}))
    await w.answer("queue", w.start(task_queue={}))
    await w.answer("long id", w.start(workflow_id="x" * 2000))


@scenario(34)
async def starts_with_bad_numbers(w: World) -> None:
    await w.answer("timeout", w.start(workflow_run_timeout=-1))
    await w.answer("delay", w.start(workflow_start_delay=-1))
    await w.answer("cron", w.start(cron_schedule="every day"))
    await w.answer("both", w.start(cron_schedule="* * * * *", workflow_start_delay=1))
    await w.answer("attempts", w.start(retry_policy={"maximum_attempts": -1}))
    await w.answer("coefficient", w.start(retry_policy={"backoff_coefficient": 0.5}))
    intervals = {"initial_interval": 5, "maximum_interval": 1}
    await w.answer("intervals", w.start(retry_policy=intervals))


@scenario(1)
async def a_start_delay_passes(w: World) -> None:
    await w.start(workflow_start_delay=1)
    await (await w.poll()).complete(complete())


@scenario(38)
async def a_delayed_run_is_cancelled(w: World) -> None:
    run = await w.start(workflow_start_delay=1)
    await run.request_cancel(reason="not needed")
    await (await w.poll()).complete(complete())


@scenario(38)
async def a_cancel_is_requested_once(w: World) -> None:
    run = await w.start()
    await w.answer("first", run.request_cancel(reason="one", request_id="a"))
    await w.answer("same", run.request_cancel(reason="one", request_id="a"))
    await w.answer("other", run.request_cancel(reason="two", request_id="b"))
    await (await w.poll()).complete(complete())
    await w.answer("closed", run.request_cancel(reason="three"))


@scenario(38)
async def a_terminated_run_knows_who_and_why(w: World) -> None:
    run = await w.start()
    await run.terminate(reason="enough", details=text("d"), identity="someone")
    await w.answer("again", run.terminate(reason="more"))


@scenario(21, 38)
async def requests_that_name_another_first_run(w: World) -> None:
    run = await w.start()
    other = "0197a9b0-0000-7000-8000-000000000000"
    await w.answer("cancel", run.request_cancel(first_execution_run_id=other))
    await w.answer("terminate", run.terminate(first_execution_run_id=other))
    await run.terminate(first_execution_run_id=run.run_id)


@scenario(38)
async def requests_about_a_run_that_is_not_there(w: World) -> None:
    run = Run(w, w.id("nobody"), "")
    await w.answer("signal", run.signal())
    await w.answer("cancel", run.request_cancel())
    await w.answer("terminate", run.terminate())
    await w.answer("describe", run.describe())
    run.run_id = "not a run id"
    await w.answer("signal to no id", run.signal())


@scenario(38)
async def a_closed_run_takes_no_signal(w: World) -> None:
    run = await _ended(w)
    await w.answer("signal", run.signal())


@scenario(38)
async def a_signal_counts_once(w: World) -> None:
    run = await w.start()
    await run.signal(request_id="r", input=text("one"))
    await run.signal(request_id="r", input=text("two"))
    await run.signal(request_id="s", input=text("three"))
    await (await w.poll()).complete(complete())
