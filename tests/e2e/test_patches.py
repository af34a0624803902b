"""A workflow's code changes while runs of it are open: they go on the way they began."""

from datetime import timedelta

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.exceptions import NondeterminismError
from hourglass.worker import Replayer
from tests.support import event_types, new_worker, unique

LIMIT = timedelta(seconds=10)


@activity.defn
async def old() -> str:
    return "old"


@activity.defn
async def new() -> str:
    return "new"


class Waits:
    """What all versions of the code have."""

    def __init__(self) -> None:
        self.over = False

    @workflow.signal
    def end(self) -> None:
        self.over = True


@workflow.defn(name="Changes")
class First(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        found = [await workflow.execute_activity(old, start_to_close_timeout=LIMIT)]
        await workflow.wait_condition(lambda: self.over)
        return found


@workflow.defn(name="Changes")
class Guarded(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        found: list[str] = []
        if workflow.patched("new activity"):
            found.append(await workflow.execute_activity(new, start_to_close_timeout=LIMIT))
        else:
            found.append(await workflow.execute_activity(old, start_to_close_timeout=LIMIT))
        await workflow.wait_condition(lambda: self.over)
        return found


@workflow.defn(name="Changes")
class Unguarded(Waits):
    @workflow.run
    async def run(self) -> list[str]:
        found = [await workflow.execute_activity(new, start_to_close_timeout=LIMIT)]
        await workflow.wait_condition(lambda: self.over)
        return found


async def test_b57_open_runs_go_on_as_they_began_and_new_ones_take_the_new_way(
    client: Client,
) -> None:
    queue, workflow_id = unique("queue"), unique("patched")
    async with new_worker(client, First, activities=[old], task_queue=queue):
        before = await client.start_workflow("Changes", id=workflow_id, task_queue=queue)
        while (await event_types(before)).count("WorkflowTaskCompleted") < 2:
            pass
    async with new_worker(client, Guarded, activities=[old, new], task_queue=queue):
        after = await client.start_workflow("Changes", id=unique("patched"), task_queue=queue)
        for handle in (before, after):
            await handle.signal("end")
        assert (await before.result(), await after.result()) == (["old"], ["new"])
    assert "MarkerRecorded" not in await event_types(before)
    assert (await event_types(after)).count("MarkerRecorded") == 1


async def test_b57_code_that_was_changed_without_a_patch_does_not_fit(client: Client) -> None:
    async with new_worker(client, First, activities=[old]) as worker:
        handle = await client.start_workflow(
            "Changes", id=unique("patched"), task_queue=worker.task_queue
        )
        await handle.signal("end")
        assert await handle.result() == ["old"]
    history = await handle.fetch_history()
    for cls, fits in ((First, True), (Guarded, True), (Unguarded, False)):
        result = await Replayer(workflows=[cls]).replay_workflow(
            history, raise_on_replay_failure=False
        )
        if fits:
            assert result.replay_failure is None
        else:
            assert isinstance(result.replay_failure, NondeterminismError)
            assert "TMPRL1100" in str(result.replay_failure)
