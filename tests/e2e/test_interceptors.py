"""Interceptors see every call of a client, a worker and a workflow, and pass headers on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from hourglass import activity, client, worker, workflow
from hourglass.api.common.v1 import Payload
from hourglass.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from hourglass.common import WorkflowIDConflictPolicy
from hourglass.converter import PayloadConverter
from hourglass.exceptions import ApplicationError, InvalidArgumentError
from hourglass.worker import Replayer
from tests.support import new_worker, unique

TEN = timedelta(seconds=10)
CALLER: ContextVar[str] = ContextVar("caller", default="nobody")
CONVERTER = PayloadConverter.default
CALLERS = "callers"


def headers_of(caller: str) -> Mapping[str, Payload]:
    return {"caller": CONVERTER.to_payload(caller)}


def caller_of(headers: Mapping[str, Payload]) -> str:
    return str(CONVERTER.from_payload(headers["caller"])) if "caller" in headers else "nobody"


class Outgoing(client.OutboundInterceptor):
    """Sends along who calls, and notes what was called."""

    def __init__(self, next: client.OutboundInterceptor, seen: list[str]) -> None:
        super().__init__(next)
        self.seen = seen

    async def start_workflow(self, input: client.StartWorkflowInput) -> Any:
        self.seen.append(f"start {input.workflow}")
        input.headers = {**input.headers, **headers_of(CALLER.get())}
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        self.seen.append(f"signal {input.signal}")
        input.headers = headers_of(CALLER.get())
        await super().signal_workflow(input)

    async def query_workflow(self, input: client.QueryWorkflowInput) -> Any:
        self.seen.append(f"query {input.query}")
        input.headers = headers_of(CALLER.get())
        return await super().query_workflow(input)

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> Any:
        self.seen.append(f"update {input.update}")
        input.headers = headers_of(CALLER.get())
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self, input: client.StartWorkflowUpdateWithStartInput
    ) -> Any:
        self.seen.append(f"update {input.update_workflow_input.update} with start")
        input.start_workflow_input.headers = headers_of(CALLER.get())
        input.update_workflow_input.headers = headers_of(CALLER.get())
        return await super().start_update_with_start_workflow(input)

    async def cancel_workflow(self, input: client.CancelWorkflowInput) -> None:
        self.seen.append(f"cancel {input.reason}")
        await super().cancel_workflow(input)

    async def terminate_workflow(self, input: client.TerminateWorkflowInput) -> None:
        self.seen.append(f"terminate {input.reason}")
        await super().terminate_workflow(input)

    async def describe_workflow(self, input: client.DescribeWorkflowInput) -> Any:
        self.seen.append("describe")
        input.rpc_metadata = {**input.rpc_metadata, "x-caller": CALLER.get()}
        return await super().describe_workflow(input)

    def list_workflows(self, input: client.ListWorkflowsInput) -> Any:
        self.seen.append(f"list {input.query}")
        return super().list_workflows(input)

    async def count_workflows(self, input: client.CountWorkflowsInput) -> Any:
        self.seen.append(f"count {input.query}")
        return await super().count_workflows(input)

    def fetch_workflow_history_events(self, input: client.FetchWorkflowHistoryEventsInput) -> Any:
        self.seen.append(f"history of {input.event_filter_type.name}")
        return super().fetch_workflow_history_events(input)


class OfActivity(worker.ActivityInboundInterceptor):
    def init(self, outbound: worker.ActivityOutboundInterceptor) -> None:
        super().init(FromActivity(outbound))

    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        CALLER.set(caller_of(input.headers))
        result = await super().execute_activity(input)
        return f"{result} in {activity.info().activity_type}"


class FromActivity(worker.ActivityOutboundInterceptor):
    def heartbeat(self, *details: Any) -> None:
        super().heartbeat(*details, CALLER.get())


class OfWorkflow(worker.WorkflowInboundInterceptor):
    """Knows who called; says so to what the workflow calls."""

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(FromWorkflow(outbound))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        assert input.type in (Called, Friend)
        CALLER.set(caller_of(input.headers))
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        CALLER.set(caller_of(input.headers))
        await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        return [*await super().handle_query(input), f"for {caller_of(input.headers)}"]

    def handle_update_validator(self, input: worker.HandleUpdateInput) -> None:
        if caller_of(input.headers) == "stranger":
            raise ApplicationError("strangers can't update", type="Refused")
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        CALLER.set(caller_of(input.headers))
        return await super().handle_update_handler(input)


class FromWorkflow(worker.WorkflowOutboundInterceptor):
    def start_activity(self, input: worker.StartActivityInput) -> Any:
        input.headers = headers_of(CALLER.get())
        return super().start_activity(input)

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> Any:
        input.headers = headers_of(f"{CALLER.get()}, locally")
        return super().start_local_activity(input)

    async def start_child_workflow(self, input: worker.StartChildWorkflowInput) -> Any:
        input.headers = headers_of(CALLER.get())
        return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        input.headers = headers_of(f"parent of {input.child_workflow_id}")
        await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: worker.SignalExternalWorkflowInput) -> None:
        input.headers = headers_of(f"friend of {input.workflow_id}")
        await super().signal_external_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        input.headers = headers_of(f"{CALLER.get()}, earlier")
        super().continue_as_new(input)


class Tracing(client.Interceptor, worker.Interceptor):
    """One for a client and for its workers."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return Outgoing(next, self.seen)

    def intercept_activity(
        self, next: worker.ActivityInboundInterceptor
    ) -> worker.ActivityInboundInterceptor:
        return OfActivity(next)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        input.unsafe_extern_functions["shout"] = str.upper
        return OfWorkflow


