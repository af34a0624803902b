"""Histories as JSON, without a service."""

import json

import pytest

from hourglass.client import WorkflowHistory
from hourglass.exceptions import HistoryError

EVENTS = {
    "events": [
        {
            "eventId": "1",
            "eventTime": "2024-01-01T00:00:00Z",
            "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
            "workflowExecutionStartedEventAttributes": {
                "workflowType": {"name": "T"},
                "originalExecutionRunId": "run",
            },
        }
    ]
}


@pytest.mark.parametrize("history", [EVENTS, json.dumps(EVENTS)], ids=["dict", "text"])
def test_a_history_is_read_and_written_again(history: "str | dict[str, object]") -> None:
    found = WorkflowHistory.from_json("w", history)
    assert (found.workflow_id, len(found)) == ("w", 1)
    assert found.events[0]["event_type"] == 1
    assert found.to_json_dict()["events"][0]["eventType"] == EVENTS["events"][0]["eventType"]
    assert WorkflowHistory.from_json("w", found.to_json()).events == found.events


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"events": 3}', '{"events": [{"eventType": "Nonsense"}]}']
)
def test_a_malformed_history_is_refused(text: str) -> None:
    with pytest.raises(HistoryError):
        WorkflowHistory.from_json("w", text)


def test_fields_of_a_newer_server_are_left_out() -> None:
    newer = json.loads(json.dumps(EVENTS))
    newer["newInHistory"] = {"a": [1]}
    newer["events"][0]["newInEvent"] = "x"
    attributes = newer["events"][0]["workflowExecutionStartedEventAttributes"]
    attributes |= {"newInAttributes": {"b": None}, "taskQueue": {"name": "q", "newer": True}}
    found = WorkflowHistory.from_json("w", newer)
    assert len(found) == 1
    assert "newIn" not in found.to_json()


def test_an_event_of_a_newer_server_that_workers_may_ignore_is_read() -> None:
    newer = json.loads(json.dumps(EVENTS))
    event = {"eventId": "2", "eventType": "EVENT_TYPE_OF_TOMORROW", "newAttributes": {}}
    newer["events"].append({**event, "workerMayIgnore": True})
    assert len(WorkflowHistory.from_json("w", newer)) == 2
    newer["events"][1].pop("workerMayIgnore")
    with pytest.raises(HistoryError, match="event 2 says nothing that this version knows"):
        WorkflowHistory.from_json("w", newer)
