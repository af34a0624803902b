"""A payload codec sees everything users send, whichever way it goes; their code sees none of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity, workflow
from hourglass._bridge import Payload
from hourglass.client import (
    Client,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from hourglass.common import RetryPolicy
from hourglass.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)
from hourglass.exceptions import ActivityError, ApplicationError, ChildWorkflowError
from tests.converter.test_codec import Bundle
from tests.support import history_events, new_worker, unique

TEN = timedelta(seconds=10)


class Envelope(PayloadCodec):
    """Wraps every payload into another; refuses what is not wrapped."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return [
            Payload(metadata={"encoding": b"envelope"}, data=one.SerializeToString()[::-1])
            for one in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        assert all(one.metadata["encoding"] == b"envelope" for one in payloads)
        return [Payload.FromString(one.data[::-1]) for one in payloads]


@pytest.fixture
async def client(target: str) -> AsyncIterator[Client]:
    """Connect a client whose payloads go through the codec."""
    converter = replace(DataConverter.default, payload_codec=Envelope())
    async with await Client.connect(target, data_converter=converter) as client:
        yield client


@activity.defn
async def local(word: str) -> str:
    return word


class Office:
    """Leaves its activity, and word of it."""

    def __init__(self) -> None:
        self.tokens: asyncio.Queue[bytes] = asyncio.Queue()

    @activity.defn
    async def leave(self) -> str:
        await self.tokens.put(activity.info().task_token)
        activity.raise_complete_async()


@workflow.defn
class Child:
    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)

    @workflow.run
    async def run(self, count: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.words) == count)
        if "fail" in self.words:
            raise ApplicationError("secret", "secret")
        return self.words


@workflow.defn
class Parent:
    def __init__(self) -> None:
        self.word = ""

    @workflow.update
    async def tell(self, word: str) -> str:
        if not word:
            raise ApplicationError("secret", "secret")
        self.word = word
        return word.upper()

    @workflow.run
    async def run(self) -> list[Any]:
        await workflow.wait_condition(lambda: bool(self.word))
        workflow.upsert_memo({"word": self.word})
        child = await workflow.start_child_workflow(Child.run, 2, memo={"m": self.word})
        await child.signal(Child.say, self.word)
        other = workflow.get_external_workflow_handle_for(Child.run, child.id)
        await other.signal(Child.say, "fail" if self.word == "fail" else "secret")
        found: list[Any] = [workflow.memo_value("word")]
        try:
            found.append(await child)
        except ChildWorkflowError as error:
            assert isinstance(error.cause, ApplicationError)
            found.append([error.cause.message, *error.cause.details])
        found.append(
            await workflow.execute_local_activity(local, self.word, start_to_close_timeout=TEN)
        )
        found.append(
            await workflow.execute_activity_method(Office.leave, start_to_close_timeout=TEN)
        )
        return found


@pytest.mark.parametrize(
    ("word", "child"), [("secret", ["secret", "secret"]), ("fail", ["secret", "secret"])]
)
async def test_a_codec_sees_all_that_users_send(client: Client, word: str, child: Any) -> None:
    office = Office()
    async with new_worker(client, Parent, Child, activities=[local, office.leave]) as worker:
        handle = await client.start_workflow(
            Parent.run, id=unique("codec"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(Parent.tell, "")
        assert isinstance(refused.value.cause, ApplicationError)
        assert list(refused.value.cause.details) == ["secret"]
        assert await handle.execute_update(Parent.tell, word) == word.upper()
        token = await office.tokens.get()
        await client.get_async_activity_handle(task_token=token).complete("secret result")
        assert await handle.result() == [word, child, word, "secret result"]
        assert await (await handle.describe()).memo_value("word") == word
        assert "InNlY3JldCI=" not in str(await history_events(handle))


@activity.defn
async def stammer(word: str) -> str:
    if activity.info().attempt == 1:
        activity.heartbeat(word)
        raise ApplicationError("no", word)
    (before,) = activity.info().heartbeat_details
    return str(before)


async def test_a_codec_sees_all_of_a_standalone_activity(client: Client) -> None:
    async with new_worker(client, activities=[stammer]) as worker:
        handle = await client.start_activity(
            stammer,
            "secret",
            id=unique("codec"),
            task_queue=worker.task_queue,
            start_to_close_timeout=TEN,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
            summary="secret",
        )
        assert await handle.result() == "secret"
    described = await handle.describe(
        include_input=True,
        include_outcome=True,
        include_heartbeat_details=True,
        include_last_failure=True,
    )
    assert (await described.input(), await described.result()) == (["secret"], "secret")
    assert await described.heartbeat_details() == ["secret"]
    failed = await described.last_failure()
    assert isinstance(failed, ApplicationError)
    assert list(failed.details) == ["secret"]
    assert '"secret"' not in repr(described.raw_description)


@activity.defn
async def beat() -> str:
    activity.heartbeat()
    return ",".join(map(str, activity.info().heartbeat_details))


@workflow.defn
class Quiet:
    @workflow.query
    def idle(self) -> Any:
        return None

    @workflow.run
    async def run(self, first: str, second: str) -> list[Any]:
        ran = await workflow.execute_activity(beat, start_to_close_timeout=TEN)
        return [ran, first, second, workflow.memo()]


@pytest.mark.parametrize("memo", [None, {"header": 1, "b": "two"}], ids=["no memo", "memo"])
async def test_a_codec_that_bundles_payloads_is_never_asked_for_nothing(
    target: str, memo: dict[str, Any] | None
) -> None:
    converter = replace(DataConverter.default, payload_codec=Bundle())
    async with (
        await Client.connect(target, data_converter=converter) as client,
        new_worker(client, Quiet, activities=[beat]) as worker,
    ):
        handle = await client.start_workflow(
            Quiet.run, args=["a", "b"], id=unique("quiet"), task_queue=worker.task_queue, memo=memo
        )
        answer: object = await handle.query("idle")
        assert answer is None
        assert await handle.result() == ["", "a", "b", memo or {}]
        assert await (await handle.describe()).memo() == (memo or {})
        cancelled = await client.start_workflow(
            Parent.run, id=unique("quiet"), task_queue=unique("nobody")
        )
        await cancelled.terminate()
        with pytest.raises(WorkflowFailureError):
            await cancelled.result()


@activity.defn
async def tell_secret() -> None:
    raise ApplicationError("secret of the activity")


@workflow.defn
class PassesOn:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            tell_secret,
            start_to_close_timeout=TEN,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@pytest.mark.parametrize("codec", [None, Envelope()], ids=["no codec", "codec"])
async def test_texts_that_are_hidden_reach_who_may_read_them_however_often_they_are_passed_on(
    target: str, codec: PayloadCodec | None
) -> None:
    converter = replace(
        DataConverter.default,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
    async with (
        await Client.connect(target, data_converter=converter) as client,
        new_worker(client, PassesOn, activities=[tell_secret]) as worker,
    ):
        handle = await client.start_workflow(
            PassesOn.run, id=unique("hidden"), task_queue=worker.task_queue
        )
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        activity_error: Any = failed.value.cause
        assert isinstance(activity_error, ActivityError)
        assert isinstance(activity_error.cause, ApplicationError)
        assert activity_error.cause.message == "secret of the activity"
        assert "secret of" not in str(await history_events(handle))
