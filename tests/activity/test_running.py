"""Activities as a worker runs them: on the loop, in threads, cancelled, heartbeating, failing."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

import pytest

from hourglass import activity
from hourglass._bridge import ActivityTask, Payload
from hourglass.converter import DataConverter, PayloadCodec, PayloadConverter
from hourglass.exceptions import ApplicationError, CancelledError
from hourglass.worker import _activity_outcome
from hourglass.worker._activity import Activities
from hourglass.worker._definitions import activity_table

if TYPE_CHECKING:
    from hourglass.subsystem.worker_handle import WorkerHandle

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
payloads = PayloadConverter.default


@dataclass
class FakeClient:
    namespace: str = "default"
    data_converter: DataConverter = DataConverter.default


@dataclass
class Outcome:
    """Stands in for the native completion, which can't be looked into."""

    status: str
    result: Any = None
    failure: Any = None

    @property
    def error(self) -> Any:
        return DataConverter.default.failure_converter.from_failure(self.failure, payloads)

    @staticmethod
    def completed(_token: bytes, result: Payload) -> "Outcome":
        return Outcome("completed", result=payloads.from_payload(result))

    @staticmethod
    def failed(_token: bytes, failure: Any) -> "Outcome":
        return Outcome("failed", failure=failure)

    @staticmethod
    def cancelled(_token: bytes, failure: Any) -> "Outcome":
        return Outcome("cancelled", failure=failure)

    @staticmethod
    def will_complete_async(_token: bytes) -> "Outcome":
        return Outcome("will_complete_async")


@pytest.fixture(autouse=True)
def readable_completions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_activity_outcome, "ActivityCompletion", Outcome)


@dataclass
class FakeHandle:
    """Takes what a worker's handle takes, and tells when it came."""

    completions: "asyncio.Queue[Outcome]" = field(default_factory=asyncio.Queue)
    heartbeats: list[list[Any]] = field(default_factory=list)
    tag: int = 0

    def complete_activity(self, completion: Outcome) -> None:
        self.completions.put_nowait(completion)

    def heartbeat(self, _token: bytes, details: list[Payload]) -> None:
        self.heartbeats.append(payloads.from_payloads(details))


class Bench:
    """A worker's activities without a worker."""

    def __init__(self, *functions: Callable[..., Any], codec: PayloadCodec | None = None) -> None:
        client: Any = FakeClient(data_converter=DataConverter(payload_codec=codec))
        self.handle = FakeHandle()
        self.threads = ThreadPoolExecutor(2)
        self.activities = Activities(
            activity_table(functions),
            client=client,
            task_queue="queue",
            executor=lambda: self.threads,
        )
        self.activities.begin(cast("WorkerHandle", self.handle))

    def start(self, name: str, *args: Any, token: bytes = b"t", **fields: Any) -> None:
        task = ActivityTask(
            variant="start",
            task_token=token,
            activity_id="1",
            activity_type=name,
            input=payloads.to_payloads(args),
            scheduled_time=NOW,
            current_attempt_scheduled_time=NOW,
            started_time=NOW,
            **fields,
        )
        self.activities._route(task)

    def cancel(self, reason: str = "CANCELLED", token: bytes = b"t") -> None:
        self.activities._route(
            ActivityTask(variant="cancel", task_token=token, cancel_reason=reason)
        )

    async def completion(self) -> Outcome:
        return await self.handle.completions.get()


@pytest.fixture
def started() -> threading.Event:
    return threading.Event()


@activity.defn
async def add(a: int, b: int) -> int:
    return a + b


@activity.defn
def add_in_thread(a: int, b: int) -> list[Any]:
    info = activity.info()
    return [a + b, info.activity_type, threading.current_thread() is threading.main_thread()]


class Shop:
    def __init__(self, name: str) -> None:
        self.name = name

    @activity.defn
    async def greet(self, who: str) -> str:
        return f"{self.name} greets {who}"


async def test_an_async_activity_runs_on_the_loop() -> None:
    bench = Bench(add)
    bench.start("add", 1, 2)
    assert (await bench.completion()).result == 3


async def test_a_sync_activity_runs_in_a_thread_and_knows_where_it_is() -> None:
    bench = Bench(add_in_thread)
    bench.start("add_in_thread", 1, 2)
    assert (await bench.completion()).result == [3, "add_in_thread", False]


async def test_a_bound_method_is_an_activity() -> None:
    bench = Bench(Shop("Ada").greet)
    bench.start("greet", "Bob")
    assert (await bench.completion()).result == "Ada greets Bob"


async def test_what_is_known_about_the_attempt_arrives() -> None:
    @activity.defn
    async def look() -> list[Any]:
        info = activity.info()
        assert info.heartbeat_timeout == timedelta(seconds=3)
        return [info.attempt, info.workflow_id, info.namespace, info.task_queue]

    bench = Bench(look)
    bench.start("look", attempt=4, workflow_id="w", heartbeat_timeout=timedelta(seconds=3))
    assert (await bench.completion()).result == [4, "w", "default", "queue"]


