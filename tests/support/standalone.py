"""What tests of standalone activities share."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

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
