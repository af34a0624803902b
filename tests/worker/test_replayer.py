"""Histories run through the code as it is now: they fit, or it is said where they don't."""

from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client, WorkflowHistory
from hourglass.converter import DataConverter
from hourglass.exceptions import (
    DefinitionError,
    InvalidArgumentError,
    NondeterminismError,
    StaleHandleError,
)
from hourglass.subsystem.events import RuntimeClosed, StaleHandleUsed
from hourglass.subsystem.runtime_owner import current_epoch, renew
from hourglass.worker import Replayer
from tests.subsystem.kit import Heard
from tests.support import new_worker, unique
from tests.worker.test_codec import Envelope


@activity.defn
async def double(number: int) -> int:
    return 2 * number


@workflow.defn(name="Steps")
class Steps:
    @workflow.run
    async def run(self, number: int) -> int:
        await workflow.sleep(0.01)
        return await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=9)
        )


@workflow.defn(name="Steps")
class Changed:
    """The same without the sleep."""

    @workflow.run
    async def run(self, number: int) -> int:
        return await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=9)
        )


@workflow.defn(name="Steps")
class Broken:
    @workflow.run
    async def run(self, number: int) -> int:
        raise ValueError("not any more")


async def recorded(target: str, **options: Any) -> WorkflowHistory:
    async with await Client.connect(target, **options) as client:
        async with new_worker(client, Steps, activities=[double]) as worker:
            handle = await client.start_workflow(
                Steps.run, 4, id=unique("replay"), task_queue=worker.task_queue
            )
            assert await handle.result() == 8
        return await handle.fetch_history()


async def test_a_history_fits_the_code_that_made_it(target: str) -> None:
    history = await recorded(target)
    replayer = Replayer(workflows=[Steps])
    assert (await replayer.replay_workflow(history)).replay_failure is None
    again = WorkflowHistory.from_json(history.workflow_id, history.to_json())
    assert (await replayer.replay_workflows([history, again])).replay_failures == {}


async def test_code_that_changed_is_found_out(target: str) -> None:
    history = await recorded(target)
    replayer = Replayer(workflows=[Changed])
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(history)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, NondeterminismError)
    results = await replayer.replay_workflows([history], raise_on_replay_failure=False)
    assert list(results.replay_failures) == [history.run_id]


async def test_code_that_raises_is_the_failure_of_the_replay(target: str) -> None:
    history = await recorded(target)
    result = await Replayer(workflows=[Broken]).replay_workflow(
        history, raise_on_replay_failure=False
    )
    assert "not any more" in str(result.replay_failure)


async def test_a_history_of_a_codec_is_decoded_first(target: str) -> None:
    converter = DataConverter(payload_codec=Envelope())
    history = await recorded(target, data_converter=converter)
    replayer = Replayer(workflows=[Steps], data_converter=converter)
    assert (await replayer.replay_workflow(history)).replay_failure is None


def test_a_replayer_needs_workflows() -> None:
    class Stranger: ...

    with pytest.raises(InvalidArgumentError, match="at least one"):
        Replayer(workflows=[])
    with pytest.raises(DefinitionError, match="Stranger"):
        Replayer(workflows=[Stranger])


async def test_an_iterator_tells_of_each_history_what_became_of_it() -> None:
    fits, broken = await recorded("sqlite://"), await recorded("sqlite://")
    replayer = Replayer(workflows=[Steps])
    async with replayer.workflow_replay_iterator([fits, broken]) as results:
        found = [(result.history, result.replay_failure) async for result in results]
    assert found == [(fits, None), (broken, None)]
    async with Replayer(workflows=[Changed]).workflow_replay_iterator([fits, broken]) as results:
        first = await anext(results)
    assert isinstance(first.replay_failure, NondeterminismError)


@workflow.defn(name="Steps")
class Meanwhile:
    """Has the runtime replaced while it is replayed, as often as it is told to."""

    times = 0

    @workflow.run
    async def run(self, number: int) -> int:
        if Meanwhile.times:
            Meanwhile.times -= 1
            epoch = current_epoch()
            assert epoch is not None
            heard = Heard()
            renew(epoch, "a test")
            heard.wait(RuntimeClosed, epoch=epoch)
            heard.end()
        return await Steps().run(number)


async def test_a_replay_on_a_stale_runtime_takes_a_fresh_one_once_and_reports_it() -> None:
    history = await recorded("sqlite://")
    heard = Heard()
    replayer = Replayer(workflows=[Meanwhile])
    Meanwhile.times = 1
    assert (await replayer.replay_workflow(history)).replay_failure is None
    assert len(heard.of(StaleHandleUsed, call_site="replay_history")) == 1
    Meanwhile.times = 2
    with pytest.raises(StaleHandleError):
        await replayer.replay_workflow(history)
    assert len(heard.of(StaleHandleUsed, call_site="replay_history")) == 3
    heard.end()
    assert Meanwhile.times == 0
    assert (await replayer.replay_workflow(history)).replay_failure is None
