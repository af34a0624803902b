"""Which activity is meant, and by which RPC it is reached."""

from __future__ import annotations

from typing import Any

import pytest

from hourglass.client import AsyncActivityHandle, Client
from hourglass.client._requests.activity_task import AsyncActivityIDReference, call
from hourglass.exceptions import EncodingError, InvalidArgumentError


def test_a_reference_says_which_rpc_takes_it() -> None:
    assert call("Respond", b"t") == ("Respond", {"task_token": b"t"})
    assert call("Respond", AsyncActivityIDReference("w", None, "a")) == (
        "RespondById",
        {"workflow_id": "w", "run_id": "", "activity_id": "a"},
    )
    assert call("Respond", AsyncActivityIDReference(None, "r", "a")) == (
        "RespondById",
        {"workflow_id": "", "run_id": "r", "activity_id": "a"},
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"workflow_id": "w"},
        {"run_id": "r"},
        {"activity_id": ""},
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
