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
