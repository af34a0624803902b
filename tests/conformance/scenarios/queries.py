"""Queries: direct and travelling ones, rejections, failures (3.5)."""

import asyncio
from typing import Any

from tests.conformance.commands import Wire, complete, failure, start_timer, text
from tests.conformance.driver import Run, Task, World
from tests.conformance.table import scenario


def _query(w: World, run: Run, **request: Any) -> asyncio.Task[Any]:
    call = w.call(
        "QueryWorkflow",
        execution=run.execution,
        query={"query_type": "q", "query_args": text("a")},
        **request,
    )
    return asyncio.ensure_future(call)


async def _answer(w: World, task: Task, **request: Any) -> None:
    answered: Wire = {"completed_type": "QUERY_RESULT_TYPE_ANSWERED", "query_result": text("r")}
    call = w.call("RespondQueryTaskCompleted", task_token=task.token, **{**answered, **request})
    await w.answer("answered", call)


async def _waiting(w: World) -> Run:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    return run


@scenario(30)
async def a_query_of_an_idle_run(w: World) -> None:
    run = await _waiting(w)
    asked = _query(w, run)
    task = await w.poll()
    task.note()
    await _answer(w, task)
    w.note("result", (await asked).get("query_result"))
    await run.terminate()


@scenario(30)
async def a_query_of_a_closed_run(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(complete())
    asked = _query(w, run)
    task = await w.poll()
    task.note()
    await _answer(w, task)
    await w.answer("query", asked)


@scenario(30)
async def a_query_travels_with_a_task(w: World) -> None:
    run = await _waiting(w)
    await run.signal()
    asked = _query(w, run)
    await asyncio.sleep(0.3)
    task = await w.poll()
    task.note()
    (name,) = task.answer["queries"]
    result = {"result_type": "QUERY_RESULT_TYPE_ANSWERED", "answer": text("r")}
    await task.complete(complete(), query_results={name: result})
    w.note("result", (await asked).get("query_result"))


@scenario(30)
async def a_query_that_travelled_fails(w: World) -> None:
    run = await _waiting(w)
    await run.signal()
    asked = _query(w, run)
    await asyncio.sleep(0.3)
    task = await w.poll()
    (name,) = task.answer["queries"]
    result = {"result_type": "QUERY_RESULT_TYPE_FAILED", "error_message": "no such query"}
    await task.complete(complete(), query_results={name: result})
    await w.answer("query", asked)


@scenario(30)
async def a_query_during_a_task_is_asked_afterwards(w: World) -> None:
    run = await w.start()
    task = await w.poll()
    asked = _query(w, run)
    await asyncio.sleep(0.3)
    await task.complete(start_timer("t", 60))
    direct = await w.poll()
    direct.note()
    await _answer(w, direct)
    await w.answer("query", asked)
    await run.terminate()


@scenario(32)
async def a_handler_that_fails(w: World) -> None:
    run = await _waiting(w)
    asked = _query(w, run)
    failed = {"completed_type": "QUERY_RESULT_TYPE_FAILED", "error_message": "no such query"}
    await _answer(w, await w.poll(), query_result=None, failure=failure("why"), **failed)
    await w.answer("query", asked)
    await run.terminate()


@scenario(32)
async def a_query_is_answered_once(w: World) -> None:
    run = await _waiting(w)
    asked = _query(w, run)
    task = await w.poll()
    await _answer(w, task)
    await _answer(w, task)
    await w.answer("query", asked)
    await run.terminate()


@scenario(32)
async def a_query_before_the_first_task(w: World) -> None:
    run = await w.start(workflow_start_delay=60)
    await w.answer("query", _query(w, run))
    await run.terminate()


@scenario(32)
async def queries_that_are_rejected(w: World) -> None:
    run = await _waiting(w)
    await run.terminate()
    for condition in ("NOT_OPEN", "NOT_COMPLETED_CLEANLY"):
        name = f"QUERY_REJECT_CONDITION_{condition}"
        answer = await w.answer("query", _query(w, run, query_reject_condition=name))
        w.note(condition, answer)


@scenario(32)
async def a_query_of_nobody(w: World) -> None:
    await w.answer("query", _query(w, Run(w, w.id("nobody"), "")))
    run = await _waiting(w)
    call = w.call("QueryWorkflow", execution=run.execution)
    await w.answer("no query", call)
    await run.terminate()


@scenario(32)
async def a_query_after_the_task_failed_again_and_again(w: World) -> None:
    run = await w.start()
    await (await w.poll()).complete(start_timer("t", 60))
    await run.signal()
    for _ in range(3):
        await (await w.poll()).fail()
    await w.answer("query", _query(w, run))
    await run.terminate()
