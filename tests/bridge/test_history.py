"""Histories: from the service, as bytes and as JSON."""

import json
from collections.abc import Mapping

import pytest

from hourglass._bridge import BridgeError, Client, History
from tests.support import unique

STARTED = {
    "eventId": "1",
    "eventTime": "2026-01-02T03:04:05Z",
    "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
    "workflowExecutionStartedEventAttributes": {
        "workflowType": {"name": "T"},
        "originalExecutionRunId": "run",
    },
}


def text(*events: Mapping[str, object]) -> str:
    return json.dumps({"events": list(events)})


def test_json_comes_back_as_it_was() -> None:
    history = History.from_json("w", text(STARTED))
    assert (history.workflow_id, history.run_id, len(history)) == ("w", "run", 1)
    assert json.loads(history.to_json()) == json.loads(text(STARTED))
    assert History("w", history.SerializeToString()).to_json() == history.to_json()
    assert history.events()[0]["event_type"] == 1


@pytest.mark.parametrize("name", ["WorkflowExecutionStarted", "WORKFLOW_EXECUTION_STARTED", 1])
def test_short_names_of_enums_are_read(name: object) -> None:
    history = History.from_json("w", text({**STARTED, "eventType": name}))
    assert history.to_json() == History.from_json("w", text(STARTED)).to_json()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("{", "EOF"),
        ("[]", "expected a map"),
        ('{"evnts": []}', "no events"),
        (text(), "no events"),
        (text({**STARTED, "eventType": "Surprise"}), "event 1 says nothing that"),
        (text({**STARTED, "eventId": "2"}), "event 1 has the id 2"),
        (text({"eventId": "1", "eventType": 1}), "not WorkflowExecutionStarted"),
        (text(STARTED, {**STARTED, "eventId": "3"}), "event 2 has the id 3"),
    ],
)
def test_a_malformed_history_is_refused_by_name(broken: str, why: str) -> None:
    with pytest.raises(BridgeError, match=why) as raised:
        History.from_json("my-workflow", broken)
    assert raised.value.kind == "history"
    assert "my-workflow" in raised.value.message


def test_bytes_that_are_no_history_are_refused() -> None:
    with pytest.raises(BridgeError) as raised:
        History("w", b"\xff\xff\xff")
    assert raised.value.kind == "history"


def test_a_fetched_history_is_whole(native: Client) -> None:
    workflow_id = unique("history")
    run_id = native.start_workflow(
        {
            "workflow_id": workflow_id,
            "workflow_type": {"name": "T"},
            "task_queue": {"name": "nobody"},
        }
    ).wait(30)
    history = native.fetch_history(workflow_id).wait(30)
    assert (history.workflow_id, history.run_id) == (workflow_id, run_id)
    assert [event["event_id"] for event in history.events()] == [1, 2]
    assert (
        History.from_json(workflow_id, history.to_json()).SerializeToString()
        == history.SerializeToString()
    )
