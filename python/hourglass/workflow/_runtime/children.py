"""Child workflows as their parent sees them: asked for at the call, started later, then awaited.

A child comes in two phases. `start_child` returns when history says that the child has started, or
raises why it could not; the handle is done when it says how the child ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from typing_extensions import TypedDict

from hourglass._bridge import OtherCommand
from hourglass._search_attributes import search_attributes_to_wire
from hourglass._typing import HandlerAnyParams, HandlerNoParam, HandlerOneParam, ParamT
from hourglass.common import WorkflowIDReusePolicy
from hourglass.exceptions import ApplicationError, InvalidArgumentError, WorkflowAlreadyStartedError
from hourglass.workflow._definition.definition import WorkflowDefinition
from hourglass.workflow._runtime.arguments import UNSET, arguments_of
from hourglass.workflow._runtime.context import current
from hourglass.workflow._runtime.durations import optional_timeout
from hourglass.workflow._runtime.pending import Pending, PendingJob

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass._search_attributes import AnySearchAttributes
    from hourglass.common import Priority, RetryPolicy
    from hourglass.workflow._runtime.state import RunState

SelfT = TypeVar("SelfT")
R = TypeVar("R")


class ChildWorkflowCancellationType(IntEnum):
    """The way a workflow cancels a child; values are the protocol's."""

    ABANDON = 0
    """Go on at once and don't ask."""
    TRY_CANCEL = 1
    """Ask for the cancellation and go on at once."""
    WAIT_CANCELLATION_COMPLETED = 2
    """Ask for it and wait until the child has ended, however it does."""
    WAIT_CANCELLATION_REQUESTED = 3
    """As WAIT_CANCELLATION_COMPLETED: core tells no difference for children, in any SDK yet."""


class ParentClosePolicy(IntEnum):
    """The fate of a child whose parent ends; values are the protocol's."""

    UNSPECIFIED = 0
    TERMINATE = 1
    ABANDON = 2
    REQUEST_CANCEL = 3


class ChildWorkflowConfig(TypedDict, total=False):
    """The options of a child workflow call."""

    id: str | None
    """The workflow id; a random one, the same in every replay, when left out."""
    task_queue: str | None
    """The parent's when left out."""
    cancellation_type: ChildWorkflowCancellationType
    """WAIT_CANCELLATION_COMPLETED when left out."""
    parent_close_policy: ParentClosePolicy
    """TERMINATE when left out."""
    execution_timeout: timedelta | None
    """From the first start to the end of the last run."""
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    id_reuse_policy: WorkflowIDReusePolicy
    """ALLOW_DUPLICATE when left out."""
    retry_policy: RetryPolicy | None
    cron_schedule: str
    memo: Mapping[str, Any] | None
    search_attributes: AnySearchAttributes | None
    static_summary: str | None
    """A line about it, for user interfaces."""
    static_details: str | None
    """A text about it, for user interfaces."""
    priority: Priority


class ChildWorkflowHandle(PendingJob[R], Generic[SelfT, R]):
    """A child that has started. Awaiting it gives its result or raises `ChildWorkflowError`.

    `cancel` asks for cancellation as the child's `cancellation_type` says: the handle then ends as
    history says. Cancelling a task that awaits the handle does the same.
    """

    __slots__ = ("_first_execution_run_id", "_id", "_result_type", "_started")

    kind = "a child workflow"

    def __init__(
        self,
        state: RunState,
        seq: int,
        id: str,  # noqa: A002 - the convention's name
        result_type: Any,
    ) -> None:
        super().__init__(state, seq)
        self._id = id
        self._result_type = result_type
        self._first_execution_run_id: str | None = None
        self._started = _Start(state, seq)

    @property
    def id(self) -> str:
        """The child's workflow id."""
        return self._id

    @property
    def first_execution_run_id(self) -> str | None:
        """The child's first run."""
        return self._first_execution_run_id

    @overload
    async def signal(self, signal: HandlerNoParam[SelfT, Any]) -> None: ...
    @overload
    async def signal(self, signal: HandlerOneParam[SelfT, ParamT, Any], arg: ParamT) -> None: ...
    @overload
    async def signal(
        self, signal: HandlerAnyParams[SelfT, Any], *, args: Sequence[Any]
    ) -> None: ...
    @overload
    async def signal(self, signal: str, arg: Any = ..., *, args: Sequence[Any] = ...) -> None: ...
    async def signal(self, signal: Any, arg: Any = UNSET, *, args: Sequence[Any] = ()) -> None:
        """Send the child a signal; returns when it is recorded there.

        Raises:
            ApplicationError: The child has ended already; `type` says so.
            CancelledError: It was cancelled before it was sent.
        """
        running = current()
        target = {"child_workflow_id": self._id}
        await running.send_signal(running, target, signal, arguments_of(arg, args))

    def _ask_to_cancel(self, reason: str) -> None:
        fields = {"child_workflow_seq": self._seq, "reason": reason}
        self._run.commands.append(OtherCommand("cancel_child_workflow_execution", fields))

    async def started(self) -> None:
        """Wait until it has started; raises why it could not."""
        await self._started

    def resolve_job(self, variant: str, fields: Mapping[str, Any]) -> None:
        if self.done():
            return
        if variant == "resolve_child_workflow_execution_start":
            self._resolve_start(fields)
            return
        result: Wire = fields.get("result", {})
        if "completed" in result:
            self._succeed(result["completed"].get("result"), self._result_type)
            return
        self._fail(self._error((result.get("failed") or result["cancelled"])["failure"]))

    def _resolve_start(self, fields: Mapping[str, Any]) -> None:
        if "succeeded" in fields:
            self._first_execution_run_id = fields["succeeded"].get("run_id", "")
            self._started.set_result(None)
        elif "cancelled" in fields:
            self._fail(self._error(fields["cancelled"]["failure"]))
        else:
            self._fail(_start_error(fields["failed"]))

    def _fail(self, error: BaseException) -> None:
        self.set_exception(error)
        if not self._started.done():
            # Also what a cancellation gives that does not wait for the start. No code has the
            # handle then: who waits for the start learns of it, and that is enough.
            self._started.set_exception(error)
            self.exception()


