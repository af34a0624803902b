"""What a type checker knows about calls to workflows. Checked by `make lint`, never run.

A line with ``type: ignore`` is one that has to be an error: an unused ignore is an error too.
"""

from datetime import timedelta
from typing import Any

from typing_extensions import assert_type

from hourglass import activity, workflow
from hourglass.client import (
    AsyncActivityHandle,
    Client,
    NamespaceDescription,
    WithStartWorkflowOperation,
    WorkflowExecution,
    WorkflowHandle,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from hourglass.common import SearchAttributeKey, WorkflowIDConflictPolicy


@activity.defn
async def price(item: str) -> float:
    return len(item)


@activity.defn(name="other")
def stock(item: str) -> int:
    return len(item)


@workflow.defn
class Plain:
    @workflow.run
    async def run(self) -> str:
        return ""


@workflow.defn
class Order:
    @workflow.run
    async def run(self, item: str) -> int:
        return len(item)

    @workflow.signal
    def add(self, count: int) -> None: ...

    @workflow.signal(name="done")
    async def finish(self) -> None: ...

    @workflow.update
    def put(self, item: str) -> int:
        return 0

    @put.validator
    def check(self, item: str) -> None: ...

    @workflow.update(name="later")
    async def set_later(self, item: str, count: int) -> float:
        assert_type(self.put("x"), int)
        return 0.0

    @workflow.update
    async def none(self) -> bytes:
        return b""

    @workflow.query
    def total(self) -> float:
        return 0.0

    @workflow.query
    def count_of(self, item: str) -> int:
        return 0


@workflow.defn
class Several:
    @workflow.run
    async def run(self, a: int, b: str) -> bytes:
        return b""


async def starting(client: Client) -> None:
    assert_type(
        await client.start_workflow(Plain.run, id="x", task_queue="q"), WorkflowHandle[Plain, str]
    )
    assert_type(
        await client.start_workflow(Order.run, "lamp", id="x", task_queue="q"),
        WorkflowHandle[Order, int],
    )
    assert_type(
        await client.start_workflow(Several.run, args=[1, "x"], id="x", task_queue="q"),
        WorkflowHandle[Several, bytes],
    )
    assert_type(
        await client.start_workflow("Name", 1, id="x", task_queue="q"), WorkflowHandle[Any, Any]
    )
    assert_type(await client.execute_workflow(Plain.run, id="x", task_queue="q"), str)
    assert_type(await client.execute_workflow(Order.run, "a", id="x", task_queue="q"), int)
    assert_type(await client.execute_workflow("Name", id="x", task_queue="q"), Any)


async def starting_wrongly(client: Client) -> None:
    await client.start_workflow(Order.run, 3, id="x", task_queue="q")  # type: ignore[misc]
    await client.start_workflow(Plain.run, id="x")  # type: ignore[call-overload]
    await client.start_workflow(  # type: ignore[call-overload]
        Plain.run, id="x", task_queue="q", run_timeot=timedelta(1)
    )
    await client.execute_workflow(Plain.run, id=3, task_queue="q")  # type: ignore[call-overload]


async def talking(client: Client) -> None:
    handle = client.get_workflow_handle_for(Order.run, "x")
    assert_type(handle, WorkflowHandle[Order, int])
    assert_type(await handle.result(), int)
    assert_type(await handle.query(Order.total), float)
    assert_type(await handle.query(Order.count_of, "lamp"), int)
    assert_type(await handle.query("total"), Any)
    await handle.signal(Order.add, 3)
    await handle.signal(Order.finish)
    await handle.signal("anything", 3)


async def talking_wrongly(client: Client) -> None:
    handle = client.get_workflow_handle_for(Order.run, "x")
    await handle.signal(Order.add, "three")  # type: ignore[call-overload]
    await handle.query(Order.count_of, 3)  # type: ignore[call-overload]
    await handle.result(rpc_timeout=3)  # type: ignore[arg-type]


async def updating(client: Client) -> None:
    handle = client.get_workflow_handle_for(Order.run, "x")
    stage = WorkflowUpdateStage.ACCEPTED
    assert_type(await handle.execute_update(Order.put, "lamp"), int)
    assert_type(await handle.execute_update(Order.none), bytes)
    assert_type(await handle.execute_update(Order.set_later, args=["lamp", 1]), float)
    assert_type(await handle.execute_update("anything", 1), Any)
    assert_type(
        await handle.start_update(Order.put, "lamp", wait_for_stage=stage),
        WorkflowUpdateHandle[int],
    )
    found = handle.get_update_handle_for(Order.set_later, "id")
    assert_type(await found.result(), float)
    operation = WithStartWorkflowOperation(
        Order.run,
        "lamp",
        id="x",
        task_queue="q",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    assert_type(operation, WithStartWorkflowOperation[Order, int])
    assert_type(await operation.workflow_handle(), WorkflowHandle[Order, int])
    assert_type(
        await client.execute_update_with_start_workflow(
            Order.put, "lamp", start_workflow_operation=operation
        ),
        int,
    )


async def updating_wrongly(client: Client) -> None:
    handle = client.get_workflow_handle_for(Order.run, "x")
    await handle.execute_update(Order.put, 3)  # type: ignore[arg-type]
    await handle.execute_update(Order.none, 3)  # type: ignore[arg-type]
    await handle.execute_update(Order.total)  # type: ignore[call-overload]
    await handle.start_update(Order.none)  # type: ignore[call-overload]


async def finding(client: Client) -> None:
    async for found in client.list_workflows("query"):
        assert_type(found, WorkflowExecution)
        number = SearchAttributeKey.for_int("n")
        assert_type(found.typed_search_attributes[number], int)
        assert_type(found.typed_search_attributes.get(number), int | None)
        assert_type(found.typed_search_attributes.get(number, "none"), int | str)
        number.value_set("three")  # type: ignore[arg-type]
    assert_type((await client.count_workflows()).count, int)


async def administering(client: Client) -> None:
    assert_type(await client.describe_namespace(), NamespaceDescription)
    assert_type((await client.describe_namespace("other")).retention, timedelta | None)
    await client.register_namespace("other", retention=timedelta(days=1))
    await client.register_namespace("other", retention=1)  # type: ignore[arg-type]


async def completing(client: Client) -> None:
    handle = client.get_async_activity_handle(task_token=b"")
    assert_type(handle, AsyncActivityHandle)
    client.get_async_activity_handle(workflow_id="w", run_id=None, activity_id="a")
    client.get_async_activity_handle(workflow_id="w")  # type: ignore[call-overload]
    await handle.fail("text")  # type: ignore[arg-type]


async def inside_an_activity() -> None:
    assert_type(await price("lamp"), float)
    assert_type(stock("lamp"), int)
    assert_type(activity.info(), activity.Info)
    assert_type(activity.is_cancelled(), bool)
