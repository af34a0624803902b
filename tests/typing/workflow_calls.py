"""What type checkers infer for calls in workflow code. Never run: checked by mypy.

`assert_type` says what has to come out; a ``type: ignore`` says what has to be refused (an unused
one is an error).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from typing_extensions import assert_type

from hourglass import activity, workflow

TEN = timedelta(seconds=10)


@dataclass
class Order:
    number: int


@activity.defn
async def none() -> int:
    return 1


@activity.defn
async def one(order: Order) -> str:
    return str(order)


@activity.defn
def sync_one(order: Order) -> bytes:
    return b""


@activity.defn
def sync_none() -> bytes:
    return b""


@activity.defn
async def many(order: Order, count: int) -> list[str]:
    return []


class Shop:
    @activity.defn
    async def charge(self, order: Order) -> float:
        return 1.0

    @activity.defn
    def refund(self) -> bool:
        return True


class Packs:
    async def __call__(self, order: Order) -> Order:
        return order


async def activities(order: Order) -> None:
    assert_type(await workflow.execute_activity(none, start_to_close_timeout=TEN), int)
    assert_type(await workflow.execute_activity(one, order, start_to_close_timeout=TEN), str)
    assert_type(await workflow.execute_activity(sync_one, order, start_to_close_timeout=TEN), bytes)
    assert_type(await workflow.execute_activity(sync_none, start_to_close_timeout=TEN), bytes)
    assert_type(
        await workflow.execute_activity(many, args=[order, 1], start_to_close_timeout=TEN),
        list[str],
    )
    assert_type(
        await workflow.execute_activity("name", order, result_type=int, start_to_close_timeout=TEN),
        int,
    )
    assert_type(await workflow.execute_activity("name", start_to_close_timeout=TEN), Any)
    handle = workflow.start_activity(one, order, start_to_close_timeout=TEN)
    assert_type(handle, workflow.ActivityHandle[str])
    assert_type(await handle, str)
    assert_type(handle.result(), str)
    assert_type(handle.cancel(), bool)


async def methods_and_classes(order: Order) -> None:
    assert_type(
        await workflow.execute_activity_method(Shop.charge, order, start_to_close_timeout=TEN),
        float,
    )
    assert_type(
        workflow.start_activity_method(Shop.refund, start_to_close_timeout=TEN),
        workflow.ActivityHandle[bool],
    )
    assert_type(
        await workflow.execute_activity_class(Packs, order, start_to_close_timeout=TEN), Order
    )


async def local_activities(order: Order) -> None:
    assert_type(await workflow.execute_local_activity(one, order, start_to_close_timeout=TEN), str)
    assert_type(
        workflow.start_local_activity(many, args=[order, 1], start_to_close_timeout=TEN),
        workflow.LocalActivityHandle[list[str]],
    )
    assert_type(
        await workflow.execute_local_activity_method(
            Shop.charge, order, start_to_close_timeout=TEN
        ),
        float,
    )
    assert_type(
        await workflow.execute_local_activity_class(Packs, order, start_to_close_timeout=TEN), Order
    )
    assert_type(
        await workflow.execute_local_activity("x", result_type=int, start_to_close_timeout=TEN), int
    )
    await workflow.execute_local_activity(one, 3, start_to_close_timeout=TEN)  # type: ignore[arg-type]
    await workflow.execute_local_activity(one, order, heartbeat_timeout=TEN)  # type: ignore[call-overload]


async def refused(order: Order) -> None:
    await workflow.execute_activity(one, 3, start_to_close_timeout=TEN)  # type: ignore[arg-type]
    await workflow.execute_activity(one, start_to_close_timeout=TEN)  # type: ignore[arg-type]
    await workflow.execute_activity(none, order, start_to_close_timeout=TEN)  # type: ignore[arg-type]
    await workflow.execute_activity(one, order, start_to_close=TEN)  # type: ignore[call-overload]
    await workflow.execute_activity(one, order, start_to_close_timeout=10)  # type: ignore[call-overload]
    await workflow.sleep("soon")  # type: ignore[arg-type]


@workflow.defn
class Decorated:
    @workflow.init
    def __init__(self, order: Order) -> None:
        self.order = order

    @workflow.run
    async def run(self, order: Order) -> str:
        return ""

    @workflow.signal
    def nudge(self, times: int) -> None: ...

    @workflow.query(name="state")
    def state(self) -> Order:
        return self.order


def decorators_change_nothing(decorated: Decorated, order: Order) -> None:
    assert_type(decorated.state(), Order)
    assert_type(decorated.nudge(1), None)
    nudge: Callable[[Decorated, int], None] = Decorated.nudge
    decorated.nudge("x")  # type: ignore[arg-type]
    nudge(decorated, 1)


@workflow.defn
class Unary:
    @workflow.run
    async def run(self) -> bytes:
        return b""


@workflow.defn
class Binary:
    @workflow.run
    async def run(self, a: int, b: str) -> float:
        return 0.0


async def children(order: Order) -> None:
    assert_type(await workflow.execute_child_workflow(Unary.run), bytes)
    assert_type(await workflow.execute_child_workflow(Decorated.run, order, id="x"), str)
    assert_type(await workflow.execute_child_workflow(Binary.run, args=[1, "x"]), float)
    assert_type(await workflow.execute_child_workflow("Name", 1, result_type=int), int)
    assert_type(await workflow.execute_child_workflow("Name"), Any)
    handle = await workflow.start_child_workflow(Decorated.run, order)
    assert_type(handle, workflow.ChildWorkflowHandle[Decorated, str])
    assert_type(await handle, str)
    await handle.signal(Decorated.nudge, 3)
    await handle.signal("anything", args=[1, 2])
    other = workflow.get_external_workflow_handle_for(Decorated.run, "x")
    assert_type(other, workflow.ExternalWorkflowHandle[Decorated])
    await other.signal(Decorated.nudge, 3)
    assert_type(workflow.get_external_workflow_handle("x"), workflow.ExternalWorkflowHandle[Any])


async def children_refused(order: Order) -> None:
    await workflow.execute_child_workflow(Decorated.run, 3)  # type: ignore[misc]
    await workflow.execute_child_workflow(Unary.run, idd="x")  # type: ignore[call-overload]
    handle = await workflow.start_child_workflow(Decorated.run, order)
    await handle.signal(Decorated.nudge, "three")  # type: ignore[call-overload]
    await handle.signal(Shop.charge, order)  # type: ignore[call-overload]


async def waiting() -> None:
    handles = [workflow.start_activity(none, start_to_close_timeout=TEN) for _ in range(3)]
    done, pending = await workflow.wait(handles)
    assert_type(done, list[workflow.ActivityHandle[int]])
    assert_type(pending, list[workflow.ActivityHandle[int]])
    for item in workflow.as_completed(handles):
        assert_type(await item, int)
    assert_type(await workflow.wait_condition(lambda: True, timeout=3), None)
    workflow.continue_as_new(1)
    unreachable: int = "x"
    del unreachable
