"""What is given to a worker is checked before anything starts, and named if it won't do."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.exceptions import DefinitionError, InvalidArgumentError
from hourglass.worker import Worker


@workflow.defn(name="Same")
class One:
    @workflow.run
    async def run(self) -> None: ...


@workflow.defn(name="Same")
class Other:
    @workflow.run
    async def run(self) -> None: ...


class Stranger: ...


@activity.defn(name="same")
async def one() -> None: ...


@activity.defn(name="same")
async def other() -> None: ...


async def undecorated() -> None: ...


class Shop:
    @activity.defn
    async def sell(self) -> None: ...


@activity.defn
class Greeter:
    async def __call__(self) -> None: ...


async def new_worker(**options: Any) -> Worker:
    client = await Client.connect("sqlite://", lazy=True)
    return Worker(client, task_queue="q", **options)


@pytest.mark.parametrize(
    ("options", "culprits"),
    [
        ({"workflows": [One, Other]}, ["'Same'", "One", "Other"]),
        ({"workflows": [Stranger]}, ["Stranger"]),
        ({"activities": [one, other]}, ["'same'", "one", "other"]),
        ({"activities": [undecorated]}, ["undecorated"]),
        ({"activities": [Shop.sell]}, ["Shop.sell", "bound"]),
        ({"activities": [Greeter]}, ["Greeter", "instance"]),
    ],
)
async def test_a_bad_definition_is_refused_by_name(
    options: dict[str, Any], culprits: list[str]
) -> None:
    with pytest.raises(DefinitionError) as refused:
        await new_worker(**options)
    assert {TypeError, ValueError} <= set(type(refused.value).__mro__)
    for culprit in culprits:
        assert culprit in str(refused.value)


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        ({"activities": []}, "at least one"),
        ({"max_concurrent_activities": 0}, "max_concurrent_activities"),
        ({"max_cached_workflows": -1}, "max_cached_workflows"),
        ({"graceful_shutdown_timeout": timedelta(-1)}, "graceful_shutdown_timeout"),
        ({"graceful_shutdown_timeout": 3}, "graceful_shutdown_timeout"),
        ({"activity_executor": object()}, "activity_executor"),
        (
            {"max_eager_activity_reservations_per_workflow_task": 0},
            "max_eager_.* at least 1; disable_eager_activity_execution=True",
        ),
    ],
)
async def test_an_option_that_can_not_be_is_refused_by_name(
    options: dict[str, Any], culprit: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=culprit):
        await new_worker(**{"activities": [one], **options})


async def test_b31a_an_unknown_option_is_refused_by_name() -> None:
    """B-31a."""
    with pytest.raises(TypeError, match=re.escape("max_cached_worflows")):
        await new_worker(activities=[one], max_cached_worflows=1)


async def test_an_empty_task_queue_is_refused() -> None:
    client = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(InvalidArgumentError, match="task_queue"):
        Worker(client, task_queue="", activities=[one])


@activity.defn
def in_thread() -> None: ...


async def test_no_more_sync_activities_are_taken_than_there_are_threads() -> None:
    with ThreadPoolExecutor(3) as threads:
        worker = await new_worker(activities=[in_thread], activity_executor=threads)
        assert worker._options.activity_slots == 3
        mixed = await new_worker(activities=[in_thread, one], activity_executor=threads)
        assert mixed._options.activity_slots == 100


async def test_fewer_threads_than_activities_that_were_asked_for_are_warned_of() -> None:
    with ThreadPoolExecutor(3) as threads:
        with pytest.warns(UserWarning, match="max_concurrent_activities is 5, .* only 3"):
            await new_worker(
                activities=[in_thread, one], activity_executor=threads, max_concurrent_activities=5
            )
        await new_worker(
            activities=[in_thread], activity_executor=threads, max_concurrent_activities=3
        )
        await new_worker(activities=[one], activity_executor=threads, max_concurrent_activities=5)


async def test_stopping_a_worker_that_never_started_does_nothing() -> None:
    worker = await new_worker(activities=[one])
    await worker.shutdown()
    assert not worker.is_running
    assert not worker.is_shutdown
