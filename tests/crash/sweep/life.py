"""One life: a process that works, or talks to the workflow, or both, until it is done or killed.

What the engine told it, it writes down at once: who started it holds the engine to that.
"""

import asyncio
import ctypes
import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from hourglass.client import Client, WorkflowFailureError, WorkflowHandle
from hourglass.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from hourglass.exceptions import DatabaseInUseError
from hourglass.service import RPCError, RPCStatusCode
from hourglass.worker import Worker
from tests.crash.sweep.programs import (
    ACTIVITIES,
    PROGRAMS,
    TASK_TIMEOUT,
    WORKFLOWS,
    Program,
    Records,
    Talk,
)
from tests.crash.sweep.record import histories, names

WAIT = 30
"""Seconds that a life waits for the one before it to let go of the database."""


def tell(kind: str, value: Any = None, event: str | None = None, times: int = 1) -> None:
    """Write a line that survives the kill, with the event that it proves to be on record."""
    os.write(1, (json.dumps([kind, value, event, times]) + "\n").encode())


def live(options: dict[str, Any], told: int, errors: int, gate: int) -> None:
    """Be the process that the options want; whatever it lets out asks at the gate if there is one.

    The gate's descriptor stays open to the end in any case: that it closes says that this is over.
    """
    os.dup2(told, 1)
    os.dup2(errors, 2)
    os.close(told)
    os.close(errors)
    if options["gated"]:
        ctypes.CDLL(None).gate_open_to(gate)
    asyncio.run(main(options))


async def main(options: dict[str, Any]) -> None:
    """Play the role."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    name, target = options["name"], options["target"]
    program = PROGRAMS[options["program"]]
    if options["overlapping"] and target.startswith("sqlite:"):
        target = await refused_and_willing_to_wait(target)
    async with await Client.connect(target, identity="life") as client:
        records = partial(histories, client, program.ids(name))
        if options["role"] == "client":
            await talk(client, program, name, records)
            return
        if options["role"] == "both":
            tell("found", names(await records(), name))
        worker = Worker(
            client,
            task_queue=name,
            workflows=WORKFLOWS,
            activities=ACTIVITIES,
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        )
        async with worker:
            tell("works")
            if options["role"] == "both":
                await talk(client, program, name, records)
            else:
                await stop.wait()


async def refused_and_willing_to_wait(target: str) -> str:
    """See that the database is refused while another process has it; the target to wait for it."""
    try:
        await Client.connect(target)
    except DatabaseInUseError as error:
        tell("refused", str(error))
    return f"{target}?wait={WAIT}"


async def talk(client: Client, program: Program, name: str, records: Records) -> None:
    """Start the workflow unless an earlier life did, talk to it, and tell how it ended."""
    handle = await find_or_start(client, program, name)
    await program.client(Talk(handle, records, tell))
    try:
        result: Any = await handle.result()
    except WorkflowFailureError as failure:
        result = type(failure.cause).__name__
    tell("result", result, program.end)
    runs = await records()
    while len(runs) < program.runs or not all(is_closed(run["events"]) for run in runs):
        runs = await records()
    tell("histories", runs)


def is_closed(events: list[dict[str, Any]]) -> bool:
    """Tell whether a run is over by its last event."""
    ends: Callable[[str], bool] = events[-1]["eventType"].endswith
    return any(map(ends, ("EXECUTION_COMPLETED", "EXECUTION_CANCELED", "CONTINUED_AS_NEW")))


async def find_or_start(client: Client, program: Program, name: str) -> WorkflowHandle[Any, Any]:
    """Start the workflow, or find it; either way its first run's id is told."""
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(name)
    try:
        first = (await handle.fetch_history()).events[0][
            "workflow_execution_started_event_attributes"
        ]
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
    else:
        tell("run", first["first_execution_run_id"])
        return handle
    started = await client.start_workflow(
        program.workflow,
        id=name,
        task_queue=name,
        task_timeout=TASK_TIMEOUT,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
    )
    tell("run", started.first_execution_run_id, "WorkflowExecutionStarted")
    return handle
