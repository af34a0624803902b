"""The connection of a client: the native client, and for a database its share of the engine.

A native client is made on a runtime. When that was replaced, the connection makes another one with
its next use; the engine of a database is the same as before. Connecting runs on the supervision
loop, so a connection may be used on any event loop, and by the subsystem itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from hourglass._aio import LimitPassedError, begun, completed, performed, running_loop
from hourglass._search_attributes import SearchAttributeIndexedValueType, SearchAttributeKey
from hourglass.client._requests._parts import metadata, text
from hourglass.client._target import Cluster, Database, parse_target
from hourglass.exceptions import (
    ClosedError,
    InvalidArgumentError,
    RPCError,
    RPCStatusCode,
    StaleHandleError,
)
from hourglass.service import TLSConfig
from hourglass.subsystem.runtime import current_epoch, runtime_ready
from hourglass.supervision import LoopGone, default_loop

if TYPE_CHECKING:
    from hourglass import _bridge
    from hourglass._bridge import Operation, Wire
    from hourglass.subsystem.engines import EngineLease

T = TypeVar("T")

ANSWERED = 90.0
"""Seconds within which a call has an answer or an error, with all its attempts, unless it says."""
LATE = 10.0
"""Seconds by which the native side may be late with a limit that it was given."""
WORKFLOW_SERVICE = "temporal.api.workflowservice.v1.WorkflowService"


def default_identity() -> str:
    """The name of this process in histories: its id and its host."""
    return f"{os.getpid()}@{socket.gethostname()}"


@dataclass
class ConnectionOptions:
    """The options of a connection."""

    target: str
    namespace: str = "default"
    identity: str = ""
    api_key: str | None = field(default=None, repr=False)
    tls: bool | TLSConfig | None = None
    rpc_metadata: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    connect_timeout: timedelta = timedelta(seconds=10)
    search_attributes: Sequence[SearchAttributeKey[Any]] = ()

    def native_options(self, place: Cluster | Database) -> dict[str, Any]:
        """Keywords for the native client, without the engine."""
        metadata(self.rpc_metadata)
        options: dict[str, Any] = {
            "namespace": text("namespace", self.namespace),
            "identity": text("identity", self.identity) or default_identity(),
            "connect_timeout": self.connect_timeout.total_seconds(),
        }
        if isinstance(place, Database):
            given = {"api_key": self.api_key, "tls": self.tls, "rpc_metadata": self.rpc_metadata}
            if useless := [name for name, value in given.items() if value]:
                raise InvalidArgumentError(
                    f"{', '.join(useless)}: has no meaning for the database {self.target!r}"
                )
            return options
        tls = self.tls
        if tls is None:
            tls = place.tls if place.tls is not None else self.api_key is not None
        if place.tls is not None and place.tls is not bool(tls):
            raise InvalidArgumentError(f"tls={bool(tls)} contradicts the target {self.target!r}")
        options["target_url"] = place.url(bool(tls))
        options["tls"] = tls.to_native() or True if isinstance(tls, TLSConfig) else tls
        options["api_key"] = self.api_key
        options["rpc_metadata"] = dict(self.rpc_metadata)
        return options


async def declare(native: _bridge.Client, keys: Sequence[SearchAttributeKey[Any]]) -> None:
    """Have the client's namespace know these search attributes.

    `InvalidArgumentError` where one of that name holds something else.
    """
    service = "temporal.api.operatorservice.v1.OperatorService"
    request: dict[str, Any] = {"namespace": native.namespace}
    wanted = {key.name: key.indexed_value_type for key in keys}
    await performed(
        native.call,
        "AddSearchAttributes",
        {**request, "search_attributes": {name: int(kind) for name, kind in wanted.items()}},
        service=service,
    )
    answer = await performed(native.call, "ListSearchAttributes", request, service=service)
    known: Mapping[str, int] = answer["custom_attributes"]
    for key in keys:
        if known[key.name] != key.indexed_value_type:
            there = SearchAttributeIndexedValueType(known[key.name]).name
            raise InvalidArgumentError(
                f"search attribute {key.name!r} is there already and holds {there}, "
                f"not {key.indexed_value_type.name}"
            )


class Connection:
    """A connection, made at once or, when lazy, with the first call."""

    def __init__(self, options: ConnectionOptions) -> None:
        self.options = options
        self._place = parse_target(options.target)
        self._native_options = options.native_options(self._place)
        self._native: _bridge.Client | None = None
        self._lease: EngineLease | None = None
        self._attempt: asyncio.Task[_bridge.Client] | None = None
        self._pid = os.getpid()
        self._closed = False

    @property
    def identity(self) -> str:
        """The caller's name, in histories."""
        identity: str = self._native_options["identity"]
        return identity

    @property
    def connected(self) -> _bridge.Client | None:
        """The native client, if it is connected and its runtime was not replaced.

        In a forked child it is the parent's: using it raises `StaleHandleError`.
        """
        native = self._native
        if native is None or native.epoch == current_epoch() or self._pid != os.getpid():
            return native
        return None

    async def native(self) -> _bridge.Client:
        """The native client, connected now if it isn't. `ConnectError`, `DatabaseError`."""
        native = self.connected
        if native is not None:
            return native
        running_loop()
        if self._closed:
            raise self._was_closed()
        return await default_loop().run(self._connect_once)

    def _was_closed(self) -> ClosedError:
        return ClosedError(f"the client of {self.options.target!r} is closed")

    async def _connect_once(self) -> _bridge.Client:
        """On the supervision loop: one attempt at a time, for all that wait for it."""
        if self._pid != os.getpid():  # a fork took it along before it was connected
            self._pid, self._attempt, self._lease = os.getpid(), None, None
        if self._attempt is None:
            native = self.connected
            if native is not None:  # connected since the caller looked
                return native
            self._attempt = asyncio.ensure_future(self._connect())
            self._attempt.add_done_callback(self._attempted)
        return await asyncio.shield(self._attempt)

    def _attempted(self, attempt: asyncio.Task[_bridge.Client]) -> None:
        self._attempt = None
        if not attempt.cancelled():
            attempt.exception()  # raised in those that wait; without any, it is lost

    async def _connect(self) -> _bridge.Client:
        from hourglass import _bridge
        from hourglass.subsystem.engines import open_engine
        from hourglass.subsystem.stale_handle import reload_rescue

        options = dict(self._native_options)
        if isinstance(self._place, Database):
            if self._lease is None or self._lease.lost:
                place = self._place
                lease = await open_engine(
                    place.path,
                    place.synchronous,
                    wait=place.wait,
                    time_skipping=place.time_skipping,
                    history_limits=(place.history_events, place.history_bytes),
                )
                finalizer = weakref.finalize(self, lease.release)
                finalizer.atexit = False
                self._lease = lease
            options["engine"] = await self._lease.renew()
        try:
            runtime = await runtime_ready()
            with reload_rescue("client_new"):
                native = await performed(_bridge.Client.connect, runtime, **options)
            if isinstance(self._place, Database) and self.options.search_attributes:
                await declare(native, self.options.search_attributes)
            self._native = native
        except BaseException:
            if self._native is None:
                await self._release()
            raise
        return self._native

    async def call(
        self,
        rpc: str,
        request: Mapping[str, Any],
        rpc_metadata: Mapping[str, str] | None = None,
        rpc_timeout: timedelta | None = None,
        *,
        service: str = WORKFLOW_SERVICE,
        retry: bool = True,
    ) -> Wire:
        """Any RPC of a service by name. `RPCError`."""
        timeout = None if rpc_timeout is None else rpc_timeout.total_seconds()
        headers = metadata(rpc_metadata or {})
        limit = ANSWERED if timeout is None else timeout + LATE
        try:
            return await self.use(
                "client_call/" + rpc,
                lambda native: native.call(
                    rpc, request, service=service, timeout=timeout, metadata=headers, retry=retry
                ),
                limit,
            )
        except LimitPassedError:
            # The native side keeps the limits. It could not: an engine's thread hangs, mostly.
            raise RPCError(
                f"{self.options.target} has not answered {rpc} in {limit:.0f} seconds: is its disk "
                "hanging, or its process stopped?",
                RPCStatusCode.DEADLINE_EXCEEDED,
            ) from None

    async def use(
        self,
        call_site: str,
        begin: Callable[[_bridge.Client], Operation[T]],
        limit: float | None = None,
    ) -> T:
        """Begin an operation of the native client and wait for it, at most `limit` seconds.

        A client that turns out to be stale is reported under the name `call_site`, and its runtime
        is replaced if it still is the current one. `StaleHandleError`.
        """
        native = self.connected or await self.native()
        try:
            return await completed(begun(begin, native), limit=limit)
        except StaleHandleError as stale:
            from hourglass.subsystem.stale_handle import signal_reload

            signal_reload(call_site, stale)
            raise
        except RPCError as refused:
            if self._closed and refused.status is RPCStatusCode.UNAVAILABLE:
                raise self._was_closed() from None
            raise

    async def close(self) -> None:
        """Give everything back; idempotent. An engine closes with its last client."""
        self._closed = True
        if self._pid == os.getpid():
            with contextlib.suppress(LoopGone):  # then the process is about to end
                await default_loop().run(self._close)

    async def _close(self) -> None:
        if self._attempt is not None:
            await asyncio.wait([self._attempt])
        await self._release()

    async def _release(self) -> None:
        self._native = None
        if self._lease is not None:
            lease, self._lease = self._lease, None
            await lease.close()
