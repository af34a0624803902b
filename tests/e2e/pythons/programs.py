"""Run as a script: ``programs.py record FOLDER`` runs every program and writes its history and its
result; ``programs.py replay FOLDER`` replays all histories there and prints what does not fit.

Only what comes with Python 3.10 and the package may be imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHandle, WorkflowHistory
from hourglass.exceptions import ActivityError
from hourglass.worker import Replayer, Worker

LIMIT = timedelta(seconds=20)
PROGRAMS: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {}


@activity.defn
def after(seconds: float) -> str:
    """Give a value in a while, whatever happens meanwhile."""
    time.sleep(seconds)
    return "value"


async def value_after(seconds: float) -> str:
    wait = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
    return await workflow.execute_activity(
        after, seconds, start_to_close_timeout=LIMIT, cancellation_type=wait
    )


async def value_at(seconds: float) -> str:
    """Give a value by a timer, which a service records in order with other timers."""
    await asyncio.sleep(seconds)
    return "value"


async def be_busy_while_both_come() -> None:
    """Keep the workflow's task, so that the next one brings all that happens meanwhile."""
    await workflow.sleep(0.001)
    if not workflow.unsafe.is_replaying():
        time.sleep(0.3)  # noqa: ASYNC251 - slow code: the events of this while come together


def program(fn: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], Coroutine[Any, Any, Any]]:
    PROGRAMS[fn.__name__] = fn
    return fn


async def outcome(waited: Any) -> str:
    try:
        return str(await waited)
    except asyncio.TimeoutError:
        return "too late"
    except ActivityError as error:
        return type(error.cause).__name__


async def with_a_busy_loop(waited: Any) -> str:
    busy = asyncio.create_task(be_busy_while_both_come())
    result = await outcome(waited)
    await busy
    return result


@program
async def wait_for_of_a_coroutine_deadline_first() -> str:
    return await with_a_busy_loop(asyncio.wait_for(value_after(0.15), 0.05))


@program
async def wait_for_of_a_coroutine_value_first() -> str:
    return await with_a_busy_loop(asyncio.wait_for(value_at(0.05), 0.15))


@program
async def wait_for_of_a_handle_deadline_first() -> str:
    handle = workflow.start_activity(after, 0.15, start_to_close_timeout=LIMIT)
    return await with_a_busy_loop(asyncio.wait_for(handle, 0.05))


@program
async def wait_for_of_a_task_deadline_first() -> str:
    task = asyncio.create_task(value_after(0.15))
    return await with_a_busy_loop(asyncio.wait_for(task, 0.05))


@program
async def wait_for_whose_value_comes_later() -> str:
    return await outcome(asyncio.wait_for(value_after(0.15), 0.05))


@program
async def wait_for_of_no_time() -> str:
    return await outcome(asyncio.wait_for(workflow.sleep(5), 0))


@program
async def wait_for_inside_wait_for() -> list[str]:
    async def inner() -> str:
        return await outcome(asyncio.wait_for(value_after(0.15), 0.1))

    return [await with_a_busy_loop(asyncio.wait_for(inner(), 0.05))]


@program
async def commands_of_limited_waits_in_order() -> list[Any]:
    waits = [asyncio.wait_for(value_after(0.01), 9), value_after(0.01), asyncio.sleep(0.01)]
    return list(await asyncio.gather(*waits))


@program
async def tasks_made_under_limits_have_the_same_names() -> list[str | None]:
    names: list[str | None] = []

    async def say() -> None:
        task = asyncio.current_task()
        names.append(None if task is None else task.get_name())

    await asyncio.wait_for(say(), 5)
    await asyncio.gather(asyncio.wait_for(say(), 5), say(), say())
    return names


@program
async def condition_deadline_first() -> str:
    done: list[str] = []

    async def fill() -> None:
        done.append(await value_after(0.15))

    task = asyncio.create_task(fill())
    result = await with_a_busy_loop(workflow.wait_condition(lambda: bool(done), timeout=0.05))
    await task
    return result


@program
async def condition_value_first() -> str:
    done: list[str] = []

    async def fill() -> None:
        done.append(await value_at(0.05))

    task = asyncio.create_task(fill())
    result = await with_a_busy_loop(workflow.wait_condition(lambda: bool(done), timeout=0.15))
    await task
    return result


if sys.version_info >= (3, 11):

    @program
    async def timeout_scope_deadline_first() -> str:
        async def scoped() -> str:
            async with asyncio.timeout(0.05):
                return await value_after(0.15)

        return await with_a_busy_loop(scoped())

    @program
    async def timeout_scope_that_is_moved() -> str:
        async def scoped() -> str:
            async with asyncio.timeout(5) as scope:
                scope.reschedule(asyncio.get_running_loop().time() + 0.05)
                return await value_after(0.15)

        return await outcome(scoped())

    @program
    async def task_group_under_a_limit() -> str:
        async def group() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(workflow.sleep(5))
                tasks.create_task(workflow.sleep(6))

        return await outcome(asyncio.wait_for(group(), 0.05))


@workflow.defn
class Runs:
    @workflow.run
    async def run(self, name: str) -> Any:
        return await PROGRAMS[name]()


async def record(folder: Path) -> None:
    """Run every program and write ``NAME.json``: its result and its history."""
    client = await Client.connect("sqlite://")
    with ThreadPoolExecutor(32) as threads:
        async with Worker(
            client, task_queue="q", workflows=[Runs], activities=[after], activity_executor=threads
        ):
            for name in PROGRAMS:  # one by one: each keeps the evaluator busy
                handle: WorkflowHandle[Any, Any] = await client.start_workflow(
                    Runs.run, name, id=name, task_queue="q"
                )
                result = await handle.result()
                history = (await handle.fetch_history()).to_json()
                content = {"result": result, "history": json.loads(history)}
                (folder / f"{name}.json").write_text(json.dumps(content))
    await client.close()


async def replay(histories: dict[str, Any]) -> list[str]:
    """Replay histories, each named ``VERSION/PROGRAM``; what does not fit, in words."""
    replayer = Replayer(workflows=[Runs])
    found: list[str] = []
    for name, history in histories.items():
        result = await replayer.replay_workflow(
            WorkflowHistory.from_json(name, history), raise_on_replay_failure=False
        )
        if result.replay_failure is not None:
            found.append(f"{name}: {result.replay_failure!r}")
    return found


def read(folder: Path) -> dict[str, Any]:
    """Read the histories below `folder` of programs that this Python has."""
    return {
        f"{file.parent.name}/{file.stem}": json.loads(file.read_text())["history"]
        for file in sorted(folder.glob("*/*.json"))
        if file.stem in PROGRAMS
    }


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    if what == "record":
        asyncio.run(record(where))
    else:
        sys.stdout.write("\n".join(asyncio.run(replay(read(where)))))
