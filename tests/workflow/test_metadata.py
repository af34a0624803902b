"""What a workflow says about itself to user interfaces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hourglass import workflow
from hourglass._bridge import RespondToQuery
from hourglass.common import RawValue
from tests.workflow.harness import Run, query, signal


@workflow.defn(name="Described")
class Speaks:
    @workflow.signal(description="goes on")
    def go(self) -> None:
        workflow.set_current_details(workflow.get_current_details() + " and on")

    @workflow.update(description="changes it")
    def change(self) -> None: ...

    @workflow.query(description="looks")
    def look(self) -> None:
        workflow.set_current_details("meddled with")

    @workflow.query(dynamic=True)
    def any(self, name: str, args: Sequence[RawValue]) -> str:
        return name

    @workflow.run
    async def run(self) -> None:
        assert not workflow.get_current_details()
        workflow.set_current_details("it goes on")
        await workflow.sleep(1)


def ask(run: Run) -> dict[str, Any]:
    [answer] = run.send(query("__temporal_workflow_metadata")).commands
    assert isinstance(answer, RespondToQuery)
    assert answer.response is not None
    kind = answer.response.metadata["messageType"]
    assert kind == b"temporal.api.sdk.v1.WorkflowMetadata"
    found: dict[str, Any] = json.loads(answer.response.data)
    return found


def test_a_workflow_describes_itself_and_says_where_it_stands() -> None:
    run = Run(Speaks)
    run.start()
    run.send(signal("go"))
    described = ask(run)
    assert described["currentDetails"] == "it goes on and on"
    definition = described["definition"]
    assert definition["type"] == "Described"
    assert definition["signalDefinitions"] == [{"name": "go", "description": "goes on"}]
    assert definition["updateDefinitions"] == [{"name": "change", "description": "changes it"}]
    assert [one["name"] for one in definition["queryDefinitions"]] == ["", "look"]


def test_a_query_can_not_set_details() -> None:
    run = Run(Speaks)
    run.start()
    failure = run.ask("look")
    assert failure["application_failure_info"]["type"] == "ReadOnlyContextError"
