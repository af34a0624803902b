"""Priorities are given to workflows, activities and children, and passed on where they are not."""

from datetime import timedelta
from typing import Any

from hourglass import activity, workflow
from hourglass.client import Client
from hourglass.common import Priority
from tests.support import AnyHandle, new_worker, unique

LIMIT = timedelta(seconds=20)


@activity.defn
async def key_of_activity() -> int | None:
    return activity.info().priority.priority_key


@workflow.defn
class Child:
    @workflow.run
    async def run(self) -> int | None:
        return workflow.info().priority.priority_key


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, activities: str) -> list[Any]:
        own = workflow.info()
        return [
            own.priority.priority_key,
            await workflow.execute_activity(
                key_of_activity, task_queue=activities, start_to_close_timeout=LIMIT
            ),
            await workflow.execute_activity(
                key_of_activity,
                task_queue=activities,
                start_to_close_timeout=LIMIT,
                priority=Priority(priority_key=1),
            ),
            await workflow.execute_child_workflow(Child.run, id=f"{own.workflow_id}-1"),
            await workflow.execute_child_workflow(
                Child.run, id=f"{own.workflow_id}-2", priority=Priority(priority_key=5)
            ),
        ]


async def test_a_priority_is_passed_on_unless_another_is_given(client: Client) -> None:
    # On a queue of their own: the real server gives activities eagerly without their priority.
    async with (
        new_worker(client, activities=[key_of_activity]) as activities,
        new_worker(client, Parent, Child) as worker,
    ):
        handle: AnyHandle = await client.start_workflow(
            Parent.run,
            activities.task_queue,
            id=unique("priority"),
            task_queue=worker.task_queue,
            priority=Priority(priority_key=4),
        )
        assert await handle.result() == [4, 4, 1, 4, 5]
