"""What workflow code should know but rarely use."""

from __future__ import annotations

from hourglass import workflow
from hourglass._bridge import DoUpdate, RespondToQuery
from tests.workflow.harness import Run, cancel, names, query, value

SEEN: list[bool] = []


@workflow.defn
class Looks:
    def __init__(self) -> None:
        self.live: list[bool] = []

    @workflow.update
    def look(self) -> None:
        pass

    @look.validator
    def check(self) -> None:
        SEEN.append(workflow.unsafe.is_replaying_history_events())

    @workflow.query
    def ask(self) -> list[bool]:
        unsafe = workflow.unsafe
        return [*self.live, unsafe.is_replaying(), unsafe.is_replaying_history_events()]

    @workflow.run
    async def run(self) -> None:
        unsafe = workflow.unsafe
        assert (unsafe.in_sandbox(), unsafe.is_sandbox_unrestricted()) == (False, True)
        self.live.append(unsafe.is_replaying_history_events())
        await workflow.wait_condition(lambda: False)


def test_queries_and_validators_are_asked_now_also_during_a_replay() -> None:
    run = Run(Looks)
    run.start(replaying=True)
    update = DoUpdate(
        id="u", protocol_instance_id="p", name="look", input=[], headers={}, run_validator=True
    )
    run.send(update, replaying=True)
    assert SEEN == [False]
    [answer] = run.send(query("ask"), replaying=True).commands
    assert isinstance(answer, RespondToQuery)
    assert value(answer.response) == [True, True, False]
    assert names(run.send(cancel())) == ["CancelWorkflowExecution"]