@activity.defn
async def ask() -> str:
    return f"asked by {CALLER.get()}"


@activity.defn
def ask_in_thread() -> str:
    activity.heartbeat("alive")
    return f"asked by {CALLER.get()}"


@workflow.defn
class Friend:
    def __init__(self) -> None:
        self.callers: list[str] = []

    @workflow.signal
    async def hello(self) -> None:
        self.callers.append(CALLER.get())

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: bool(self.callers))
        return [CALLER.get(), *self.callers]


@workflow.defn
class Called:
    def __init__(self) -> None:
        self.callers: list[str] = []
        self.over = False

    @workflow.signal
    def hello(self) -> None:
        self.callers.append(f"signal from {CALLER.get()}")

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.update
    async def change(self) -> str:
        asked = await workflow.execute_activity(ask, start_to_close_timeout=TEN)
        return f"updated by {CALLER.get()}: {asked}"

    @change.validator
    def check(self) -> None:
        pass

    @workflow.query(name=CALLERS)
    def said(self) -> list[str]:
        return self.callers

    @workflow.run
    async def run(self, friend: str | None) -> list[str]:
        shout: Callable[[str], str] = workflow.extern_functions()["shout"]
        self.callers.append(shout(CALLER.get()))
        for fn in (ask, ask_in_thread):
            self.callers.append(await workflow.execute_activity(fn, start_to_close_timeout=TEN))
        self.callers.append(await workflow.execute_local_activity(ask, start_to_close_timeout=TEN))
        if friend is not None:
            child = await workflow.start_child_workflow(Friend.run, id=f"{friend}-child")
            await child.signal(Friend.hello)
            self.callers += await child
            other = workflow.get_external_workflow_handle_for(Friend.run, friend)
            await other.signal(Friend.hello)
            workflow.continue_as_new(None)
        await workflow.wait_condition(lambda: self.over)
        return self.callers


@pytest.fixture
def tracing() -> Tracing:
    return Tracing()


async def test_a_header_reaches_everything_that_comes_of_a_call(
    target: str, tracing: Tracing
) -> None:
    async with await Client.connect(target, interceptors=[tracing]) as connected:
        made = new_worker(connected, Called, Friend, activities=[ask, ask_in_thread])
        async with made:
            CALLER.set("ada")
            friend = await connected.start_workflow(
                Friend.run, id=unique("friend"), task_queue=made.task_queue
            )
            handle = await connected.start_workflow(
                Called.run, friend.id, id=unique("called"), task_queue=made.task_queue
            )
            assert await friend.result() == ["ada", f"friend of {friend.id}"]
            with pytest.raises(WorkflowContinuedAsNewError):
                await handle.result(follow_runs=False)
            CALLER.set("grace")
            await handle.signal(Called.hello)
            assert await handle.execute_update(Called.change) == (
                "updated by grace: asked by grace in ask"
            )
            answer = await handle.query(CALLERS, result_type=list[str])
            CALLER.set("stranger")
            with pytest.raises(WorkflowUpdateFailedError, match="update failed") as refused:
                await handle.execute_update(Called.change)
            assert isinstance(refused.value.cause, ApplicationError)
            assert refused.value.cause.type == "Refused"
            await handle.signal(Called.end)
            callers = await handle.result()
    assert answer[-1] == "for grace"
    assert "signal from grace" in callers
    assert [one for one in callers if one != "signal from grace"] == [
        "ADA, EARLIER",
        "asked by ada, earlier in ask",
        "asked by ada, earlier in ask_in_thread",
        "asked by ada, earlier, locally in ask",
    ]


