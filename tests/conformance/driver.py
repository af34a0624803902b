"""What a scenario drives an engine with: any RPC, and a scripted worker that takes its tasks.

A `World` is one scenario on one engine, with ids and queues of its own. What is compared in the end
is whatever it was told to note, and the histories of all runs that the scenario touched.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hourglass._aio import hub
from hourglass._bridge import BridgeError, Client, Operation, status_name
from tests.conformance.commands import Wire, complete
from tests.support import short_name

T = TypeVar("T")
PATIENCE = 15.0
"""Seconds that a scenario waits for what has to come."""
STICKY = "TASK_QUEUE_KIND_STICKY"


async def finished(operation: Operation[T]) -> T:
    """Return the operation's result; raises `BridgeError`, as it came."""
    await hub().wait(operation, shared=False)
    return operation.result()


@dataclass(frozen=True)
class Clients:
    """An engine's clients."""

    client: Client
    reader: Client
    """Is told only what is written, not the events of a task that may come to nothing."""


class World:
    """One scenario on one engine."""

    def __init__(self, clients: Clients, embedded: bool) -> None:
        self.client = clients.client
        self.reader = clients.reader
        self.embedded = embedded
        """To tell on which engine; for error messages, never for a scenario."""
        self.token = uuid.uuid4().hex[:12]
        self.queue = f"queue-{self.token}"
        self.observed: list[tuple[str, Any]] = []
        self._runs: dict[tuple[str, str], None] = {}
        self._gone: set[tuple[str, str]] = set()

    # --- noting ------------------------------------------------------------------------------

    def note(self, label: str, value: Any) -> None:
        """Have a value compared, under a label; ids and times in it are scrubbed."""
        self.observed.append((label, value))

    async def answer(self, label: str, call: Awaitable[T]) -> T | None:
        """Note whether the call succeeds or with which error it is refused; what it returned."""
        try:
            result = await call
        except BridgeError as error:
            if error.kind != "rpc":
                raise
            details = [detail["@type"].rpartition(".")[2] for detail in error.details]
            self.note(label, [status_name(error.status or 0), error.message, details])
            return None
        self.note(label, "ok")
        return result

    # --- calling -----------------------------------------------------------------------------

    async def call(self, rpc: str, *, timeout: float = PATIENCE, **request: Any) -> Wire:
        """Call an RPC once; raises `BridgeError`."""
        return await finished(self.client.call(rpc, request, timeout=timeout, retry=False))

    def id(self, name: str = "w") -> str:
        """Return a workflow id that only this world has: the same for the same name."""
        return f"{name}-{self.token}"

    async def start(self, name: str = "w", **request: Any) -> Run:
        """Start a workflow of type ``T`` on the world's queue; `request` says otherwise."""
        defaults = {
            "workflow_id": self.id(name),
            "workflow_type": {"name": "T"},
            "task_queue": {"name": self.queue},
        }
        answer = await self.call("StartWorkflowExecution", **{**defaults, **request})
        return self.run(answer["run_id"], name)

    def run(self, run_id: str, name: str = "w") -> Run:
        """Return a run, whose history is compared in the end."""
        self._runs[self.id(name), run_id] = None
        return Run(self, self.id(name), run_id)

    def forget(self, run: Run) -> None:
        """Leave a run's history out of what is compared: it is deleted."""
        self._gone.add((run.workflow_id, run.run_id))

    async def poll(self, queue: str = "", *, seconds: float = PATIENCE, **request: Any) -> Task:
        """Take the next workflow task, from a queue of that name (or the world's own)."""
        answer = await self._poll("PollWorkflowTaskQueue", queue, seconds, request)
        if answer is None:
            raise TimeoutError(f"no workflow task within {seconds:g} s")
        return Task(self, answer)

    async def poll_sticky(self, name: str, *, seconds: float = PATIENCE) -> Task:
        """Take the next workflow task from the sticky queue that `Task.complete` named."""
        kind = {"name": self.id(name), "kind": STICKY, "normal_name": self.queue}
        return await self.poll(seconds=seconds, task_queue=kind)

    async def be_alive(self, name: str) -> None:
        """Have the sticky queue seen to be polled: without that, no task is put there."""
        kind = {"name": self.id(name), "kind": STICKY, "normal_name": self.queue}
        await self._poll("PollWorkflowTaskQueue", "", 0.3, {"task_queue": kind})

    async def activity(self, queue: str = "", *, seconds: float = PATIENCE) -> Activity:
        """Take the next activity."""
        answer = await self._poll("PollActivityTaskQueue", queue, seconds, {})
        if answer is None:
            raise TimeoutError(f"no activity within {seconds:g} s")
        return Activity(self, answer)

    async def no_task(self, seconds: float = 0.5, *, rpc: str = "PollWorkflowTaskQueue") -> None:
        """Note whether a task comes within that time (with `rpc`, an activity)."""
        answer = await self._poll(rpc, "", seconds, {})
        self.note("a task within a moment", answer is not None)

    async def _poll(self, rpc: str, queue: str, seconds: float, request: Wire) -> Wire | None:
        """Poll until something comes. The service refuses short polls: it is us who gives up."""
        request = {"task_queue": {"name": self.id(queue) if queue else self.queue}, **request}
        try:
            answer = await asyncio.wait_for(self._task(rpc, request), seconds)
        except asyncio.TimeoutError:
            return None
        if execution := answer.get("workflow_execution"):
            self._runs[execution["workflow_id"], execution["run_id"]] = None
        return answer

    async def _task(self, rpc: str, request: Wire) -> Wire:
        while not (answer := await self.call(rpc, timeout=60, **request)).get("task_token"):
            pass
        return answer

    async def waits(self, task: Task) -> bool:
        """Note whether the task's run is open and has or will have another task."""
        execution = task.answer["workflow_execution"]
        answer = await self.call("DescribeWorkflowExecution", execution=execution)
        self.note("another task", found := "pending_workflow_task" in answer)
        return found

    async def refused(self, bad: dict[str, Wire]) -> None:
        """Have each command refused by a run of its own, and note what comes of it.

        Tasks have a second: what the server refuses without failing the task is repeated then.
        """
        for label, command in bad.items():
            queue = f"for {label}"
            await self.start(
                label.replace(" ", "-"),
                workflow_task_timeout=1,
                task_queue={"name": self.id(queue)},
            )
            task = await self.poll(queue)
            await self.answer(label, task.complete(command))
            await self.note_next(label, queue)

    async def note_next(self, label: str, queue: str = "") -> None:
        """Note the next workflow task and complete the run with it."""
        task = await self.poll(queue)
        task.note(f"{label} again")
        await task.complete(complete())

    # --- histories ---------------------------------------------------------------------------

    async def history(self, workflow_id: str, run_id: str) -> list[Wire]:
        """Fetch a run's events in Temporal's JSON form."""
        history = await finished(self.reader.fetch_history(workflow_id, run_id))
        events: list[Wire] = json.loads(history.to_json())["events"]
        return events

    async def note_histories(self) -> None:
        """Note the histories of all runs that were touched, and of those that came of them."""
        noted = 0
        while noted < len(self._runs):
            workflow_id, run_id = list(self._runs)[noted]
            noted += 1
            if (workflow_id, run_id) in self._gone:
                continue
            events = await self.history(workflow_id, run_id)
            self.observed.append((f"run {noted} types", [short_name(event) for event in events]))
            named = {f"{event['eventId']} {short_name(event)}": event for event in events}
            self.observed.append((f"run {noted}", named))
            self._runs.update(dict.fromkeys(_descendants(workflow_id, events)))


