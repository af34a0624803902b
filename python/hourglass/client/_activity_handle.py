"""A standalone activity from outside: its result, and everything one can ask or tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hourglass.client import _activity_rpc
from hourglass.client._activity_execution import ActivityExecutionDescription, description_of
from hourglass.client._activity_options import (
    ActivityExecutionOptions,
    ActivityOptionsUpdate,
    changes,
    options_of,
)
from hourglass.client._errors import ActivityFailureError
from hourglass.client._requests._parts import compact, duration
from hourglass.client._waiting import Waiting
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._client import Client

ResultT = TypeVar("ResultT")
_Metadata = Mapping[str, str]


class ActivityHandle(Generic[ResultT]):
    """A standalone activity by id. Making one asks nothing; the activity may not exist.

    Every call raises RPCError: NOT_FOUND when there is no such activity, FAILED_PRECONDITION where
    it is closed and can't be told anything any more, UNIMPLEMENTED when the service has none.
    """

    def __init__(
        self,
        client: Client,
        id: str,  # noqa: A002 - the convention's name
        *,
        run_id: str | None = None,
        result_type: Any = None,
    ) -> None:
        if not id:
            raise InvalidArgumentError("the activity id is empty")
        self._client = client
        self._id = id
        self._run_id = run_id
        self._result_type = result_type

    def __repr__(self) -> str:
        return f"<ActivityHandle {self._id!r}{f' run {self._run_id}' if self._run_id else ''}>"

    @property
    def id(self) -> str:
        """The activity id."""
        return self._id

    @property
    def run_id(self) -> str | None:
        """Its run; None is the latest."""
        return self._run_id

    async def result(
        self, *, rpc_metadata: _Metadata | None = None, rpc_timeout: timedelta | None = None
    ) -> ResultT:
        """Wait for the activity to close; its result.

        Args:
            rpc_timeout: Give up after that long; the activity goes on.

        Raises:
            ActivityFailureError: It failed, timed out, was cancelled or terminated: see `cause`.
            OperationTimeoutError: `rpc_timeout` is over.
            RPCError: NOT_FOUND if there is no such activity.
        """
        what = f"result of activity {self._id!r}"
        waiting = Waiting(self._client, rpc_metadata, rpc_timeout, what)
        outcome: Wire = {}
        with _activity_rpc.explained(self._client):
            while not outcome:  # the service answers without one after a while
                answer = await waiting.call("PollActivityExecution", self._reference())
                outcome = answer.get("outcome") or {}
        converter = self._client.data_converter
        if (failure := outcome.get("failure")) is not None:
            cause = await converter.decode_failure(failure)
            raise ActivityFailureError(cause=cause) from cause
        payloads = outcome.get("result", {}).get("payloads", [])
        hints = None if self._result_type is None else [self._result_type]
        values: list[Any] = await converter.decode(payloads, hints) if payloads else [None]
        result: ResultT = values[0]
        return result

    async def cancel(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Ask the activity to cancel itself. Returns when that is recorded, not when it did.

        One that runs hears of it with its next heartbeat; one that doesn't is cancelled at once.
        """
        request = self._reference(reason=reason)
        await self._call("RequestCancelActivityExecution", request, rpc_metadata, rpc_timeout)

    async def terminate(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the activity at once, without asking its code."""
        request = self._reference(reason=reason)
        await self._call("TerminateActivityExecution", request, rpc_metadata, rpc_timeout)

    async def describe(
        self,
        *,
        include_input: bool = False,
        include_outcome: bool = False,
        include_heartbeat_details: bool = False,
        include_last_failure: bool = False,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionDescription:
        """What the service knows about it; what may be large only when it is asked for."""
        request = self._reference(
            include_input=include_input,
            include_outcome=include_outcome,
            include_heartbeat_details=include_heartbeat_details,
            include_last_failure=include_last_failure,
        )
        rpc = "DescribeActivityExecution"
        response = await self._call(rpc, request, rpc_metadata, rpc_timeout)
        return description_of(response, self._client.namespace, self._client.data_converter)

    async def pause(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Have it begin no further attempt until `unpause`. One that runs hears of it with its next
        heartbeat."""
        request = self._reference(reason=reason)
        await self._call("PauseActivityExecution", request, rpc_metadata, rpc_timeout)

    async def unpause(
        self,
        *,
        reason: str | None = None,
        jitter: timedelta | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Let it go on after `pause`: at once, or at random within `jitter`."""
        request = self._reference(reason=reason, jitter=duration("jitter", jitter))
        await self._call("UnpauseActivityExecution", request, rpc_metadata, rpc_timeout)

    async def update_options(
        self,
        updates: Sequence[ActivityOptionsUpdate[Any]],
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionOptions:
        """Change some of its options; all of them as they are then.

        ::

            await handle.update_options([ActivityOptionsKeys.task_queue.value_set("other")])

        Raises:
            InvalidArgumentError: There is nothing to change, or one option twice.
        """
        request = self._reference(**changes(updates))
        return await self._update(request, rpc_metadata, rpc_timeout)

    async def restore_original_options(
        self, *, rpc_metadata: _Metadata | None = None, rpc_timeout: timedelta | None = None
    ) -> ActivityExecutionOptions:
        """Undo every change of its options; all of them as they are then."""
        request = self._reference(restore_original=True)
        return await self._update(request, rpc_metadata, rpc_timeout)

    async def _update(
        self, request: Wire, rpc_metadata: _Metadata | None, rpc_timeout: timedelta | None
    ) -> ActivityExecutionOptions:
        rpc = "UpdateActivityExecutionOptions"
        return options_of(await self._call(rpc, request, rpc_metadata, rpc_timeout))

    async def _call(
        self,
        rpc: str,
        request: Wire,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> Wire:
        return await _activity_rpc.call(self._client, rpc, request, rpc_metadata, rpc_timeout)

    def _reference(self, **more: Any) -> Wire:
        return compact({"activity_id": self._id, "run_id": self._run_id, **more})
