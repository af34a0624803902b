"""A workflow from start to result: values in and out, and the history it leaves."""

import asyncio
import dataclasses
import threading
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass.client import Client
from tests.support import ACTIVITY, START, TASK, event_types, new_worker, unique


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}!"


@activity.defn
async def greet_async(name: str) -> str:
    return f"async {name}"


@activity.defn
def greet_in_thread(name: str) -> str:
    assert threading.current_thread() is not threading.main_thread()
    return f"thread {name}"


class Greeter:
    """Activities may be methods: the instance carries what they need."""

    def __init__(self, salutation: str) -> None:
        self.salutation = salutation

    @activity.defn
    async def greet_by_method(self, name: str) -> str:
        return f"{self.salutation} {name}"


@workflow.defn
class ThreeKindsOfActivity:
    @workflow.run
    async def run(self, name: str) -> list[str]:
        limit = timedelta(seconds=20)
        return [
            await workflow.execute_activity(greet_async, name, start_to_close_timeout=limit),
            await workflow.execute_activity(greet_in_thread, name, start_to_close_timeout=limit),
            await workflow.execute_activity_method(
                Greeter.greet_by_method, name, start_to_close_timeout=limit
            ),
        ]


async def test_a_workflow_returns_what_its_run_method_returns(client: Client) -> None:
    async with new_worker(client, Greeting) as worker:
        handle = await client.start_workflow(
            Greeting.run, "Ada", id=unique("hello"), task_queue=worker.task_queue
        )
        assert await handle.result() == "Hello, Ada!"
    assert await event_types(handle) == [*START, "WorkflowExecutionCompleted"]


async def test_a_workflow_can_be_started_by_name(client: Client) -> None:
    async with new_worker(client, Greeting) as worker:
        result = await client.execute_workflow(
            "Greeting", "Bob", id=unique("by-name"), task_queue=worker.task_queue
        )
    assert result == "Hello, Bob!"


async def test_activities_run_on_the_loop_in_threads_and_as_methods(client: Client) -> None:
    activities = [greet_async, greet_in_thread, Greeter("Salut").greet_by_method]
    async with new_worker(client, ThreeKindsOfActivity, activities=activities) as worker:
        handle = await client.start_workflow(
            ThreeKindsOfActivity.run, "Eve", id=unique("kinds"), task_queue=worker.task_queue
        )
        assert await handle.result() == ["async Eve", "thread Eve", "Salut Eve"]
    one = [*ACTIVITY, *TASK]
    assert await event_types(handle) == [*START, *one, *one, *one, "WorkflowExecutionCompleted"]


@workflow.defn
class Parallel:
    @workflow.run
    async def run(self, count: int) -> list[str]:
        limit = timedelta(seconds=20)
        return await asyncio.gather(
            *(
                workflow.execute_activity(greet_async, str(i), start_to_close_timeout=limit)
                for i in range(count)
            )
        )


async def test_gathered_activities_give_results_in_input_order(client: Client) -> None:
    async with new_worker(client, Parallel, activities=[greet_async]) as worker:
        result = await client.execute_workflow(
            Parallel.run, 25, id=unique("gather"), task_queue=worker.task_queue
        )
    assert result == [f"async {i}" for i in range(25)]


@dataclasses.dataclass
class Item:
    name: str
    price: float
    tags: list[str]
    parent: "Item | None" = None


@activity.defn
async def discount(item: Item) -> Item:
    assert isinstance(item, Item)
    return dataclasses.replace(item, price=item.price / 2)


@workflow.defn
class Shop:
    @workflow.run
    async def run(self, item: Item) -> Item:
        assert isinstance(item, Item)
        return await workflow.execute_activity(
            discount, item, start_to_close_timeout=timedelta(seconds=20)
        )


async def test_a_dataclass_is_a_dataclass_on_every_side(client: Client) -> None:
    item = Item("lamp", 8.0, ["light", "größe"], parent=Item("shop", 1.0, []))
    async with new_worker(client, Shop, activities=[discount]) as worker:
        result = await client.execute_workflow(
            Shop.run, item, id=unique("dataclass"), task_queue=worker.task_queue
        )
    assert result == dataclasses.replace(item, price=4.0)
    assert isinstance(result.parent, Item)


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, value: Any) -> Any:
        return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**53),
        1.5,
        "",
        "snow ☃",
        [],
        [1, [2, None]],
        {"a": {"b": []}},
        b"",
        bytes(range(256)),
    ],
    ids=repr,
)
async def test_plain_values_survive_the_round_trip(client: Client, value: object) -> None:
    async with new_worker(client, Echo) as worker:
        result = await client.execute_workflow(
            Echo.run, value, id=unique("echo"), task_queue=worker.task_queue
        )
    assert result == value
    assert type(result) is type(value)


@workflow.defn
class ManyArguments:
    @workflow.run
    async def run(self, text: str, number: int, item: Item) -> list[str]:
        return [text, str(number + 1), item.name]


async def test_several_arguments_arrive_in_order_with_their_types(client: Client) -> None:
    async with new_worker(client, ManyArguments) as worker:
        result = await client.execute_workflow(
            ManyArguments.run,
            args=["x", 1, Item("lamp", 1.0, [])],
            id=unique("args"),
            task_queue=worker.task_queue,
        )
    assert result == ["x", "2", "lamp"]


@workflow.defn
class Facts:
    """Reports what the workflow can know about itself."""

    @workflow.run
    async def run(self) -> dict[str, Any]:
        info = workflow.info()
        before = workflow.now()
        return {
            "id": info.workflow_id,
            "run_id": info.run_id,
            "type": info.workflow_type,
            "attempt": info.attempt,
            "queue": info.task_queue,
            "namespace": info.namespace,
            "uuid": str(workflow.uuid4()),
            "random": workflow.random().random(),
            "same_now": workflow.now() == before,
            "time": workflow.time(),
        }


async def test_a_workflow_knows_its_own_facts(client: Client) -> None:
    workflow_id = unique("facts")
    async with new_worker(client, Facts) as worker:
        handle = await client.start_workflow(
            Facts.run, id=workflow_id, task_queue=worker.task_queue
        )
        facts = await handle.result()
    assert facts["id"] == workflow_id
    assert facts["run_id"] == handle.first_execution_run_id
    assert facts["type"] == "Facts"
    assert (facts["attempt"], facts["queue"]) == (1, worker.task_queue)
    assert facts["namespace"] == "default"
    assert facts["same_now"]
    assert len(facts["uuid"]) == 36
    assert 0 <= facts["random"] < 1