def _descendants(workflow_id: str, events: list[Wire]) -> list[tuple[str, str]]:
    """Name the next run of the chain, and the children that were started."""
    found: list[tuple[str, str]] = []
    for event in events:
        (attributes,) = [event[key] for key in event if key.endswith("EventAttributes")] or [{}]
        if attributes.get("newExecutionRunId"):
            found.append((workflow_id, attributes["newExecutionRunId"]))
        if short_name(event) == "ChildWorkflowExecutionStarted":
            child = attributes["workflowExecution"]
            found.append((child["workflowId"], child["runId"]))
    return found


@dataclass
class Run:
    """One run of a workflow."""

    world: World
    workflow_id: str
    run_id: str

    @property
    def execution(self) -> Wire:
        return {"workflow_id": self.workflow_id, "run_id": self.run_id}

    async def signal(self, name: str = "s", **request: Any) -> Wire:
        return await self.world.call(
            "SignalWorkflowExecution",
            **{"workflow_execution": self.execution, "signal_name": name, **request},
        )

    async def request_cancel(self, **request: Any) -> Wire:
        return await self.world.call(
            "RequestCancelWorkflowExecution",
            **{"workflow_execution": self.execution, **request},
        )

    async def terminate(self, **request: Any) -> Wire:
        return await self.world.call(
            "TerminateWorkflowExecution", **{"workflow_execution": self.execution, **request}
        )

    async def describe(self) -> Wire:
        return await self.world.call("DescribeWorkflowExecution", execution=self.execution)

    async def types(self) -> list[str]:
        """Fetch the names of the events so far."""
        events = await self.world.history(self.workflow_id, self.run_id)
        return [short_name(event) for event in events]

    async def until(self, name: str, count: int = 1) -> None:
        """Wait until the history has that many events of that name."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while (types := await self.types()).count(name) < count:
            if loop.time() > end:
                raise TimeoutError(f"no {count}. {name} in {types}")
            await asyncio.sleep(0.05)


@dataclass
class Task:
    """A workflow task that was polled."""

    world: World
    answer: Wire
    ends: list[Wire] = field(default_factory=list)

    @property
    def token(self) -> bytes:
        token: bytes = self.answer["task_token"]
        return token

    @property
    def events(self) -> list[Wire]:
        events: list[Wire] = self.answer.get("history", {}).get("events", [])
        return events

    def event_id(self, kind: int) -> int:
        """Return the id of the last event of that type in the task's history."""
        found: int = [e["event_id"] for e in self.events if e["event_type"] == kind][-1]
        return found

    def note(self, label: str = "task") -> None:
        """Have compared what the task said: attempt, ids, events, queries and messages."""
        told = ("attempt", "started_event_id", "previous_started_event_id", "backlog_count_hint")
        shape = {key: self.answer.get(key) for key in (*told, "query", "messages", "workflow_type")}
        shape["queries"] = list(self.answer.get("queries", {}).values())
        shape["events"] = [(event["event_id"], event["event_type"]) for event in self.events]
        self.world.note(label, shape)

    async def complete(
        self, *commands: Wire, sticky: str = "", sticky_seconds: float = 10, **request: Any
    ) -> Task | None:
        """Answer with commands; the next task, if one was asked for and came along.

        `sticky` names the queue for the next tasks, `sticky_seconds` is its schedule-to-start time.
        """
        if sticky:
            queue = {
                "name": self.world.id(sticky),
                "kind": STICKY,
                "normal_name": self.world.queue,
            }
            attributes = {
                "worker_task_queue": queue,
                "schedule_to_start_timeout": sticky_seconds,
            }
            request = {"sticky_attributes": attributes, **request}
        request = {"task_token": self.token, "commands": list(commands), **request}
        self.ends.append(await self.world.call("RespondWorkflowTaskCompleted", **request))
        following = self.ends[-1].get("workflow_task")
        return Task(self.world, following) if following else None

    async def fail(
        self,
        message: str = "planned",
        cause: str = "WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE",
    ) -> Wire:
        return await self.world.call(
            "RespondWorkflowTaskFailed",
            task_token=self.token,
            cause=cause,
            failure={"message": message, "application_failure_info": {}},
        )


@dataclass
class Activity:
    """An activity that was polled."""

    world: World
    answer: Wire

    @property
    def token(self) -> bytes:
        token: bytes = self.answer["task_token"]
        return token

    def note(self, label: str = "activity") -> None:
        """Have compared what the worker was told."""
        advice = ("task_token", "poller_scaling_decision")  # differs from poll to poll
        answer = {key: value for key, value in self.answer.items() if key not in advice}
        self.world.note(label, answer)

    async def complete(self, **request: Any) -> Wire:
        return await self._respond("RespondActivityTaskCompleted", **request)

    async def fail(self, **request: Any) -> Wire:
        return await self._respond("RespondActivityTaskFailed", **request)

    async def canceled(self, **request: Any) -> Wire:
        return await self._respond("RespondActivityTaskCanceled", **request)

    async def heartbeat(self, **request: Any) -> Wire:
        return await self._respond("RecordActivityTaskHeartbeat", **request)

    async def _respond(self, rpc: str, **request: Any) -> Wire:
        return await self.world.call(rpc, **{"task_token": self.token, **request})
