"""Updates: accepted, rejected, answered, and what becomes of them when a run ends (3.3)."""

import asyncio
from typing import Any

from tests.conformance.commands import Wire, command, complete, continue_as_new, start_timer, text
from tests.conformance.driver import Run, Task, World
from tests.conformance.table import scenario

STAGE = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_"


def _update(
    w: World, run: Run, name: str = "u", stage: str = "COMPLETED", **request: Any
) -> asyncio.Task[Wire]:
    call = w.call("UpdateWorkflowExecution", **{**_request(run, name, stage), **request})
    return asyncio.ensure_future(call)


def _request(run: Run, name: str, stage: str) -> Wire:
    return {
        "workflow_execution": run.execution,
        "wait_policy": {"lifecycle_stage": STAGE + stage},
        "request": {
            "meta": {"update_id": name, "identity": "updater"},
            "input": {"name": "approve", "args": text("a")},
        },
    }


async def _poll(w: World, run: Run, name: str = "u", stage: str = "COMPLETED") -> None:
    ref = {"workflow_execution": run.execution, "update_id": name}
    policy = {"lifecycle_stage": STAGE + stage} if stage else {}
    call = w.call("PollWorkflowExecutionUpdate", update_ref=ref, wait_policy=policy)
    answer = await w.answer("poll", call)
    w.note("polled", answer and {key: answer.get(key) for key in ("outcome", "stage")})


async def _noted(w: World, asked: asyncio.Task[Wire]) -> None:
    answer = await w.answer("update", asked)
    w.note("updated", answer and {key: answer.get(key) for key in ("outcome", "stage")})


def _message(message: Wire, kind: str, body: Wire) -> Wire:
    return {
        "id": f"{message['id']}/{kind.lower()}",
        "protocol_instance_id": message["protocol_instance_id"],
        "body": {"@type": f"temporal.api.update.v1.{kind}", **body},
    }


def _accept(message: Wire) -> Wire:
    body = {
        "accepted_request_message_id": message["id"],
        "accepted_request_sequencing_event_id": message["event_id"],
        "accepted_request": _asked(message),
    }
    return _message(message, "Acceptance", body)


def _asked(message: Wire) -> Wire:
    return {key: value for key, value in message["body"].items() if key != "@type"}


def _respond(message: Wire, *words: str) -> Wire:
    outcome = {"success": text(*words)}
    return _message(message, "Response", {"meta": _asked(message)["meta"], "outcome": outcome})


def _reject(message: Wire) -> Wire:
    body = {
        "rejected_request_message_id": message["id"],
        "rejected_request_sequencing_event_id": message["event_id"],
        "rejected_request": _asked(message),
        "failure": {"message": "not like this", "application_failure_info": {"type": "Bad"}},
    }
    return _message(message, "Rejection", body)


async def _answer(task: Task, *messages: Wire, commands: tuple[Wire, ...] = ()) -> None:
    placed = [
        command("protocol_message", message_id=message["id"])
        for message in messages
        if not message["id"].endswith("rejection")
    ]
    await task.complete(
        *placed,
        *commands,
        messages=list(messages),
        capabilities={"discard_speculative_workflow_task_with_events": True},
    )


async def _waiting(w: World) -> Run:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    return run


@scenario(16, 17, 18)
async def an_update_is_accepted_and_completed_at_once(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    task = await w.poll()
    task.note()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), _respond(message, "r"))
    await _noted(w, asked)
    await run.terminate()


@scenario(16, 17, 18)
async def an_update_is_accepted_now_and_completed_later(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run, stage="ACCEPTED")
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message))
    await _noted(w, asked)
    await _poll(w, run, stage="")
    await run.signal()
    await _answer(await w.poll(), _respond(message, "r"), commands=(complete(),))
    await _poll(w, run)


@scenario(17)
async def a_rejected_update_leaves_no_trace(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _reject(message))
    w.note("reset to", task.ends[-1].get("reset_history_event_id"))
    await _noted(w, asked)
    await _poll(w, run)
    await run.terminate()


@scenario(16, 17)
async def an_update_is_rejected_with_the_first_task(w: World) -> None:
    run = await w.start()
    asked = _update(w, run)
    await asyncio.sleep(0.3)
    task = await w.poll()
    task.note()
    (message,) = task.answer["messages"]
    await _answer(task, _reject(message), commands=(complete(),))
    await _noted(w, asked)


@scenario(18)
async def a_signal_makes_a_speculative_task_an_ordinary_one(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    task = await w.poll()
    await run.signal()
    (message,) = task.answer["messages"]
    await _answer(task, _reject(message))
    await _noted(w, asked)
    await (await w.poll()).complete(complete())


@scenario(18)
async def a_task_with_an_update_fails(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    await (await w.poll()).fail()
    task = await w.poll()
    task.note()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), _respond(message, "r"), commands=(complete(),))
    await _noted(w, asked)


