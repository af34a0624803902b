"""Lists that are fetched page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from typing_extensions import Self

from hourglass.client._requests._parts import compact
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client

FoundT = TypeVar("FoundT")


class Pages(Generic[FoundT]):
    """What a query finds, fetched page by page as the iteration goes on. For one iteration."""

    def __init__(
        self,
        client: Client,
        query: str | None,
        *,
        limit: int | None,
        page_size: int,
        next_page_token: bytes | None,
        rpc_metadata: Mapping[str, str] | None,
        rpc_timeout: timedelta | None,
    ) -> None:
        if page_size < 1:
            raise InvalidArgumentError(f"page_size has to be at least 1, not {page_size}")
        self._client = client
        self._query = query or ""
        self._left = limit
        self._page_size = page_size
        self._next_page_token = next_page_token
        self._rpc_metadata = rpc_metadata
        self._rpc_timeout = rpc_timeout
        self._current_page: Sequence[FoundT] | None = None
        self._index = 0

    async def _list(self, request: Wire) -> Wire:
        """One page as the service answers it."""
        raise NotImplementedError

    def _found(self, info: Wire) -> FoundT:
        """One entry of a page."""
        raise NotImplementedError

    @property
    def current_page_index(self) -> int:
        """The place of the next entry in `current_page`."""
        return self._index

    @property
    def current_page(self) -> Sequence[FoundT] | None:
        """What was fetched last; None before the first page."""
        return self._current_page

    @property
    def next_page_token(self) -> bytes | None:
        """Where the next page begins; None when there is none."""
        return self._next_page_token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Fetch the next page, whether this one was iterated over or not."""
        size = self._page_size if page_size is None else page_size
        if self._left is not None:
            size = min(size, self._left)
        response = await self._list(
            compact(
                {
                    "query": self._query,
                    "page_size": size,
                    "next_page_token": self._next_page_token,
                }
            )
        )
        self._index = 0
        self._next_page_token = response.get("next_page_token") or None
        self._current_page = [self._found(info) for info in response.get("executions", [])]

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
