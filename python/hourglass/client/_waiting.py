"""Waiting for an answer that may take longer than one call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from hourglass.client._requests._parts import duration
from hourglass.exceptions import OperationTimeoutError, RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client


class Waiting:
    """Calls that the service may leave unanswered for a while, repeated until they are.

    `rpc_timeout` is the limit for all of them together; `expired` is raised when it is over.
    """

    expired: ClassVar[type[OperationTimeoutError]] = OperationTimeoutError

    def __init__(
        self,
        client: Client,
        rpc_metadata: Mapping[str, str] | None,
        rpc_timeout: timedelta | None,
        what: str,
    ) -> None:
        limit = duration("rpc_timeout", rpc_timeout)
        self._client = client
        self._metadata = rpc_metadata
        self._what = what
        self._until = None if limit is None else time.monotonic() + limit.total_seconds()

    async def call(self, rpc: str, request: Mapping[str, Any]) -> Wire:
        """One answer; `expired` when the time is over."""
        while True:
            left = None if self._until is None else self._until - time.monotonic()
            if left is not None and left <= 0:
                raise self._expired()
            limit = None if left is None else timedelta(seconds=max(left, 0.001))
            try:
                return await self._client.connection.call(rpc, request, self._metadata, limit)
            except RPCError as error:
                if error.status is not RPCStatusCode.DEADLINE_EXCEEDED:
                    raise
                if self._until is not None:
                    raise self._expired() from error

    def _expired(self) -> OperationTimeoutError:
        return self.expired(f"{self._what} did not come in time")
