"""A standalone activity from outside: its result, and everything one can ask or tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hourglass.client._errors import ActivityFailureError
from hourglass.client._inputs import (
    CancelActivityInput,
    DescribeActivityInput,
    PauseActivityInput,
    TerminateActivityInput,
    UnpauseActivityInput,
    UpdateActivityOptionsInput,
)
from hourglass.client._requests.activity_execution import explained, reference
from hourglass.client._service import CallOptions, LongCall, Service
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._activity_execution import ActivityExecutionDescription
    from hourglass.client._activity_options import (
        ActivityExecutionOptions,
        ActivityOptionsUpdate,
    )

ResultT = TypeVar("ResultT")
_Metadata = Mapping[str, str]


class ActivityHandle(Generic[ResultT]):
    """A standalone activity by id. Making one asks nothing; the activity may not exist.

    Every call raises RPCError: NOT_FOUND when there is no such activity, FAILED_PRECONDITION where
    it is closed and can't be told anything any more, UNIMPLEMENTED when the service has none.
    """

    def __init__(
        self,
        service: Service,
        id: str,  # noqa: A002 - the convention's name
        *,
        run_id: str | None = None,
        result_type: Any = None,
    ) -> None:
        if not id:
            raise InvalidArgumentError("the activity id is empty")
        self._service = service
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
        """The id of its run; None is the latest."""
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
        options = CallOptions(rpc_metadata or {}, rpc_timeout)
        call = LongCall(self._service, options, f"result of activity {self._id!r}")
        request = reference(self._id, self._run_id)
        outcome: Wire = {}
        with explained(self._service):
            while not outcome:  # the service answers without one after a while
                answer = await call.send("PollActivityExecution", request)
                outcome = answer.get("outcome") or {}
        converter = self._service.data_converter
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
        await self._service.outbound.cancel_activity(
            CancelActivityInput(self._id, self._run_id, reason, rpc_metadata or {}, rpc_timeout)
        )

    async def terminate(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """End the activity at once, without asking its code."""
        await self._service.outbound.terminate_activity(
            TerminateActivityInput(self._id, self._run_id, reason, rpc_metadata or {}, rpc_timeout)
        )

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
        """Ask the service what it knows about the activity; large parts only when asked for."""
        described: ActivityExecutionDescription = await self._service.outbound.describe_activity(
            DescribeActivityInput(
                self._id,
                self._run_id,
                include_input,
                include_outcome,
                include_heartbeat_details,
                include_last_failure,
                rpc_metadata or {},
                rpc_timeout,
            )
        )
        return described

    async def pause(
        self,
        *,
        reason: str | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Have it begin no further attempt until `unpause`. One that runs hears of it with its next
        heartbeat."""
        await self._service.outbound.pause_activity(
            PauseActivityInput(self._id, self._run_id, reason, rpc_metadata or {}, rpc_timeout)
        )

    async def unpause(
        self,
        *,
        reason: str | None = None,
        jitter: timedelta | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Let it go on after `pause`: at once, or at random within `jitter`."""
        await self._service.outbound.unpause_activity(
            UnpauseActivityInput(
                self._id, self._run_id, reason, jitter, rpc_metadata or {}, rpc_timeout
            )
        )

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
        return await self._update_options(updates, False, rpc_metadata, rpc_timeout)

    async def restore_original_options(
        self, *, rpc_metadata: _Metadata | None = None, rpc_timeout: timedelta | None = None
    ) -> ActivityExecutionOptions:
        """Undo every change of its options; all of them as they are then."""
        return await self._update_options((), True, rpc_metadata, rpc_timeout)

    async def _update_options(
        self,
        updates: Sequence[ActivityOptionsUpdate[Any]],
        restore_original: bool,
        rpc_metadata: _Metadata | None,
        rpc_timeout: timedelta | None,
    ) -> ActivityExecutionOptions:
        given = UpdateActivityOptionsInput(
            self._id, self._run_id, updates, restore_original, rpc_metadata or {}, rpc_timeout
        )
        options: ActivityExecutionOptions
        options = await self._service.outbound.update_activity_options(given)
        return options