async def test_a_standalone_activity_knows_its_run_and_no_workflow() -> None:
    @activity.defn
    async def look() -> list[Any]:
        info = activity.info()
        of_workflow = [
            info.workflow_id,
            info.workflow_namespace,
            info.workflow_run_id,
            info.workflow_type,
        ]
        return [info.in_workflow, info.activity_run_id, *of_workflow]

    bench = Bench(look)
    bench.start("look", activity_run_id="r", workflow_namespace="default")
    assert (await bench.completion()).result == [False, "r", None, None, None, None]
    bench.start("look", workflow_id="w", workflow_run_id="r", workflow_type="T")
    assert (await bench.completion()).result == [True, None, "w", "", "r", "T"]


async def test_an_exception_becomes_a_failure_with_its_class_name() -> None:
    @activity.defn
    async def fail() -> None:
        raise ValueError("bad")

    bench = Bench(fail)
    bench.start("fail")
    outcome = await bench.completion()
    assert outcome.status == "failed"
    assert (outcome.error.type, outcome.error.message) == ("ValueError", "bad")


async def test_an_unregistered_activity_names_itself_and_what_there_is() -> None:
    bench = Bench(add)
    bench.start("substract")
    error = (await bench.completion()).error
    assert error.type == "NotFoundError"
    assert "'substract'" in error.message
    assert "add" in error.message


async def test_arguments_that_do_not_fit_are_named() -> None:
    bench = Bench(add)
    bench.start("add", 1, "x")
    error = (await bench.completion()).error
    assert error.type == "DecodingError"
    assert "expected int" in error.message


async def test_a_result_that_can_not_be_encoded_fails_for_good() -> None:
    @activity.defn
    async def leak() -> object:
        return object()

    bench = Bench(leak)
    bench.start("leak")
    error = (await bench.completion()).error
    assert (error.type, error.non_retryable) == ("EncodingError", True)
    assert "type object" in error.message


async def test_failure_details_that_can_not_be_encoded_are_reported() -> None:
    @activity.defn
    async def fail() -> None:
        raise ApplicationError("x", object())

    bench = Bench(fail)
    bench.start("fail")
    outcome = await bench.completion()
    assert outcome.status == "failed"
    assert outcome.error.message.startswith("x [sent without its details: ")


async def test_a_cancelled_async_activity_completes_as_cancelled() -> None:
    reached = asyncio.Event()

    @activity.defn
    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    bench = Bench(hang)
    bench.start("hang")
    await reached.wait()
    bench.cancel()
    outcome = await bench.completion()
    assert outcome.status == "cancelled"
    assert isinstance(outcome.error, CancelledError)


async def test_an_activity_may_survive_its_cancellation_and_say_why_it_came() -> None:
    reached = asyncio.Event()

    @activity.defn
    async def stubborn() -> bool:
        reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            assert details is not None
            return details.cancel_requested and activity.is_cancelled()
        return False

    bench = Bench(stubborn)
    bench.start("stubborn")
    await reached.wait()
    bench.cancel()
    assert (await bench.completion()).result is True


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("WORKER_SHUTDOWN", "WorkerShutdown"),
        ("PAUSED", "ActivityPause"),
        ("RESET", "ActivityReset"),
    ],
)
async def test_an_interruption_that_is_no_cancellation_is_a_retryable_failure(
    reason: str, kind: str
) -> None:
    reached = asyncio.Event()

    @activity.defn
    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    bench = Bench(hang)
    bench.start("hang")
    await reached.wait()
    if reason == "WORKER_SHUTDOWN":  # otherwise only its handle is replaced, and it goes on
        bench.activities.worker_shutdown.set()
    bench.cancel(reason)
    outcome = await bench.completion()
    assert outcome.status == "failed"
    assert (outcome.error.type, outcome.error.non_retryable) == (kind, False)


async def test_a_cancellation_is_raised_in_the_thread_of_a_sync_activity(
    started: threading.Event,
) -> None:
    @activity.defn
    def spin() -> None:
        started.set()
        while True:
            threading.Event().wait(0.001)

    bench = Bench(spin)
    bench.start("spin")
    await asyncio.to_thread(started.wait)
    bench.cancel()
    assert (await bench.completion()).status == "cancelled"


async def test_a_shield_keeps_the_cancellation_until_its_end(started: threading.Event) -> None:
    done: list[str] = []

    @activity.defn
    def careful() -> None:
        with activity.shield_thread_cancel_exception():
            started.set()
            activity.wait_for_cancelled_sync()
            done.append("shielded")
        while True:
            threading.Event().wait(0.001)

    bench = Bench(careful)
    bench.start("careful")
    await asyncio.to_thread(started.wait)
    bench.cancel()
    assert (await bench.completion()).status == "cancelled"
    assert done == ["shielded"]


