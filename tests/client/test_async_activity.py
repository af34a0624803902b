"""Which activity is meant, and by which RPC it is reached."""

from __future__ import annotations

from typing import Any

import pytest

from hourglass.client import AsyncActivityHandle, Client
from hourglass.client._requests.activity_task import ActivityReference
from hourglass.exceptions import EncodingError, InvalidArgumentError


def test_a_reference_says_which_rpc_takes_it() -> None:
    by_token = ActivityReference(task_token=b"t")
    assert by_token.call("Respond") == ("Respond", {"task_token": b"t"})
    by_id = ActivityReference("w", None, "a")
    assert by_id.call("Respond") == (
        "RespondById",
        {"workflow_id": "w", "run_id": "", "activity_id": "a"},
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"workflow_id": "w"},
        {"activity_id": "a"},
        {"task_token": b"t", "activity_id": "a"},
        {"task_token": b""},
        {"workflow_id": "", "activity_id": "a"},
    ],
)
async def test_half_a_reference_is_none(given: dict[str, Any]) -> None:
    client: Any = await Client.connect("sqlite://", lazy=True)
    with pytest.raises(InvalidArgumentError):
        client.get_async_activity_handle(**given)


async def test_what_can_not_be_encoded_is_refused_before_anything_is_sent() -> None:
    client = await Client.connect("sqlite://", lazy=True)
    handle: AsyncActivityHandle = client.get_async_activity_handle(task_token=b"t")
    with pytest.raises(EncodingError):
        await handle.complete(object())
    with pytest.raises(EncodingError):
        await handle.heartbeat(object())
