"""The RPCs of standalone activities, which older servers do not know."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import compact
from hourglass.exceptions import RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client


async def call(
    client: Client,
    rpc: str,
    request: Mapping[str, Any],
    rpc_metadata: Mapping[str, str] | None,
    rpc_timeout: timedelta | None,
) -> Wire:
    """One call. `RPCError`; one that is not implemented says what to do."""
    with explained(client):
        return await client.connection.call(rpc, request, rpc_metadata, rpc_timeout)


@contextmanager
def explained(client: Client) -> Generator[None]:
    """Say of a server that can't do standalone activities what would help."""
    try:
        yield
    except RPCError as refused:
        embedded = client.target.startswith("sqlite:")
        if refused.status is not RPCStatusCode.UNIMPLEMENTED or embedded:
            raise
        raise RPCError(
            f"{client.target} does not do standalone activities ({refused.message}): use a "
            "Temporal server that does and has them enabled (1.32 does), an embedded engine "
            "(sqlite://…), or a workflow that calls the activity",
            refused.status,
            refused.details,
        ) from refused


def reference(activity_id: str, activity_run_id: str | None, **more: Any) -> Wire:
    """Which one, and what else a request says."""
    return compact({"activity_id": activity_id, "run_id": activity_run_id, **more})