async def test_without_thread_exceptions_a_sync_activity_asks(started: threading.Event) -> None:
    @activity.defn(no_thread_cancel_exception=True)
    def asks() -> str:
        started.set()
        activity.wait_for_cancelled_sync()
        return "asked"

    bench = Bench(asks)
    bench.start("asks")
    await asyncio.to_thread(started.wait)
    bench.cancel()
    assert (await bench.completion()).result == "asked"


async def test_heartbeats_go_out_and_come_back_to_the_next_attempt() -> None:
    @activity.defn
    async def beat() -> list[Any]:
        activity.heartbeat("page", 3)
        return list(activity.info().heartbeat_details)

    bench = Bench(beat)
    bench.start("beat", heartbeat_details=payloads.to_payloads(["page", 2]))
    assert (await bench.completion()).result == ["page", 2]
    assert bench.handle.heartbeats == [["page", 3]]


class Plain(PayloadCodec):
    async def encode(self, payloads: Any) -> list[Payload]:
        await asyncio.sleep(0)
        return list(payloads)

    async def decode(self, payloads: Any) -> list[Payload]:
        return list(payloads)


async def test_with_a_codec_the_last_heartbeat_is_out_before_the_completion() -> None:
    @activity.defn
    def beat() -> None:
        for number in range(5):
            activity.heartbeat(number)

    bench = Bench(beat, codec=Plain())
    bench.start("beat")
    assert (await bench.completion()).status == "completed"
    assert bench.handle.heartbeats[-1] == [4]
    assert bench.handle.heartbeats == sorted(bench.handle.heartbeats)


async def test_an_activity_can_leave_its_completion_to_others() -> None:
    @activity.defn
    async def later() -> None:
        activity.raise_complete_async()

    bench = Bench(later)
    bench.start("later")
    assert (await bench.completion()).status == "will_complete_async"


async def test_what_ignores_its_cancellation_is_answered_for_once() -> None:
    reached, end = asyncio.Event(), asyncio.Event()

    @activity.defn
    async def deaf() -> None:
        while not end.is_set():
            reached.set()
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    bench = Bench(deaf)
    bench.start("deaf")
    await reached.wait()
    bench.activities.cancel_all()
    assert not await bench.activities.until_idle(0.01)
    await bench.activities.abandon_all()
    assert (await bench.completion()).error.type == "WorkerShutdown"
    assert await bench.activities.until_idle(0)
    end.set()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert bench.handle.completions.empty()


async def test_a_cancellation_of_an_unknown_task_is_ignored() -> None:
    bench = Bench(add)
    bench.cancel(token=b"other")
    bench.start("add", 1, 2)
    assert (await bench.completion()).result == 3


async def test_a_cancellation_that_comes_along_with_the_start_is_answered() -> None:
    """Its task has not made its first step; without an answer the slot would never come back."""
    bench = Bench(add)
    bench.start("add", 1, 2)
    bench.cancel()
    assert (await bench.completion()).status == "cancelled"
    assert await bench.activities.until_idle(5)


async def test_an_activity_whose_event_loop_ends_is_answered() -> None:
    """`asyncio.run` cancels every task there is, begun or not: the attempt is given out again."""
    bench = Bench(add)
    bench.start("add", 1, 2)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert (await bench.completion()).status == "failed"
    assert await bench.activities.until_idle(5)


async def test_timeouts_that_nobody_set_are_none() -> None:
    @activity.defn
    async def look() -> list[bool]:
        info = activity.info()
        limits = (
            info.heartbeat_timeout,
            info.schedule_to_close_timeout,
            info.start_to_close_timeout,
        )
        return [limit is None for limit in limits]

    bench = Bench(look)
    zero = timedelta(0)
    bench.start("look", heartbeat_timeout=zero, schedule_to_close_timeout=zero)
    assert (await bench.completion()).result == [True, True, True]


@pytest.mark.parametrize("workflow_id", ["", "w"])
async def test_the_log_record_of_a_failed_attempt_carries_the_activity(
    workflow_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    @activity.defn
    async def fail() -> None:
        raise ValueError("bad")

    bench = Bench(fail)
    bench.start("fail", workflow_id=workflow_id, attempt=3)
    await bench.completion()
    (record,) = caplog.records
    details = vars(record)["temporal_activity"]
    assert details["activity_type"] == "fail"
    assert (details["attempt"], details["task_queue"]) == (3, "queue")
    assert ("workflow_id" in details) == bool(workflow_id)


async def test_a_sync_activity_has_the_client_too() -> None:
    @activity.defn
    def look() -> str:
        return activity.client().namespace

    bench = Bench(look)
    bench.start("look")
    assert (await bench.completion()).result == "default"
