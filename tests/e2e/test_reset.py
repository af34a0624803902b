"""A workflow is reset to an earlier moment and goes on from there, with a real worker."""

from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.worker import Replayer
from tests.support import AnyHandle, event_types, new_worker, unique

LIMIT = timedelta(seconds=20)


@activity.defn
async def roll(sides: int) -> int:
    return sides + activity.info().attempt


@workflow.defn
class Game:
    """Draws before and after a pause, and hears signals and updates meanwhile."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.draws: list[int] = []

    @workflow.signal
    def say(self, word: str) -> None:
        self.heard.append(word)

    @workflow.update
    async def ask(self, word: str) -> str:
        rolled = await workflow.execute_activity(roll, 6, start_to_close_timeout=LIMIT)
        self.heard.append(f"{word} {rolled}")
        return word

    @workflow.query
    def drawn(self) -> list[int]:
        return self.draws

    @workflow.run
    async def run(self) -> list[Any]:
        for word in "first", "second", "last":
            self.draws.append(workflow.random().randrange(1 << 60))
            await workflow.wait_condition(lambda word=word: word in self.heard)  # type: ignore[misc]
        await workflow.wait_condition(workflow.all_handlers_finished)
        return [self.draws, self.heard]


async def reset(client: Client, handle: AnyHandle, event: int, **request: Any) -> AnyHandle:
    """Reset the workflow to before that event; the run that goes on."""
    answer = await client.connection.call(
        "ResetWorkflowExecution",
        {
            "workflow_execution": {"workflow_id": handle.id},
            "reason": "test",
            "workflow_task_finish_event_id": event,
            **request,
        },
    )
    new: AnyHandle = client.get_workflow_handle_for(Game.run, handle.id, run_id=answer["run_id"])
    return new


@pytest.mark.parametrize("cached", [0, 1000])
async def test_a_reset_workflow_goes_on_with_other_random_numbers(
    client: Client, cached: int
) -> None:
    async with new_worker(client, Game, activities=[roll], max_cached_workflows=cached) as worker:
        handle: AnyHandle = await client.start_workflow(
            Game.run, id=unique("game"), task_queue=worker.task_queue
        )
        await handle.signal(Game.say, "first")
        before: list[int] = []
        while len(before) < 2:
            before = await handle.query(Game.drawn)
        await handle.signal(Game.say, "second")
        assert await handle.execute_update(Game.ask, "question", id="asked") == "question"
        first = (await event_types(handle)).index("WorkflowTaskCompleted") + 1
        new = await reset(client, handle, first)
        await new.signal(Game.say, "last")
        draws, heard = await new.result()
        assert [word for word in heard if word in ("first", "second", "last")] == [
            "first",
            "second",
            "last",
        ]
        assert "question 7" in heard
        assert await new.get_update_handle("asked").result() == "question"
        # The workflow had drawn nothing when it was reset: what it draws now is another seed's.
        assert draws[0] != before[0]
        types = await event_types(new)
        assert "WorkflowTaskFailed" in types
        assert "WorkflowExecutionUpdateAdmitted" in types
        old = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        assert (await event_types(old))[-1] == "WorkflowExecutionTerminated"
    result = await Replayer(workflows=[Game]).replay_workflow(await new.fetch_history())
    assert result.replay_failure is None
