"""Activities without a workflow, for the scenarios about those."""

from typing import Any

from tests.conformance.commands import Wire
from tests.conformance.driver import World

MOMENTS = (
    "schedule_time",
    "execution_time",
    "close_time",
    "last_started_time",
    "expiration_time",
    "last_attempt_complete_time",
    "next_attempt_schedule_time",
    "last_heartbeat_time",
)
"""Of a description: compared is whether they are there."""
SIZES = ("state_size_bytes", "state_transition_count", "execution_duration")
"""How much the server stores, and how often, is its own."""


class Alone:
    """One activity without a workflow."""

    def __init__(self, world: World, name: str, run_id: str) -> None:
        self.world = world
        self.target: Wire = {"activity_id": world.id(name), "run_id": run_id}

    async def call(self, rpc: str, **request: Any) -> Wire:
        return await self.world.call(f"{rpc}ActivityExecution", **{**self.target, **request})

    async def note(self, label: str = "described") -> Wire:
        """Have compared what a description says, with everything that it may say."""
        everything = ("input", "outcome", "heartbeat_details", "last_failure")
        answer = await self.call("Describe", **{f"include_{what}": True for what in everything})
        self.world.note(label, shown(answer))
        return answer

    async def outcome(self, label: str = "outcome") -> None:
        """Wait for the end, and have compared what it is."""
        self.world.note(label, await self.call("Poll"))
        await self.note(f"{label}, described")


def shown(answer: Wire) -> Wire:
    info: Wire = dict(answer["info"])
    there = {name: info.pop(name, None) is not None for name in MOMENTS}
    for name in SIZES:
        info.pop(name, None)
    interval = info.pop("current_retry_interval", None)
    if interval is not None:
        info["interval"] = round(interval.total_seconds(), 1)
    rest = {key: value for key, value in answer.items() if key not in ("info", "long_poll_token")}
    return {"info": info, "there": there, **rest}


def request_of(w: World, name: str = "a", **more: Any) -> Wire:
    defaults = {
        "activity_id": w.id(name),
        "activity_type": {"name": "A"},
        "task_queue": {"name": w.queue},
        "schedule_to_close_timeout": 10,
        "identity": "starter",
    }
    return {**defaults, **more}


async def begun(w: World, name: str = "a", **more: Any) -> Alone:
    """Start an activity; `more` says otherwise."""
    answer = await w.call("StartActivityExecution", **request_of(w, name, **more))
    return Alone(w, name, answer["run_id"])