async def test_every_call_of_a_client_is_seen(target: str, tracing: Tracing) -> None:
    async with await Client.connect(target, interceptors=[tracing]) as connected:
        made = new_worker(connected, Called, activities=[ask, ask_in_thread])
        async with made:
            options: Any = {"task_queue": made.task_queue}
            handle = await connected.start_workflow(Called.run, None, id=unique("a"), **options)
            assert (await handle.describe()).id == handle.id
            await handle.cancel(reason="enough")
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            assert len(await handle.fetch_history()) > 4
            operation = WithStartWorkflowOperation(
                Called.run,
                None,
                id=unique("b"),
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                **options,
            )
            CALLER.set("ada")
            assert await connected.execute_update_with_start_workflow(
                Called.change, start_workflow_operation=operation
            ) == ("updated by ada: asked by ada in ask")
            await (await operation.workflow_handle()).terminate(reason="enough")
            query = f"WorkflowId = '{unique('nobody')}'"
            assert [one async for one in connected.list_workflows(query)] == []
            assert (await connected.count_workflows(query)).count == 0
    assert tracing.seen == [
        "start Called",
        "describe",
        "cancel enough",
        "history of CLOSE_EVENT",
        "history of ALL_EVENT",
        "update change with start",
        "terminate enough",
        f"list {query}",
        f"count {query}",
    ]


async def test_a_replay_has_interceptors_too(target: str, tracing: Tracing) -> None:
    async with await Client.connect(target, interceptors=[tracing]) as connected:
        made = new_worker(connected, Called, activities=[ask, ask_in_thread])
        async with made:
            handle = await connected.start_workflow(
                Called.run, None, id=unique("replayed"), task_queue=made.task_queue
            )
            await handle.signal(Called.end)
            await handle.result()
        history = await handle.fetch_history()
    await Replayer(workflows=[Called], interceptors=[tracing]).replay_workflow(history)
    failed = await Replayer(workflows=[Called]).replay_workflow(
        history, raise_on_replay_failure=False
    )
    assert isinstance(failed.replay_failure, Exception)  # nobody gave it the extern function


class Named(client.Interceptor, worker.Interceptor):
    """Tells its name in the order in which it is asked."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        name, seen = self.name, self.seen

        class Naming(client.OutboundInterceptor):
            async def start_workflow(self, input: client.StartWorkflowInput) -> Any:
                seen.append(f"client {name}")
                return await super().start_workflow(input)

        return Naming(next)

    def intercept_activity(
        self, next: worker.ActivityInboundInterceptor
    ) -> worker.ActivityInboundInterceptor:
        name, seen = self.name, self.seen

        class Naming(worker.ActivityInboundInterceptor):
            async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
                seen.append(f"activity {name}")
                assert (input.executor is None) is (input.fn is ask)
                input.executor = input.executor and own
                return await super().execute_activity(input)

        return Naming(next)


own = ThreadPoolExecutor(max_workers=1, thread_name_prefix="own")


async def test_the_first_is_the_outermost_and_a_clients_come_before_a_workers(
    target: str, tracing: Tracing
) -> None:
    seen: list[str] = []
    interceptors = [Named("first", seen), tracing, Named("second", seen)]
    async with await Client.connect(target, interceptors=interceptors) as connected:
        assert connected.config()["interceptors"] == tuple(interceptors)
        async with Client(**connected.config()) as again:
            made = new_worker(
                again,
                Called,
                activities=[ask, ask_in_thread],
                interceptors=[Named("third", seen)],
            )
            async with made:
                handle = await again.start_workflow(
                    Called.run, None, id=unique("order"), task_queue=made.task_queue
                )
                await handle.signal(Called.end)
                await handle.result()
    started, names = seen[:2], ["first", "second", "third"]
    assert started == ["client first", "client second"]
    assert seen[2:] == [f"activity {name}" for name in names] * 3


async def test_what_is_no_interceptor_is_refused() -> None:
    nothing: Any = object()
    with pytest.raises(InvalidArgumentError, match=r"client\.Interceptor"):
        await Client.connect("sqlite://", interceptors=[nothing], lazy=True)
    connected = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(InvalidArgumentError, match=r"worker\.Interceptor"):
        new_worker(connected, Called, interceptors=[nothing])
