"""Environments on an embedded engine in memory, with and without time that skips.

Waiting for a result lets go of time for as long. The engine counts locks, and a test has one to let
go of: of several waits at once, the first unlocks, and the last locks. A sleep lets go of the lock
as well, for its own time; a wait that begins meanwhile unlocks after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hourglass.client import Client
from hourglass.client._target import TIME_SKIPPING_TARGET
from hourglass.common import QueryRejectCondition
from hourglass.converter import DataConverter
from hourglass.exceptions import RPCError, RPCStatusCode
from hourglass.testing._interceptor import TimeSkippingInterceptor
from hourglass.testing._workflow import WorkflowEnvironment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourglass._bridge import Wire

_SERVICE = "temporal.api.testservice.v1.TestService"
_FOREVER = timedelta(days=3650)
"""A sleep takes as long as others hold the time; who waits for it says when it is too long."""


async def start_local(
    *,
    namespace: str,
    data_converter: DataConverter,
    default_workflow_query_reject_condition: QueryRejectCondition | None,
) -> WorkflowEnvironment:
    """See `WorkflowEnvironment.start_local`."""
    client = await Client.connect(
        "sqlite://",
        namespace=namespace,
        data_converter=data_converter,
        default_workflow_query_reject_condition=default_workflow_query_reject_condition,
    )
    if namespace != "default":
        retention = {"workflow_execution_retention_period": timedelta(days=1)}
        await client.connection.call("RegisterNamespace", retention)
    return EmbeddedEnvironment(client)


async def start_time_skipping(
    *,
    data_converter: DataConverter,
    default_workflow_query_reject_condition: QueryRejectCondition | None,
) -> WorkflowEnvironment:
    """See `WorkflowEnvironment.start_time_skipping`."""
    interceptor = TimeSkippingInterceptor()
    client = await Client.connect(
        TIME_SKIPPING_TARGET,
        data_converter=data_converter,
        interceptors=[interceptor],
        default_workflow_query_reject_condition=default_workflow_query_reject_condition,
    )
    environment = interceptor.environment = TimeSkippingEnvironment(client)
    return environment


class EmbeddedEnvironment(WorkflowEnvironment):
    """An engine that is gone with its client."""

    async def shutdown(self) -> None:
        """Close the client, and with it the engine."""
        await self.client.close()


class TimeSkippingEnvironment(EmbeddedEnvironment):
    """An engine whose time skips."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._is_automatic = True
        self._waiting = 0
        self._sleeping = 0
        self._is_unlocked = False
        self._turnstile = asyncio.Lock()

    @property
    def supports_time_skipping(self) -> bool:
        """True: time skips here."""
        return True

    async def sleep(self, duration: timedelta | float) -> None:
        """Let time go until so much of it has passed. At once, unless others hold it."""
        request = {"duration": duration}
        self._sleeping += 1
        try:
            if not await self._unlock("UnlockTimeSkippingWithSleep", request):
                async with self.unlocked():  # it skips already, and goes on when others lock
                    await self._call("Sleep", request)
        finally:
            self._sleeping -= 1
            await asyncio.shield(asyncio.ensure_future(self._balance()))

    async def get_current_time(self) -> datetime:
        """Return the time as workflows see it, in UTC."""
        now: datetime = (await self._call("GetCurrentTime", {}))["time"]
        return now

    @contextmanager
    def auto_time_skipping_disabled(self) -> Generator[None]:
        """Keep time from skipping within the block, also while waiting for a result."""
        before, self._is_automatic = self._is_automatic, False
        try:
            yield
        finally:
            self._is_automatic = before

    @asynccontextmanager
    async def unlocked(self) -> AsyncGenerator[None]:
        """Let time skip within the block, unless that is disabled."""
        if not self._is_automatic:
            yield
            return
        self._waiting += 1
        try:
            await self._balance()
            yield
        finally:
            self._waiting -= 1
            # Also when the wait is cancelled a second time.
            await asyncio.shield(asyncio.ensure_future(self._balance()))

    async def _balance(self) -> None:
        """Unlock time while results are waited for; else lock it."""
        async with self._turnstile:
            is_awaited, is_sleeping = self._waiting > 0, self._sleeping > 0
            if is_awaited == self._is_unlocked:
                return
            if not is_awaited:
                await self._call("LockTimeSkipping", {})
            elif not await self._unlock("UnlockTimeSkipping", {}):
                if not is_sleeping:
                    raise RuntimeError("time is unlocked already, and not by this environment")
                return  # the sleep balances afterwards
            self._is_unlocked = is_awaited

    async def _unlock(self, rpc: str, request: Mapping[str, Any]) -> bool:
        """Let go of time; False if it is not held."""
        try:
            await self._call(rpc, request)
        except RPCError as refused:
            if refused.status is RPCStatusCode.FAILED_PRECONDITION:
                return False
            raise
        return True

    async def _call(self, rpc: str, request: Mapping[str, Any]) -> Wire:
        return await self.client.connection.call(
            rpc, request, rpc_timeout=_FOREVER, service=_SERVICE, retry=False
        )