@scenario(19)
async def an_update_that_nobody_answers_is_rejected(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    await (await w.poll()).complete()
    await _noted(w, asked)
    await run.terminate()


@scenario(19)
async def an_update_is_asked_for_twice(w: World) -> None:
    run = await _waiting(w)
    first, second = _update(w, run), _update(w, run)
    await asyncio.sleep(0.3)
    task = await w.poll()
    task.note()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), _respond(message, "r"))
    await _noted(w, first)
    await _noted(w, second)
    await _noted(w, _update(w, run))
    await run.terminate()


@scenario(20)
async def a_run_closes_with_an_accepted_update(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), commands=(complete(),))
    await _noted(w, asked)
    await _poll(w, run)


@scenario(20)
async def a_run_is_terminated_with_an_accepted_update(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message))
    await run.terminate(reason="enough")
    await _noted(w, asked)


@scenario(20)
async def a_run_closes_before_an_update_is_looked_at(w: World) -> None:
    run = await w.start()
    asked = _update(w, run)
    await asyncio.sleep(0.3)
    await run.terminate(reason="enough")
    await _noted(w, asked)


@scenario(20)
async def a_run_that_goes_on_as_new_is_closing_for_an_update(w: World) -> None:
    run = Run(w, w.id(), "")
    await w.start()
    task = await w.poll()
    asked = _update(w, run)
    await asyncio.sleep(0.3)
    await w.answer("goes on", task.complete(continue_as_new()))
    following = await w.poll()
    following.note()
    await _noted(w, asked)
    await following.complete(complete())


@scenario(21)
async def the_outcome_of_an_update_of_a_closed_run(w: World) -> None:
    run = await _waiting(w)
    asked = _update(w, run)
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), _respond(message, "r"), commands=(complete(),))
    await _noted(w, asked)
    await _noted(w, _update(w, run))
    await _noted(w, _update(w, run, "another"))
    await _poll(w, run)


@scenario(21)
async def updates_that_name_nobody(w: World) -> None:
    run = await _waiting(w)
    other = "0197a9b0-0000-7000-8000-000000000000"
    await _noted(w, _update(w, run, first_execution_run_id=other))
    await _noted(w, _update(w, Run(w, w.id("nobody"), "")))
    await _poll(w, run, "unknown")
    await run.terminate()


@scenario(19)
async def updates_that_lack_something(w: World) -> None:
    run = await _waiting(w)
    meta = {"update_id": "u"}
    await _noted(w, _update(w, run, request={"meta": meta}))
    await _noted(w, _update(w, run, request={"meta": meta, "input": {"args": text("a")}}))
    await run.terminate()


async def _with_start(w: World, start: Wire, name: str = "u") -> asyncio.Task[Wire]:
    run = Run(w, w.id(), "")
    started = {
        "workflow_id": w.id(),
        "workflow_type": {"name": "T"},
        "task_queue": {"name": w.queue},
        "namespace": "default",
        **start,
    }
    update = {"namespace": "default", **_request(run, name, "COMPLETED")}
    operations = [{"start_workflow": started}, {"update_workflow": update}]
    call = w.call("ExecuteMultiOperation", operations=operations)
    asked = asyncio.ensure_future(call)
    await asyncio.sleep(0.3)
    return asked


@scenario(22)
async def an_update_with_a_start(w: World) -> None:
    asked = await _with_start(w, {})
    task = await w.poll()
    task.note()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), _respond(message, "r"), commands=(complete(),))
    await w.answer("both", asked)


@scenario(22)
async def an_update_with_a_start_of_a_run_that_is_there(w: World) -> None:
    await _waiting(w)
    policy = "WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING"
    asked = await _with_start(w, {"workflow_id_conflict_policy": policy})
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _accept(message), _respond(message, "r"), commands=(complete(),))
    await w.answer("both", asked)


@scenario(22)
async def an_update_with_a_start_that_fails(w: World) -> None:
    run = await _waiting(w)
    policy = "WORKFLOW_ID_CONFLICT_POLICY_FAIL"
    await w.answer("both", await _with_start(w, {"workflow_id_conflict_policy": policy}))
    await run.terminate()


@scenario(22)
async def an_update_with_a_start_that_is_rejected(w: World) -> None:
    asked = await _with_start(w, {})
    task = await w.poll()
    (message,) = task.answer["messages"]
    await _answer(task, _reject(message), commands=(complete(),))
    await w.answer("both", asked)
