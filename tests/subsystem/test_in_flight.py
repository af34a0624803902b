"""Tasks that are out while their handle, their holder or their runtime goes (B-19, B-33, B-49)."""

import asyncio
import threading
from datetime import timedelta

import pytest

from hourglass import Subsystem, activity, workflow
from hourglass._bridge import CompleteWorkflowExecution, WorkflowCompletion
from hourglass.client import Client
from hourglass.subsystem import events
from hourglass.subsystem.worker_handle import WorkerHandle
from hourglass.supervision import ChildRestarting
from tests.subsystem.kit import WAIT, Heard, Taker, declaration, holder, kill
from tests.support import event_types, new_worker, unique


class Blocked:
    """Workflow code that is in the middle of a task until the test lets it go on."""

    reached = threading.Event()
    go = threading.Event()
    tasks = 0


@workflow.defn
class BlocksOnce:
    @workflow.run
    async def run(self) -> str:
        Blocked.tasks += 1
        if Blocked.tasks == 1:
            Blocked.reached.set()
            assert Blocked.go.wait(WAIT)
        return "done"


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Block the next workflow."""
    Blocked.reached, Blocked.go, Blocked.tasks = threading.Event(), threading.Event(), 0


async def test_b19_a_workflow_task_under_evaluation_outlives_its_holder(
    embedded_client: Client, heard: Heard
) -> None:
    """B-19: its completion goes back through the handle that drains; nothing is evaluated twice,
    and nothing but the holder has crashed."""
    async with new_worker(embedded_client, BlocksOnce) as worker:
        handle = await embedded_client.start_workflow(
            BlocksOnce.run, id=unique("w"), task_queue=worker.task_queue
        )
        assert await asyncio.to_thread(Blocked.reached.wait, WAIT)
        heard.events.clear()
        await asyncio.to_thread(kill, "bridge_holder")
        await heard.came(events.WorkerRegistered)
        Blocked.go.set()
        assert await asyncio.wait_for(handle.result(), WAIT) == "done"
        assert Blocked.tasks == 1
        assert "WorkflowTaskFailed" not in await event_types(handle)
        assert [event.child_id for event in heard.of(ChildRestarting)] == ["bridge_holder"]
        assert heard.of(events.CompletionLost) == []
        assert heard.of(events.EvaluatorGivenUp) == []


async def test_b19_a_workflow_task_under_evaluation_is_lost_with_its_runtime_and_given_out_again(
    embedded_client: Client, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    """B-19: its completion finds the handle gone, which is logged, and the evaluator goes on."""
    async with new_worker(embedded_client, BlocksOnce) as worker:
        handle = await embedded_client.start_workflow(
            BlocksOnce.run, id=unique("w"), task_queue=worker.task_queue
        )
        assert await asyncio.to_thread(Blocked.reached.wait, WAIT)
        heard.events.clear()
        await asyncio.to_thread(kill, "runtime")
        await heard.came(events.WorkerRegistered)
        Blocked.go.set()
        run_id = handle.first_execution_run_id
        await heard.came(events.CompletionLost, kind="run", task=run_id)
        assert await asyncio.wait_for(handle.result(), WAIT) == "done"
        assert Blocked.tasks == 2
        assert f"the completion of run {run_id} is lost" in caplog.text
        assert [event.child_id for event in heard.of(ChildRestarting)] == ["runtime"]
        assert heard.of(events.EvaluatorGivenUp) == []


async def test_b33_recycles_while_tasks_are_taken_lose_none_and_give_none_out_twice(
    embedded_client: Client, heard: Heard
) -> None:
    """B-33: each task is answered through the handle that brought it."""
    taker = Taker()
    one = declaration(embedded_client, workflows=taker)
    Subsystem.start_worker(one)
    await asyncio.wait_for(one.started.answer, WAIT)
    rounds = 20
    for number in range(rounds):
        recycling = holder().recycle(one.spec.name)
        handle = await embedded_client.start_workflow(
            "Any", id=unique("w"), task_queue=one.spec.name
        )
        activation = await asyncio.to_thread(taker.started, number + 1)
        done = WorkflowCompletion(activation.run_id, [CompleteWorkflowExecution(None)])
        taker.handle(activation.tag).complete_workflow(done)
        assert await asyncio.wait_for(handle.result(), WAIT) is None
        await asyncio.wait_for(recycling, WAIT)
    assert len({activation.run_id for activation in taker.starts()}) == rounds
    assert len(taker.starts()) == rounds
    await heard.came(events.HandleReleased, rounds, name=one.spec.name)
    assert heard.of(events.CompletionLost) == []
    await asyncio.wait_for(Subsystem.stop_worker(one.spec.name), WAIT)


@workflow.defn
class Calls:
    @workflow.run
    async def run(self) -> str:
        result: str = await workflow.execute_activity(
            slow, start_to_close_timeout=timedelta(seconds=50)
        )
        return result


@activity.defn
def slow() -> str:
    Blocked.reached.set()
    assert Blocked.go.wait(WAIT)
    return "done"


@pytest.mark.parametrize("kind", [BlocksOnce, Calls])
async def test_b49_a_task_that_was_out_during_a_recycle_is_answered_through_its_own_handle(
    embedded_client: Client, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    """B-49: the worker sends neither kind of completion to the handle that serves by then."""
    used: list[int] = []

    for method in ("complete_workflow", "complete_activity"):
        genuine = getattr(WorkerHandle, method)

        def spy(handle: WorkerHandle, completion: object, genuine: object = genuine) -> None:
            used.append(handle.tag)
            assert callable(genuine)
            genuine(handle, completion)

        monkeypatch.setattr(WorkerHandle, method, spy)
    async with new_worker(embedded_client, kind, activities=[slow]) as worker:
        (name,) = Subsystem.workers()
        old = holder().handle(name)
        assert old is not None
        handle = await embedded_client.start_workflow(
            kind.__name__, id=unique("w"), task_queue=worker.task_queue
        )
        assert await asyncio.to_thread(Blocked.reached.wait, WAIT)
        new = await asyncio.wait_for(Subsystem.recycle(worker.task_queue), WAIT)
        before = len(used)
        assert new.tag not in used
        Blocked.go.set()
        assert await asyncio.wait_for(handle.result(), WAIT) == "done"
        await asyncio.wait_for(old.gone.answer, WAIT)
        assert used[before] == old.tag
