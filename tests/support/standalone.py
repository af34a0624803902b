"""What tests of standalone activities share."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from hourglass import activity
from hourglass.client import ActivityHandle, Client
from tests.support import unique

LIMIT = timedelta(seconds=30)


@activity.defn
async def greet(name: str) -> str:
    return f"Hello, {name}"


async def start_greeting(client: Client, queue: str, **options: Any) -> ActivityHandle[str]:
    """Start `greet` under a name of its own."""
    given: Any = {"id": unique("greets"), "start_to_close_timeout": LIMIT, **options}
    return await client.start_activity(greet, "Ada", task_queue=queue, **given)


async def until(found: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Wait until the service has got there; the deadline of the test is the limit."""
    while (await found()) != wanted:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.1)


async def knows_standalone_activities(client: Client) -> Client:
    """Return the client if its service has them; a real server has from 1.32 on."""
    answer = await client.connection.call("DescribeNamespace", {"namespace": client.namespace})
    if not answer["namespace_info"].get("capabilities", {}).get("standalone_activities"):
        assert not client.target.startswith("sqlite:")
        pytest.skip("this Temporal server is older than 1.32: it has no standalone activities")
    return client