class _Start(Pending[None]):
    """The start of a child; cancelling the wait for it cancels the child."""

    __slots__ = ()

    kind = "a child workflow"

    def _ask_to_cancel(self, reason: str) -> None:
        # Looked up: holding the child, which holds this, would make a cycle.
        self._run.pending["child", self._seq].cancel(reason)


def _start_error(failed: Mapping[str, Any]) -> BaseException:
    workflow_id, workflow_type = failed.get("workflow_id", ""), failed.get("workflow_type", "")
    cause = failed.get("cause", 0)
    if cause == 1:
        return WorkflowAlreadyStartedError(workflow_id, workflow_type)
    reason = {2: "NamespaceNotFound", 3: "InvalidVersioningOverride"}.get(cause, "Unknown")
    return ApplicationError(f"child workflow {workflow_id!r} did not start", type=reason)


async def start_child(
    state: RunState,
    workflow: str | Callable[..., Any],
    arguments: Sequence[Any],
    result_type: Any,
    options: ChildWorkflowConfig,
    *,
    headers: Mapping[str, Payload] | None = None,
) -> ChildWorkflowHandle[Any, Any]:
    """Add the command and wait for the start. What is wrong is found before anything is added."""
    state.loop.check_writable("start a child workflow")
    if not options.keys() <= _KNOWN:
        unknown = min(options.keys() - _KNOWN)
        raise TypeError(f"start_child_workflow() got an unexpected keyword argument {unknown!r}")
    name, declared = resolve_workflow_type(workflow)
    fields = _fields(state, options)
    summary = state.summary(options.get("static_summary"))
    details = state.summary(options.get("static_details"))
    fields["workflow_type"] = name
    if headers:
        fields["headers"] = dict(headers)
    if not isinstance(workflow, str):
        types = WorkflowDefinition.of(workflow).arg_types
        state.payload_converter.check_values(arguments, types)
    fields["input"] = state.payload_converter.to_payloads(arguments)
    workflow_id = fields["workflow_id"] = options.get("id") or str(state.randomness.uuid4())
    seq = fields["seq"] = state.next_seq("child")
    handle: ChildWorkflowHandle[Any, Any] = ChildWorkflowHandle(
        state, seq, workflow_id, declared if result_type is None else result_type
    )
    state.pending["child", seq] = handle
    state.commands.append(
        OtherCommand("start_child_workflow_execution", fields, summary=summary, details=details)
    )
    await handle.started()
    return handle


_KNOWN = frozenset(ChildWorkflowConfig.__annotations__)
_TIMEOUTS = ("execution_timeout", "run_timeout", "task_timeout")


def _fields(state: RunState, options: ChildWorkflowConfig) -> Wire:
    converter = state.payload_converter
    waits = ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED
    fields: Wire = {
        "namespace": state.namespace,
        "task_queue": options.get("task_queue") or state.task_queue,
        "parent_close_policy": int(options.get("parent_close_policy", ParentClosePolicy.TERMINATE)),
        "cancellation_type": int(options.get("cancellation_type", waits)),
        "workflow_id_reuse_policy": int(
            options.get("id_reuse_policy", WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        ),
        "cron_schedule": options.get("cron_schedule", ""),
    }
    given: Mapping[str, Any] = options
    for name in _TIMEOUTS:
        if (timeout := optional_timeout(given.get(name), name)) is not None:
            fields[f"workflow_{name}"] = timeout
    if (retry_policy := options.get("retry_policy")) is not None:
        fields["retry_policy"] = retry_policy.to_wire()
    if memo := options.get("memo"):
        fields["memo"] = dict(zip(memo, converter.to_payloads(list(memo.values())), strict=True))
    if (search_attributes := options.get("search_attributes")) is not None:
        fields["search_attributes"] = search_attributes_to_wire(search_attributes)
    if (priority := options.get("priority")) is not None:
        fields["priority"] = priority.to_wire() or {}
    return fields


def resolve_workflow_type(workflow: str | Callable[..., Any]) -> tuple[str, Any]:
    """The type name and the result type of a name or a run method."""
    if isinstance(workflow, str):
        if not workflow:
            raise InvalidArgumentError("the workflow's name is empty")
        return workflow, None
    definition = WorkflowDefinition.of(workflow)
    return definition.own_name, definition.ret_type
