"""Code that may only look changes nothing: each thing that a query, a validator or a condition can
reach is tried, and the run goes on as one that was never asked."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from hourglass import workflow
from hourglass._bridge import DoUpdate, OtherJob, SignalWorkflow
from hourglass.common import SearchAttributeKey
from hourglass.workflow import ReadOnlyContextError
from tests.workflow.harness import Run, completed, fire, names, payload, signal

LIMIT = timedelta(seconds=30)
LABEL: ContextVar[str] = ContextVar("label", default="outside")


@workflow.defn
class Everything:
    """Waits for one of everything, and has it all within reach."""

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.reach: dict[str, Any] = {}

    async def _await(self, name: str, waited: Any) -> None:
        try:
            self.log.append([name, str(await waited)])
        except asyncio.CancelledError:
            self.log.append([name, "cancelled"])
            raise

    async def _scope(self) -> None:
        if sys.version_info >= (3, 11):
            async with asyncio.timeout(100) as scope:
                self.reach["scope"] = scope
                await workflow.sleep(50)

    @workflow.run
    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        reach = self.reach
        reach["loop"] = loop
        reach["child"] = await workflow.start_child_workflow("Child", id="child")
        reach["call"] = loop.call_later(10, self.log.append, "called")
        reach["done"] = loop.call_soon(self.log.append, "soon")
        reach["future"] = loop.create_future()
        reach["activity"] = workflow.start_activity("a", start_to_close_timeout=LIMIT)
        reach["local"] = workflow.start_local_activity("l", start_to_close_timeout=LIMIT)
        reach["event"] = asyncio.Event()
        reach["other"] = workflow.get_external_workflow_handle("other")
        waits: dict[str, Any] = {
            "sleeper": workflow.sleep(20),
            "asyncio sleeper": asyncio.sleep(21),
            "waiter": reach["future"],
            "event waiter": reach["event"].wait(),
            "activity waiter": reach["activity"],
            "local waiter": reach["local"],
            "scope": self._scope(),
        }
        for name, waited in waits.items():
            reach[name] = asyncio.create_task(self._await(name, waited))
        reach["gathered"] = asyncio.gather(reach["sleeper"], reach["asyncio sleeper"])
        await workflow.wait_condition(lambda: len(self.log) > 20)

    def look(self) -> list[Any]:
        """Say all that can be seen."""
        reach = self.reach
        scope = reach.get("scope")
        seen: list[Any] = [
            reach["call"].cancelled(),
            reach["future"].done(),
            reach["event"].is_set(),
            reach["activity"].done(),
            reach["gathered"].done(),
            None if scope is None else scope.when(),
            [name for name, task in reach.items() if isinstance(task, asyncio.Task) if task.done()],
            LABEL.get(),
        ]
        if sys.version_info >= (3, 11):
            seen.append([t.cancelling() for t in reach.values() if isinstance(t, asyncio.Task)])
        return [*seen, list(self.log)]

    @workflow.query
    def seen(self) -> list[str]:
        return [repr(item) for item in self.look()]

    @workflow.query
    def meddle(self, what: str) -> None:
        MEDDLING[what](self.reach)

    @workflow.update
    def check(self, what: str) -> None: ...

    @check.validator
    def checks(self, what: str) -> None:
        MEDDLING[what](self.reach)

    @workflow.signal
    async def condition(self, what: str) -> None:
        def meddle() -> bool:
            MEDDLING[what](self.reach)
            return False

        with contextlib.suppress(ReadOnlyContextError):
            await workflow.wait_condition(meddle)

    @workflow.signal
    def set(self) -> None:
        self.reach["future"].set_result("set")
        self.reach["event"].set()


async def nothing() -> None: ...


def _start(reach: dict[str, Any], make: Callable[[Any], Any]) -> None:
    coro = nothing()
    try:
        make(coro)
    finally:
        coro.close()


def _step(coro: Any) -> None:
    """Begin what can only be awaited."""
    try:
        coro.send(None)
    finally:
        coro.close()


MEDDLING: dict[str, Callable[[dict[str, Any]], object]] = {
    "cancel a call": lambda reach: reach["call"].cancel(),
    "cancel a sleeping task": lambda reach: reach["sleeper"].cancel(),
    "cancel a task that sleeps with asyncio": lambda reach: reach["asyncio sleeper"].cancel(),
    "cancel a task that waits for an activity": lambda reach: reach["activity waiter"].cancel(),
    "cancel a task that waits for an event": lambda reach: reach["event waiter"].cancel(),
    "cancel a gather": lambda reach: reach["gathered"].cancel(),
    "cancel an activity": lambda reach: reach["activity"].cancel(),
    "cancel a local activity": lambda reach: reach["local"].cancel(),
    "cancel a child": lambda reach: reach["child"].cancel(),
    "cancel a future": lambda reach: reach["future"].cancel(),
    "complete a future": lambda reach: reach["future"].set_result(1),
    "fail a future": lambda reach: reach["future"].set_exception(ValueError()),
    "set an event": lambda reach: reach["event"].set(),
    "signal a child": lambda reach: _step(reach["child"].signal("hello")),
    "signal a workflow": lambda reach: _step(reach["other"].signal("hello")),
    "cancel a workflow": lambda reach: _step(reach["other"].cancel()),
    "start a child": lambda _: _step(workflow.start_child_workflow("Child")),
    "start an activity": lambda _: workflow.start_activity("a", start_to_close_timeout=LIMIT),
    "start a local activity": lambda _: workflow.start_local_activity(
        "a", start_to_close_timeout=LIMIT
    ),
    "sleep": lambda _: _step(workflow.sleep(1)),
    "sleep with asyncio": lambda _: _step(asyncio.sleep(1)),
    "wait for a condition": lambda _: _step(workflow.wait_condition(lambda: True)),
    "call later": lambda reach: reach["loop"].call_later(1, print),
    "call soon": lambda reach: reach["loop"].call_soon(print),
    "create a task": lambda reach: _start(reach, asyncio.create_task),
    "gather coroutines": lambda reach: _start(reach, asyncio.gather),
    "handle exceptions": lambda reach: reach["loop"].set_exception_handler(print),
    "draw a random number": lambda _: workflow.random().random(),
    "draw a uuid": lambda _: workflow.uuid4(),
    "make a generator": lambda _: workflow.new_random(),
    "hear of seeds": lambda _: workflow.register_random_seed_callback(print),
    "ask for a patch": lambda _: workflow.patched("new"),
    "deprecate a patch": lambda _: workflow.deprecate_patch("new"),
    "continue as new": lambda _: workflow.continue_as_new(),
    "change the memo": lambda _: workflow.upsert_memo({"a": 1}),
    "change search attributes": lambda _: workflow.upsert_search_attributes(
        [SearchAttributeKey.for_keyword("a").value_set("b")]
    ),
    "set its details": lambda _: workflow.set_current_details("x"),
    "set a signal handler": lambda _: workflow.set_signal_handler("x", print),
    "set a query handler": lambda _: workflow.set_query_handler("x", print),
    "set an update handler": lambda _: workflow.set_update_handler("x", print),
    "set dynamic handlers": lambda _: workflow.set_dynamic_signal_handler(print),
}
if sys.version_info >= (3, 11):
    MEDDLING["move a deadline"] = lambda reach: reach["scope"].reschedule(None)
    MEDDLING["move a deadline to later"] = lambda reach: reach["scope"].reschedule(
        reach["scope"].when() + 1
    )
    MEDDLING["move a deadline to now"] = lambda reach: reach["scope"].reschedule(0)
    MEDDLING["take back a cancellation"] = lambda reach: reach["sleeper"].uncancel()


def started() -> Run:
    run = Run(Everything)
    run.start()
    fields = {"seq": 1, "succeeded": {"run_id": "r"}}
    run.send(OtherJob(variant="resolve_child_workflow_execution_start", fields=fields))
    return run


def rest(run: Run) -> list[Any]:
    """Go on with everything that was waited for, and say what came of it."""
    jobs: list[list[Any]] = [
        [fire(1)],
        [fire(2), fire(3)],
        [signal("set")],
        [completed(1, "activity")],
        [completed(2, "local")],
        [fire(5)],
    ]
    seen = [run.send(*each).commands for each in jobs]
    return [*seen, run.ask("seen")]


def update(what: str) -> DoUpdate:
    return DoUpdate(
        id="u",
        protocol_instance_id="u",
        name="check",
        input=[payload(what)],
        run_validator=True,
    )


@pytest.mark.parametrize("what", MEDDLING)
def test_b64_a_query_changes_nothing(what: str) -> None:
    """B-64: zero events, zero changes, and the pending wakes are not consumed."""
    run, control = started(), started()
    before = run.ask("seen")
    failure = run.ask("meddle", what)
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError", failure
    assert run.ask("seen") == before
    assert control.ask("seen") == before  # both have been asked as often
    assert rest(run) == rest(control)


@pytest.mark.parametrize("what", MEDDLING)
def test_a_condition_changes_nothing(what: str) -> None:
    run, control = started(), started()
    assert names(run.send(signal("condition", what))) == []
    control.send(SignalWorkflow(signal_name="no handler"))
    assert rest(run) == rest(control)


@pytest.mark.parametrize("what", MEDDLING)
def test_a_validator_that_changes_something_fails_the_task(what: str) -> None:
    failure = started().send(update(what)).failure
    assert failure is not None
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"


# --- context variables -------------------------------------------------------------------------


@workflow.defn
class Contexts:
    def __init__(self) -> None:
        LABEL.set("init")
        self.seen: list[str] = []

    @workflow.query
    def ask(self) -> str:
        LABEL.set("query")
        return LABEL.get()

    @workflow.update
    def check(self, what: str) -> str:
        return LABEL.get()

    @check.validator
    def checks(self, what: str) -> None:
        LABEL.set("validator")

    @workflow.signal
    async def note(self) -> None:
        self.seen.append(LABEL.get())

    @workflow.run
    async def run(self) -> list[str]:
        self.seen.append(LABEL.get())
        await workflow.wait_condition(lambda: len(self.seen) == 2)
        return self.seen


def test_context_variables_that_a_query_or_a_validator_sets_are_seen_by_no_other_code() -> None:
    """Neither the handler, which a replay runs without its validator, nor another run."""
    run = Run(Contexts)
    run.start()
    assert run.ask("ask") == "query"
    commands: Any = run.send(update("x")).commands
    assert commands[-1].fields["completed"] == payload("init")
    [end] = run.send(signal("note")).commands
    assert end.result == payload(["init", "init"])  # type: ignore[union-attr]
    assert LABEL.get() == "outside"
