"""A payload codec sees everything that leaves the process, and workflow code sees none of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass._bridge import (
    CompleteWorkflowExecution,
    FailWorkflowExecution,
    InitializeWorkflow,
    Payload,
    ScheduleActivity,
    StartTimer,
    WorkflowActivation,
    WorkflowCompletion,
)
from hourglass.client import Client, WorkflowFailureError
from hourglass.converter import DataConverter, PayloadCodec, PayloadConverter
from hourglass.exceptions import ApplicationError
from hourglass.worker._codec import decode_activation, encode_completion
from tests.support import new_worker, unique

payload = PayloadConverter.default.to_payload


class Envelope(PayloadCodec):
    """Wraps every payload into another."""

    async def encode(self, payloads: Any) -> list[Payload]:
        await asyncio.sleep(0)
        return [
            Payload(metadata={"encoding": b"envelope"}, data=one.SerializeToString())
            for one in payloads
        ]

    async def decode(self, payloads: Any) -> list[Payload]:
        await asyncio.sleep(0)
        assert all(one.metadata["encoding"] == b"envelope" for one in payloads)
        return [Payload.FromString(one.data) for one in payloads]


codec = Envelope()


async def wrapped(value: Any) -> Payload:
    return (await codec.encode([payload(value)]))[0]


async def test_an_activation_is_decoded_except_for_headers() -> None:
    header = payload("readable")
    job = InitializeWorkflow(
        workflow_type="T", arguments=[await wrapped(1)], headers={"h": header}, randomness_seed=5
    )
    activation = WorkflowActivation(run_id="r", jobs=[job], history_length=7)
    decoded = await decode_activation(activation, codec)
    assert (decoded.run_id, decoded.history_length) == ("r", 7)
    expected = InitializeWorkflow(
        workflow_type="T", arguments=[payload(1)], headers={"h": header}, randomness_seed=5
    )
    assert decoded.jobs == [expected]


async def test_a_completion_is_encoded_command_by_command() -> None:
    failure = {"message": "x", "application_failure_info": {"details": {"payloads": [payload(1)]}}}
    hidden = {
        "message": "x",
        "application_failure_info": {"details": {"payloads": [await wrapped(1)]}},
    }
    plain: list[Any] = [
        StartTimer(1, 2.0),
        ScheduleActivity(2, "2", "a", "q", [payload("x")], start_to_close_timeout=5.0),
        CompleteWorkflowExecution(payload(3)),
        FailWorkflowExecution(failure),
    ]
    encoded = await encode_completion(WorkflowCompletion("r", plain), codec)
    assert encoded.run_id == "r"
    assert encoded.commands == [
        StartTimer(1, 2.0),
        ScheduleActivity(2, "2", "a", "q", [await wrapped("x")], start_to_close_timeout=5.0),
        CompleteWorkflowExecution(await wrapped(3)),
        FailWorkflowExecution(hidden),
    ]
    failed = await encode_completion(WorkflowCompletion.failed("r", failure), codec)
    assert failed.failure == hidden


@activity.defn
async def double(number: int) -> int:
    activity.heartbeat("secret")
    return 2 * number


@activity.defn
async def fail(reason: str) -> None:
    raise ApplicationError("failed", reason, non_retryable=True)


@workflow.defn
class Secretive:
    def __init__(self) -> None:
        self.added = 0

    @workflow.run
    async def run(self, number: int) -> int:
        await workflow.wait_condition(lambda: self.added > 0)
        if number < 0:
            await workflow.execute_activity(
                fail, "secret", start_to_close_timeout=timedelta(seconds=9)
            )
        return self.added + await workflow.execute_activity(
            double, number, start_to_close_timeout=timedelta(seconds=9)
        )

    @workflow.signal
    def add(self, number: int) -> None:
        self.added += number

    @workflow.query
    def so_far(self, offset: int) -> int:
        return self.added + offset


async def test_with_a_codec_everything_works_and_nothing_is_readable(target: str) -> None:
    client = await Client.connect(target, data_converter=DataConverter(payload_codec=codec))
    async with new_worker(client, Secretive, activities=[double, fail]) as worker:
        handle = await client.start_workflow(
            Secretive.run,
            4,
            id=unique("secret"),
            task_queue=worker.task_queue,
            memo={"note": "secret"},
        )
        assert await handle.query(Secretive.so_far, 100) == 100
        await handle.signal(Secretive.add, 3)
        assert await handle.result() == 11
        assert await (await handle.describe()).memo() == {"note": "secret"}
        failing = await client.start_workflow(
            Secretive.run, -1, id=unique("secret"), task_queue=worker.task_queue
        )
        await failing.signal(Secretive.add, 1)
        with pytest.raises(WorkflowFailureError) as failure:
            await failing.result()
    cause = failure.value.cause.__cause__
    assert isinstance(cause, ApplicationError)
    assert list(cause.details) == ["secret"]
    text = (await handle.fetch_history()).to_json() + (await failing.fetch_history()).to_json()
    assert "anNvbi9wbGFpbg==" not in text  # json/plain in base64, as the encoding of a payload
    await client.close()
