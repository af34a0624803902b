"""Environments to run workflows in, in tests: an engine of their own, whose time may skip."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from types import TracebackType

from typing_extensions import Self

from hourglass.client import Client
from hourglass.common import QueryRejectCondition
from hourglass.converter import DataConverter


class WorkflowEnvironment:
    """A client and an engine behind it, to run workflows in a test.

    Make one with `start_time_skipping`, `start_local` or `from_client`, best as an asynchronous
    context manager. This one does not skip time.
    """

    def __init__(self, client: Client) -> None:
        """See `from_client`."""
        self._client = client

    @staticmethod
    def from_client(client: Client) -> WorkflowEnvironment:
        """Make an environment over a client of one's own, a cluster's for example.

        Time does not skip, and `shutdown` leaves the client open.
        """
        return WorkflowEnvironment(client)

    @staticmethod
    async def start_local(
        *,
        namespace: str = "default",
        data_converter: DataConverter = DataConverter.default,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
    ) -> WorkflowEnvironment:
        """Start an embedded engine of its own, in memory, on the wall's time.

        Args:
            namespace: Is registered if it is not ``default``.
            data_converter: How the client's values become payloads.
            default_workflow_query_reject_condition: For queries that don't give one.
        """
        from hourglass.testing import _embedded

        return await _embedded.start_local(
            namespace=namespace,
            data_converter=data_converter,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
        )

    @staticmethod
    async def start_time_skipping(
        *,
        data_converter: DataConverter = DataConverter.default,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
    ) -> WorkflowEnvironment:
        """Start an embedded engine of its own, in memory, whose time skips.

        Time stands under a lock, and goes on as it does everywhere, until a test waits: for
        the `WorkflowHandle.result` of a workflow that was started with this environment's client,
        or for `sleep`. Then, whenever no worker has anything to do, it jumps to the next timer,
        timeout or retry of any workflow.

        Args:
            data_converter: How the client's values become payloads.
            default_workflow_query_reject_condition: For queries that don't give one.
        """
        from hourglass.testing import _embedded

        return await _embedded.start_time_skipping(
            data_converter=data_converter,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.shutdown()

    @property
    def client(self) -> Client:
        """The client to start workflows and workers with."""
        return self._client

    @property
    def supports_time_skipping(self) -> bool:
        """True if time skips here."""
        return False

    async def shutdown(self) -> None:
        """Give back what the environment made; workers have to be stopped before. Idempotent."""

    async def sleep(self, duration: timedelta | float) -> None:
        """Let so much time pass for workflows: at once where time skips, else by waiting.

        Args:
            duration: Seconds, unless it is a `timedelta`.
        """
        await asyncio.sleep(
            duration.total_seconds() if isinstance(duration, timedelta) else duration
        )

    async def get_current_time(self) -> datetime:
        """Return the time as workflows see it, in UTC."""
        return datetime.now(timezone.utc)

    @contextmanager
    def auto_time_skipping_disabled(self) -> Generator[None]:
        """Keep time from skipping within the block. Does nothing where it never skips."""
        yield
