"""What interceptors see of one run, and when they are asked."""

from __future__ import annotations

from typing import Any

from hourglass import workflow
from hourglass._bridge import DoUpdate, RespondToQuery, SignalWorkflow
from hourglass.worker import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)
from hourglass.workflow._runtime.calls import Calls
from hourglass.workflow._runtime.runner import WorkflowRunner
from tests.workflow.harness import CONVERTER, QUEUE, Run, payload, query, signal, value

SEEN: list[str] = []


class Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        SEEN.append(f"init of {outbound.info().workflow_type}")
        super().init(Outbound(outbound))

    async def handle_signal(self, input: HandleSignalInput) -> None:
        SEEN.append(f"signal {input.signal}")
        await super().handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        SEEN.append(f"query {input.query}")
        return await super().handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        SEEN.append(f"validate {input.update}")
        input.args[0].append("changed")
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:
        SEEN.append(f"update {input.update}")
        return await super().handle_update_handler(input)


class Outbound(WorkflowOutboundInterceptor):
    def info(self) -> workflow.Info:
        SEEN.append("info")
        return super().info()


@workflow.defn
class Sees:
    def __init__(self) -> None:
        self.said = [workflow.info().workflow_id]

    @workflow.signal
    def say(self, word: str) -> None:
        self.said.append(word)

    @workflow.query
    def words(self) -> list[str]:
        return self.said

    @workflow.update
    def take(self, words: list[str]) -> None:
        self.said += words

    @workflow.update
    async def checked(self, words: list[str]) -> None:
        self.said += words

    @checked.validator
    def check(self, words: list[str]) -> None:
        assert words == ["a", "changed"]

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


def new_run() -> Run:
    SEEN.clear()
    runner = WorkflowRunner(
        [Sees],
        task_queue=QUEUE,
        namespace="default",
        data_converter=CONVERTER,
        interceptors=[Inbound],
    )
    return Run(Sees, runner=runner)


def update(name: str) -> DoUpdate:
    return DoUpdate(
        id=name,
        protocol_instance_id=name,
        name=name,
        input=[payload(["a"])],
        headers={},
        run_validator=True,
    )


def test_signals_keep_their_order_and_updates_get_fresh_arguments() -> None:
    run = new_run()
    run.start(signal("say", "one"), signal("say", "two"))
    run.send(update("take"))
    run.send(update("checked"))
    assert run.ask("words") == ["workflow-id", "one", "two", "a", "a"]
    assert SEEN == [
        "init of Sees",
        "info",
        "signal say",
        "signal say",
        "update take",
        "validate checked",
        "update checked",
        "query words",
    ]


def test_queries_that_every_workflow_answers_are_seen_too() -> None:
    run = new_run()
    run.start()
    [answer] = run.send(query("__stack_trace")).commands
    assert isinstance(answer, RespondToQuery)
    assert "wait_condition" in value(answer.response)
    assert SEEN[-1] == "query __stack_trace"


def test_a_run_that_goes_leaves_its_interceptors() -> None:
    run = new_run()
    run.start()
    instance = run.runner._instances[run.run_id]
    assert instance.calls is not Calls
    run.evict()
    assert instance.calls is Calls
    assert instance.handlers is None
    assert run.runner.cached() == 0


def test_a_signal_that_can_not_be_read_is_seen_by_nobody() -> None:
    run = new_run()
    run.start()
    run.send(SignalWorkflow(signal_name="say", input=[payload(1), payload(2)]))
    assert "signal say" not in SEEN
