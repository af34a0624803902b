"""Dynamic workflows and activities: one for every name that has none of its own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.common import RawValue
from tests.support import new_worker, unique


def decoded(args: Sequence[RawValue], converter: Any) -> list[Any]:
    values: list[Any] = converter.from_payloads([arg.payload for arg in args])
    return values


@activity.defn(dynamic=True)
async def on_the_loop(args: Sequence[RawValue]) -> list[Any]:
    return [activity.info().activity_type, *decoded(args, activity.payload_converter())]


@activity.defn(dynamic=True)
def in_a_thread(args: Sequence[RawValue]) -> list[Any]:
    return [activity.info().activity_type, *decoded(args, activity.payload_converter())]


@activity.defn
async def named(word: str) -> list[Any]:
    return ["of its own", word]


@workflow.defn(dynamic=True)
class Anything:
    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> list[Any]:
        limit = timedelta(seconds=10)
        return [
            workflow.info().workflow_type,
            await workflow.execute_activity("named", "x", start_to_close_timeout=limit),
            await workflow.execute_activity("any", args=args, start_to_close_timeout=limit),
            await workflow.execute_local_activity("near", args=args, start_to_close_timeout=limit),
        ]


async def test_what_has_no_name_of_its_own_goes_to_the_dynamic_one(client: Client) -> None:
    for dynamic in (on_the_loop, in_a_thread):
        async with new_worker(client, Anything, activities=[dynamic, named]) as worker:
            result = await client.execute_workflow(
                "Whatever", args=[1, "y"], id=unique("dynamic"), task_queue=worker.task_queue
            )
        assert result == [
            "Whatever",
            ["of its own", "x"],
            ["any", 1, "y"],
            ["near", 1, "y"],
        ]
