"""What a type checker knows about standalone activities. Checked by `make lint`, never run.

A line with ``type: ignore`` is one that has to be an error: an unused ignore is an error too.
"""

from datetime import timedelta
from typing import Any

from typing_extensions import assert_type

from hourglass import activity
from hourglass.client import (
    ActivityExecution,
    ActivityExecutionCount,
    ActivityExecutionDescription,
    ActivityExecutionOptions,
    ActivityHandle,
    ActivityOptionsKey,
    ActivityOptionsKeys,
    AsyncActivityHandle,
    Client,
)
from hourglass.common import ActivityIDConflictPolicy, ActivityIDReusePolicy, RetryPolicy

LIMIT = timedelta(seconds=1)


@activity.defn
async def price(item: str) -> float:
    return len(item)


@activity.defn(name="other")
def stock() -> int:
    return 0


@activity.defn
async def several(a: int, b: str) -> bytes:
    return b""


class Shop:
    @activity.defn
    async def close(self) -> str:
        return ""

    @activity.defn
    def sell(self, item: str) -> int:
        return len(item)


@activity.defn
class Charge:
    async def __call__(self, amount: int) -> str:
        return ""


@activity.defn
class Refund:
    def __call__(self) -> int:
        return 0


async def starting(client: Client) -> None:
    handle = await client.start_activity(
        price, "lamp", id="x", task_queue="q", start_to_close_timeout=LIMIT
    )
    assert_type(handle, ActivityHandle[float])
    assert_type(await handle.result(), float)
    assert_type(
        await client.start_activity(stock, id="x", task_queue="q", start_to_close_timeout=LIMIT),
        ActivityHandle[int],
    )
    assert_type(
        await client.start_activity(
            several, args=[1, "x"], id="x", task_queue="q", schedule_to_close_timeout=LIMIT
        ),
        ActivityHandle[bytes],
    )
    assert_type(await client.start_activity("n", 1, id="x", task_queue="q"), ActivityHandle[Any])
    assert_type(
        await client.start_activity("n", id="x", task_queue="q", result_type=int),
        ActivityHandle[int],
    )
    assert_type(
        await client.start_activity_method(Shop.close, id="x", task_queue="q"), ActivityHandle[str]
    )
    assert_type(
        await client.start_activity_class(Charge, 3, id="x", task_queue="q"), ActivityHandle[str]
    )


async def executing(client: Client) -> None:
    assert_type(await client.execute_activity(price, "a", id="x", task_queue="q"), float)
    assert_type(await client.execute_activity(stock, id="x", task_queue="q"), int)
    assert_type(await client.execute_activity("n", id="x", task_queue="q"), Any)
    assert_type(await client.execute_activity_method(Shop.sell, "a", id="x", task_queue="q"), int)
    assert_type(await client.execute_activity_class(Refund, id="x", task_queue="q"), int)
    assert_type(
        await client.execute_activity(
            price,
            "a",
            id="x",
            task_queue="q",
            id_reuse_policy=ActivityIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
            retry_policy=RetryPolicy(maximum_attempts=1),
            start_delay=LIMIT,
            summary="a price",
        ),
        float,
    )


async def starting_wrongly(client: Client) -> None:
    await client.start_activity(price, 3, id="x", task_queue="q")  # type: ignore[arg-type]
    await client.start_activity(price, "a", id="x")  # type: ignore[call-overload]
    await client.start_activity(  # type: ignore[call-overload]
        stock, id="x", task_queue="q", start_to_close_timeot=LIMIT
    )
    await client.execute_activity_class(Charge, "a", id="x", task_queue="q")  # type: ignore[misc]


async def talking(client: Client) -> None:
    handle = client.get_activity_handle("x", run_id="r", result_type=int)
    assert_type(handle, ActivityHandle[Any])
    assert_type(handle.run_id, str | None)
    assert_type(await handle.describe(include_input=True), ActivityExecutionDescription)
    assert_type(ActivityOptionsKeys.heartbeat_timeout, ActivityOptionsKey[timedelta])
    update = ActivityOptionsKeys.heartbeat_timeout.value_set(LIMIT)
    assert_type(await handle.update_options([update]), ActivityExecutionOptions)
    ActivityOptionsKeys.task_queue.value_set(LIMIT)  # type: ignore[arg-type]


async def finding(client: Client) -> None:
    async for found in client.list_activities("ActivityType = 'price'"):
        assert_type(found, ActivityExecution)
    assert_type(await client.count_activities(), ActivityExecutionCount)


def completing(client: Client) -> None:
    by_ids = client.get_async_activity_handle(activity_id="a", run_id=None)
    assert_type(by_ids, AsyncActivityHandle)
    info = activity.info()
    assert_type(info.workflow_id, str | None)
    assert_type(info.in_workflow, bool)
