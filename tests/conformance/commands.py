"""Commands and payloads as wire values, for scripted workers."""

from collections.abc import Mapping
from typing import Any

from hourglass._bridge import Payload

Wire = dict[str, Any]


def command(kind: str, *, user_metadata: Wire | None = None, **attributes: Any) -> Wire:
    """Make a command of that kind, ``start_timer`` for example, from its attributes."""
    made: Wire = {
        "command_type": f"COMMAND_TYPE_{kind.upper()}",
        f"{kind}_command_attributes": attributes,
    }
    return made if user_metadata is None else made | {"user_metadata": user_metadata}


def text(*words: str) -> Wire:
    """Make payloads of some words."""
    encoding = {"encoding": b"json/plain"}
    return {"payloads": [Payload(metadata=encoding, data=f'"{word}"'.encode()) for word in words]}


def start_timer(timer_id: str, seconds: float) -> Wire:
    return command("start_timer", timer_id=timer_id, start_to_fire_timeout=seconds)


def cancel_timer(timer_id: str) -> Wire:
    return command("cancel_timer", timer_id=timer_id)


def schedule_activity(queue: str, activity_id: str = "a", **more: Any) -> Wire:
    """Schedule an activity of type ``A`` with 10 s for everything; `more` says otherwise."""
    attributes = {
        "activity_id": activity_id,
        "task_queue": {"name": queue},
        "activity_type": {"name": "A"},
        "schedule_to_close_timeout": 10,
    }
    return command("schedule_activity_task", **{**attributes, **more})


def cancel_activity(scheduled_event_id: int) -> Wire:
    return command("request_cancel_activity_task", scheduled_event_id=scheduled_event_id)


def complete(*words: str) -> Wire:
    """Complete the workflow, with some words as its result."""
    attributes: Wire = {"result": text(*words)} if words else {}
    return command("complete_workflow_execution", **attributes)


def failure(message: str, **info: Any) -> Wire:
    """Make an application failure of type ``Planned``."""
    return {
        "message": message,
        "source": "scenario",
        "application_failure_info": {"type": "Planned", **info},
    }


def fail(message: str, **info: Any) -> Wire:
    """Fail the workflow."""
    return command("fail_workflow_execution", failure=failure(message, **info))


def cancel(*words: str) -> Wire:
    """Say that the workflow was cancelled."""
    return command("cancel_workflow_execution", details=text(*words))


def continue_as_new(**more: Any) -> Wire:
    """Go on as a new run of the same type; `more` is what is other about it."""
    return command("continue_as_new_workflow_execution", **{"workflow_type": {"name": "T"}, **more})


def marker(name: str, **details: Mapping[str, Any]) -> Wire:
    return command("record_marker", marker_name=name, details=details)


def signal_external(workflow_id: str, name: str, run_id: str = "", **more: Any) -> Wire:
    return command(
        "signal_external_workflow_execution",
        execution={"workflow_id": workflow_id, "run_id": run_id},
        signal_name=name,
        **more,
    )


def start_child(workflow_id: str, **more: Any) -> Wire:
    return command(
        "start_child_workflow_execution",
        **{"workflow_id": workflow_id, "workflow_type": {"name": "C"}, **more},
    )
