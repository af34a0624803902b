"""Every attempt of an activity is answered, however it ends, and its slot comes back."""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import pytest

from hourglass import workflow
from hourglass.client import Client
from hourglass.common import RetryPolicy
from hourglass.exceptions import ActivityError, ApplicationError
from hourglass.subsystem.subsystem import Subsystem
from hourglass.worker import Worker
from tests.support import unique
from tests.worker import endings

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
ONCE = RetryPolicy(maximum_attempts=1)
WAYS = ["loop", "thread", "process", "local loop", "local thread"]


@workflow.defn
class EndsOneByOne:
    """Calls an activity for each name, one after the other; the types of the failures."""

    @workflow.run
    async def run(self, way: str, kind: str, names: list[str]) -> dict[str, str]:
        name = "ends_on_the_loop" if way.endswith("loop") else "ends_in_the_executor"
        options: dict[str, Any] = {"start_to_close_timeout": timedelta(minutes=1)}
        call: Any = workflow.execute_activity
        if way.startswith("local"):
            call = workflow.execute_local_activity
        found = {}
        for ending in names:
            try:
                await call(name, args=[kind, ending], retry_policy=ONCE, **options)
                found[ending] = "returned"
            except ActivityError as error:
                cause = error.cause
                assert cause is not None
                found[ending] = type(cause).__name__
                if isinstance(cause, ApplicationError):
                    found[ending] = cause.type or ""
        return found


@asynccontextmanager
async def one_slot(way: str) -> AsyncIterator[tuple[Client, Worker]]:
    """A worker that stops at the first slot that does not come back."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("fork")) if way == "process" else None
    async with await Client.connect("sqlite://") as client:
        worker = Worker(
            client,
            task_queue=unique("endings"),
            workflows=[EndsOneByOne, CallsLocally],
            activities=[
                endings.ends_on_the_loop,
                endings.ends_in_the_executor,
                endings.leaves_to_be_completed_elsewhere,
            ],
            activity_executor=pool,
            max_concurrent_activities=1,
            max_concurrent_local_activities=1,
        )
        async with worker:
            yield client, worker


async def ends(way: str, kind: str, names: list[str]) -> dict[str, str]:
    async with one_slot(way) as (client, worker):
        found: dict[str, str] = await client.execute_workflow(
            EndsOneByOne.run, args=[way, kind, names], id=unique(way), task_queue=worker.task_queue
        )
        statistics = await asyncio.to_thread(Subsystem.statistics)
        (handle,) = (one for one in statistics.handles if one.worker.startswith(worker.task_queue))
        assert handle.slots["activities_in_use"] == 0
    return found


@pytest.fixture(autouse=True)
def without_ten_megabytes_of_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="hourglass.worker")


@pytest.mark.parametrize("way", WAYS)
async def test_whatever_an_activity_raises_its_attempt_fails_and_its_slot_comes_back(
    way: str,
) -> None:
    names = list(endings.EXCEPTIONS)
    found = await ends(way, "raise", names)
    assert sorted(found) == sorted(names)
    assert [name for name in names if found[name] == "returned"] == []
    assert found["builtins.SystemExit"] == found["exit status"] == "SystemExit"
    assert found["builtins.KeyboardInterrupt"] == "KeyboardInterrupt"
    assert found["builtins.GeneratorExit"] == "GeneratorExit"
    assert found["of its own"] == "OfItsOwnError"
    assert found["builtins.ValueError"] == found["100 causes"] == "ValueError"


@pytest.mark.parametrize("way", WAYS)
async def test_whatever_an_activity_returns_its_attempt_ends_and_its_slot_comes_back(
    way: str,
) -> None:
    names = list(endings.VALUES)
    found = await ends(way, "return", names)
    assert sorted(found) == sorted(names)
    refused = {name: found[name] for name in ("object", "function", "cyclic", "deep")}
    assert set(refused.values()) == {"EncodingError"}


@workflow.defn
class CallsLocally:
    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_local_activity(
                endings.leaves_to_be_completed_elsewhere,
                start_to_close_timeout=timedelta(minutes=1),
                retry_policy=ONCE,
            )
        except ActivityError as error:
            return getattr(error.cause, "message", "")
        return "returned"


async def test_a_local_activity_that_wants_to_be_completed_elsewhere_fails() -> None:
    async with one_slot("loop") as (client, worker):
        reason = await client.execute_workflow(
            CallsLocally.run, id=unique("local"), task_queue=worker.task_queue
        )
    assert reason == "a local activity can't be completed elsewhere: it has no task token"
