"""Other commands: markers, memo, attributes, closing, continuing as new; bad ones (3.1, 10)."""

from typing import Any

from hourglass._bridge import Payload
from tests.conformance.commands import (
    Wire,
    cancel,
    command,
    complete,
    continue_as_new,
    fail,
    marker,
    signal_external,
    start_child,
    text,
)
from tests.conformance.driver import World
from tests.conformance.table import scenario

LARGE = {"payloads": [Payload(metadata={"encoding": b"json/plain"}, data=b"x" * (3 << 20))]}


@scenario(1)
async def markers_are_written(w: World) -> None:
    await w.start()
    one = marker("m", data=text("x", "y"), other=text("z"))
    await (await w.poll()).complete(one, marker("empty"), complete())


@scenario(10)
async def markers_with_attributes_that_cannot_be_meant(w: World) -> None:
    await w.refused({"no name": marker(""), "long name": marker("m" * 1001)})


@scenario(1)
async def a_run_completes_fails_or_is_cancelled(w: World) -> None:
    closing: dict[str, Wire] = {
        "nothing": complete(),
        "value": complete("one", "two"),
        "failure": fail("planned", details=text("why"), non_retryable=True),
        "cancelled": cancel("why"),
        "cancelled without a word": command("cancel_workflow_execution"),
    }
    for label, one in closing.items():
        await w.start(label.replace(" ", "-"))
        await w.answer(label, (await w.poll()).complete(one))


@scenario(10)
async def closing_commands_with_attributes_that_cannot_be_meant(w: World) -> None:
    await w.refused(
        {
            "no failure": command("fail_workflow_execution"),
            "long type": continue_as_new(workflow_type={"name": "t" * 1001}),
        }
    )


@scenario(10)
async def times_of_the_next_run_that_cannot_be_meant(w: World) -> None:
    await w.refused(
        {
            "negative run timeout": continue_as_new(workflow_run_timeout=-1),
            "negative task timeout": continue_as_new(workflow_task_timeout=-1),
            "negative backoff": continue_as_new(backoff_start_interval=-1),
        }
    )


@scenario(10)
async def next_runs_that_the_server_refuses_without_failing_the_task(w: World) -> None:
    await w.refused(
        {
            "long queue": continue_as_new(task_queue={"name": "t" * 1001}),
            "bad policy": continue_as_new(
                retry_policy={"initial_interval": 1, "backoff_coefficient": 0.5}
            ),
        },
    )


@scenario(1, 36)
async def a_run_continues_as_new_and_inherits(w: World) -> None:
    await w.start(
        memo={"fields": {"m": text("x")["payloads"][0]}},
        workflow_run_timeout=30,
        workflow_task_timeout=7,
        input=text("in"),
        header={"fields": {"h": text("y")["payloads"][0]}},
        retry_policy={"initial_interval": 1, "maximum_attempts": 2},
    )
    await (await w.poll()).complete(continue_as_new(input=text("next")))
    task = await w.poll()
    task.note()
    await task.complete(continue_as_new(workflow_type={}, task_queue={}))
    await (await w.poll()).complete(complete())


@scenario(36)
async def a_run_continues_as_new_with_everything_other(w: World) -> None:
    await w.start()
    other: dict[str, Any] = {
        "workflow_type": {"name": "U"},
        "task_queue": {"name": w.id("other")},
        "workflow_run_timeout": 40,
        "workflow_task_timeout": 3,
        "backoff_start_interval": 0.5,
        "initiator": "CONTINUE_AS_NEW_INITIATOR_WORKFLOW",
        "memo": {"fields": {"m": text("x")["payloads"][0]}},
        "last_completion_result": text("last"),
        "failure": {"message": "earlier"},
    }
    await (await w.poll()).complete(continue_as_new(**other))
    task = await w.poll("other")
    task.note()
    await task.complete(complete())


@scenario(1)
async def a_memo_is_changed(w: World) -> None:
    (word,) = text("x")["payloads"]
    null = Payload(metadata={"encoding": b"binary/null"})
    run = await w.start(memo={"fields": {"keep": word, "drop": word}})
    upserted = {"fields": {"new": word, "drop": null, "empty": Payload()}}
    await (await w.poll()).complete(command("modify_workflow_properties", upserted_memo=upserted))
    w.note("memo", (await run.describe())["workflow_execution_info"].get("memo"))
    await run.terminate(reason="over")


