"""The service of a client: what all its handles and calls share.

A handle depends on this and not on `Client`, so that nothing below the client looks up to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from typing_extensions import Self

from hourglass.client._errors import RPCTimeoutOrCancelledError
from hourglass.client._requests._parts import duration, number
from hourglass.exceptions import (
    InvalidArgumentError,
    OperationTimeoutError,
    RPCError,
    RPCStatusCode,
)

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._connection import Connection
    from hourglass.common import QueryRejectCondition
    from hourglass.converter import DataConverter

FoundT = TypeVar("FoundT")
LONG_POLL = timedelta(seconds=70)
"""A little longer than any service holds a call back that waits for news."""


SILENT_CALLS = 3
"""Long calls in a row after which a service that answers none is given up."""
AT_ONCE = 1.0
"""Seconds within which a service that says DEADLINE_EXCEEDED has not waited, and never will."""


class HasOptions(Protocol):
    """Anything with the options of an RPC, as every input is."""

    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


@dataclass
class CallOptions:
    """The options of an RPC that has no input."""

    rpc_metadata: Mapping[str, str]
    rpc_timeout: timedelta | None


class Service:
    """The connection of a client, its converter, and the way that its calls take."""

    outbound: Any
    """The first of the client's interceptors, or `_outbound.Outbound`: an `OutboundInterceptor`.
    That type names every handle, and every handle has this: hence untyped."""
    intercepted: bool
    """There are interceptors: no call may pass by `outbound`."""

    def __init__(
        self,
        connection: Connection,
        data_converter: DataConverter,
        query_reject_condition: QueryRejectCondition | None = None,
    ) -> None:
        self.connection = connection
        self.data_converter = data_converter
        self.query_reject_condition = query_reject_condition

    @property
    def namespace(self) -> str:
        """The namespace that all calls go to."""
        return self.connection.options.namespace

    @property
    def identity(self) -> str:
        """The caller's name, in histories."""
        return self.connection.identity

    async def call(self, rpc: str, request: Mapping[str, Any], options: HasOptions) -> Wire:
        """Send an RPC of the workflow service; its answer. `RPCError`."""
        return await self.connection.call(
            rpc, request, options.rpc_metadata, duration("rpc_timeout", options.rpc_timeout)
        )


class LongCall:
    """An RPC that the service may leave unanswered for a while, sent again until it is answered.

    `rpc_timeout` is the limit for all attempts together; `expired` is raised when it is over, and
    when the wait is cancelled if it is an `RPCTimeoutOrCancelledError`. Without a limit the wait
    ends with RPCError DEADLINE_EXCEEDED when the service does not even say that there is no news.
    """

    def __init__(
        self,
        service: Service,
        options: HasOptions,
        awaited: str,
        expired: type[OperationTimeoutError] = OperationTimeoutError,
    ) -> None:
        limit = duration("rpc_timeout", options.rpc_timeout)
        self._service = service
        self._metadata = options.rpc_metadata
        self._awaited = awaited
        self._expired = expired
        self._silent = 0
        self._until = None if limit is None else monotonic() + limit.total_seconds()

    async def send(self, rpc: str, request: Mapping[str, Any]) -> Wire:
        """Send it until the service answers, or the time is over."""
        while True:
            left = None if self._until is None else self._until - monotonic()
            if left is not None and left <= 0:
                raise self._error()
            limit = LONG_POLL if left is None else timedelta(seconds=max(left, 0.001))
            sent = monotonic()
            try:
                answer = await self._service.connection.call(rpc, request, self._metadata, limit)
            except RPCError as error:
                if error.status is not RPCStatusCode.DEADLINE_EXCEEDED:
                    raise
                if self._until is not None:
                    raise self._error() from error
                self._count(monotonic() - sent)
                if self._silent == SILENT_CALLS:
                    raise
            except asyncio.CancelledError as error:
                if not issubclass(self._expired, RPCTimeoutOrCancelledError):
                    raise
                raise self._expired(f"the wait for the {self._awaited} was cancelled") from error
            else:
                self._silent = 0
                return answer

    def _count(self, seconds: float) -> None:
        """Count a call that ended without an answer after that long."""
        if seconds < AT_ONCE:
            self._silent = SILENT_CALLS
        elif seconds >= LONG_POLL.total_seconds():
            self._silent += 1

    def _error(self) -> OperationTimeoutError:
        return self._expired(f"the {self._awaited} did not come in time")


class Pages(Generic[FoundT]):
    """A list that is fetched page by page as the iteration goes on. For one iteration."""

    def __init__(
        self, next_page_token: bytes | None, *, page_size: int | None, limit: int | None
    ) -> None:
        size = number("page_size", page_size)
        if size is not None and size < 1:
            raise InvalidArgumentError(f"page_size has to be at least 1, not {page_size}")
        self._next_page_token = next_page_token
        self._page_size = size
        self._left = number("limit", limit)
        self._current_page: Sequence[FoundT] | None = None
        self._index = 0

    async def _fetch(self, page_size: int | None, token: bytes | None) -> Wire:
        """Fetch one page, as the service answers it."""
        raise NotImplementedError

    def _found(self, answer: Wire) -> Sequence[FoundT]:
        """Read the entries of a page."""
        raise NotImplementedError

    @property
    def current_page_index(self) -> int:
        """The place of the next entry in `current_page`."""
        return self._index

    @property
    def current_page(self) -> Sequence[FoundT] | None:
        """The page that was fetched last; None before the first."""
        return self._current_page

    @property
    def next_page_token(self) -> bytes | None:
        """The place where the next page begins; None when there is none."""
        return self._next_page_token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Fetch the next page, also when this one was not iterated over."""
        size = self._page_size if page_size is None else page_size
        if self._left is not None:
            size = self._left if size is None else min(size, self._left)
        answer = await self._fetch(size, self._next_page_token)
        self._index = 0
        self._next_page_token = answer.get("next_page_token") or None
        self._current_page = self._found(answer)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FoundT:
        if self._left == 0:
            raise StopAsyncIteration
        while self._current_page is None or self._index >= len(self._current_page):
            if self._current_page is not None and self._next_page_token is None:
                raise StopAsyncIteration
            await self.fetch_next_page()
        found = self._current_page[self._index]
        self._index += 1
        if self._left is not None:
            self._left -= 1
        return found