@scenario(10)
async def memos_that_cannot_be_meant(w: World) -> None:
    await w.refused(
        {
            "nothing": command("modify_workflow_properties"),
            "empty": command("modify_workflow_properties", upserted_memo={"fields": {}}),
        },
    )


@scenario(10)
async def search_attributes_that_cannot_be_meant(w: World) -> None:
    kind = "upsert_workflow_search_attributes"
    await w.refused(
        {
            "nothing": command(kind),
            "empty": command(kind, search_attributes={"indexed_fields": {}}),
        },
    )


@scenario(10)
async def search_attributes_that_nobody_registered(w: World) -> None:
    unknown = {"indexed_fields": {"Surprise": keyword("x")}}
    await w.start()
    change = command("upsert_workflow_search_attributes", search_attributes=unknown)
    await w.answer("upsert", (await w.poll()).complete(change))


def keyword(value: str) -> Payload:
    """Encode a search attribute."""
    metadata = {"encoding": b"json/plain", "type": b"Keyword"}
    return Payload(metadata=metadata, data=f'"{value}"'.encode())


@scenario(10)
async def messages_to_others_with_attributes_that_cannot_be_meant(w: World) -> None:
    kind = "request_cancel_external_workflow_execution"
    await w.refused(
        {
            "signal nobody": signal_external("", "s"),
            "signal nothing": signal_external(w.id("x"), ""),
            "signal a bad run": signal_external(w.id("x"), "s", run_id="r"),
            "signal long": signal_external("x" * 1001, "s"),
            "cancel nobody": command(kind),
            "cancel a bad run": command(kind, workflow_id=w.id("x"), run_id="r"),
            "cancel long": command(kind, workflow_id="x" * 1001),
            "child without id": start_child(""),
            "child without type": start_child(w.id("c"), workflow_type={}),
            "child long": start_child("x" * 1001),
            "child negative": start_child(w.id("c"), workflow_run_timeout=-1),
        }
    )


@scenario(10)
async def children_that_the_server_refuses_without_failing_the_task(w: World) -> None:
    await w.refused(
        {
            "child bad cron": start_child(w.id("c"), cron_schedule="never"),
            "child elsewhere": start_child(w.id("c"), namespace="nowhere"),
        },
    )


@scenario(10)
async def a_command_without_attributes_is_refused(w: World) -> None:
    kinds = ("START_TIMER", "SCHEDULE_ACTIVITY_TASK", "COMPLETE_WORKFLOW_EXECUTION")
    for kind in kinds:
        await w.start(kind.lower(), workflow_task_timeout=1)
        task = await w.poll()
        await w.answer(kind, task.complete({"command_type": f"COMMAND_TYPE_{kind}"}))
        if await w.waits(task):
            await w.note_next(kind)


@scenario(10)
async def a_command_that_is_none_is_refused(w: World) -> None:
    await w.start(workflow_task_timeout=1)
    task = await w.poll()
    await w.answer("none", task.complete({"command_type": 0}))
    await w.note_next("none")


@scenario(10)
async def what_is_too_large_ends_the_run(w: World) -> None:
    large: dict[str, Wire] = {
        "activity": command(
            "schedule_activity_task",
            activity_id="a",
            activity_type={"name": "A"},
            task_queue={"name": w.queue},
            schedule_to_close_timeout=10,
            input=LARGE,
        ),
        "result": command("complete_workflow_execution", result=LARGE),
        "marker": marker("m", data=LARGE),
        "continue": continue_as_new(input=LARGE),
        "signal": signal_external(w.id("x"), "s", input=LARGE),
        "child": start_child(w.id("c"), input=LARGE),
        "memo": command(
            "modify_workflow_properties",
            upserted_memo={"fields": {"m": LARGE["payloads"][0]}},
        ),
    }
    for label, one in large.items():
        await w.start(label)
        await w.answer(label, (await w.poll()).complete(one))


@scenario(10)
async def a_failure_that_is_too_large_is_cut(w: World) -> None:
    await w.start()
    task = await w.poll()
    await w.answer("fail", task.complete(fail("x", details=LARGE)))


@scenario()
async def what_is_too_large_is_refused_from_clients(w: World) -> None:
    await w.answer("start", w.start(input=LARGE))
    run = await w.start("other")
    await w.answer("signal", run.signal(input=LARGE))
    memo = {"fields": {"m": LARGE["payloads"][0]}}
    await w.answer("memo", w.start("memo", memo=memo))
    await run.terminate(reason="over")
