# Written by tools/generate_overloads.py from _client.py.
"""The calls of `Client` that start something, typed for every way to call them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass.client._requests._parts import UNSET, arguments

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hourglass._activity_typing import (
        AsyncClass,
        AsyncClass0,
        AsyncClass1,
        SyncClass,
        SyncClass0,
        SyncClass1,
    )
    from hourglass._typing import RunAnyParams, RunNoParam, RunOneParam
    from hourglass._updates import UpdateMethod
    from hourglass.client._activity_handle import ActivityHandle
    from hourglass.client._requests.start_activity_execution import StartActivityOptions
    from hourglass.client._requests.start_workflow_execution import StartOptions
    from hourglass.client._update import UpdateOptions, WorkflowUpdateHandle, WorkflowUpdateStage
    from hourglass.client._with_start import WithStartWorkflowOperation
    from hourglass.client._workflow_handle import WorkflowHandle

SelfT = TypeVar("SelfT")
ParamT = TypeVar("ParamT")
R = TypeVar("R")


class ClientCalls:
    """The typed calls of `Client`, which has their code."""

    @overload
    async def start_workflow(
        self, workflow: RunNoParam[SelfT, R], **options: Unpack[StartOptions]
    ) -> WorkflowHandle[SelfT, R]: ...
    @overload
    async def start_workflow(
        self, workflow: RunOneParam[SelfT, ParamT, R], arg: ParamT, **options: Unpack[StartOptions]
    ) -> WorkflowHandle[SelfT, R]: ...
    @overload
    async def start_workflow(
        self,
        workflow: RunAnyParams[SelfT, R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[SelfT, R]: ...
    @overload
    async def start_workflow(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type | None = ...,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]: ...
    async def start_workflow(
        self,
        workflow: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Start a workflow and return its handle as soon as it is recorded.

        Args:
            workflow: The run method of a workflow class, or a name.
            arg: The argument, if there is one.
            args: The arguments, if there are several.
            result_type: The type to decode the result as, where a name can't tell.
            options: See `StartOptions`; `id` and `task_queue` are required.

        Raises:
            WorkflowAlreadyStartedError: The id is taken, and the id policies don't help.
            EncodingError: An argument can't be encoded; nothing was started.
            RPCError: The service refused.
        """
        own: Any = self
        return await own._start_workflow(
            workflow, arguments(arg, args), result_type=result_type, **options
        )

    @overload
    async def execute_workflow(
        self, workflow: RunNoParam[SelfT, R], **options: Unpack[StartOptions]
    ) -> R: ...
    @overload
    async def execute_workflow(
        self, workflow: RunOneParam[SelfT, ParamT, R], arg: ParamT, **options: Unpack[StartOptions]
    ) -> R: ...
    @overload
    async def execute_workflow(
        self,
        workflow: RunAnyParams[SelfT, R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartOptions],
    ) -> R: ...
    @overload
    async def execute_workflow(
        self,
        workflow: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type | None = ...,
        **options: Unpack[StartOptions],
    ) -> Any: ...
    async def execute_workflow(
        self,
        workflow: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Start a workflow and wait for its result: `start_workflow`, then `handle.result`."""
        own: Any = self
        return await own._execute_workflow(
            workflow, arguments(arg, args), result_type=result_type, **options
        )

    @overload
    async def start_activity(
        self, activity: Callable[[], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[], R], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: Callable[[ParamT], Awaitable[R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self, activity: Callable[[ParamT], R], arg: ParamT, **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: None = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]: ...
    async def start_activity(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Start an activity that belongs to no workflow; its handle as soon as it is recorded.

        Args:
            activity: Its function, or a name.
            arg: The argument, if there is one.
            args: The arguments, if there are several.
            result_type: The type to decode the result as, where a name can't tell.
            options: See `StartActivityOptions`; `id`, `task_queue`, and one of
                `start_to_close_timeout` and `schedule_to_close_timeout` are required.

        Raises:
            ActivityAlreadyStartedError: The id is taken, and the id policies don't help.
            EncodingError: An argument can't be encoded; nothing was started.
            RPCError: The service refused; UNIMPLEMENTED if it has no standalone activities.
        """
        own: Any = self
        return await own._start_activity(
            activity, arguments(arg, args), result_type=result_type, **options
        )

    @overload
    async def start_activity_method(
        self, activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self, activity: Callable[[SelfT], R], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[[SelfT, ParamT], Awaitable[R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[[SelfT, ParamT], R],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_method(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    async def start_activity_method(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
    ) -> Any:
        """Start an activity that is a method, given by its class: ``Activities.charge``."""
        own: Any = self
        return await own._start_activity(activity, arguments(arg, args), **options)

    @overload
    async def start_activity_class(
        self, activity: type[AsyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self, activity: type[SyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[AsyncClass1[ParamT, R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[SyncClass1[ParamT, R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[AsyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    @overload
    async def start_activity_class(
        self,
        activity: type[SyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[R]: ...
    async def start_activity_class(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
    ) -> Any:
        """Start an activity that is a class with ``__call__``."""
        own: Any = self
        return await own._start_activity(activity, arguments(arg, args), **options)

    @overload
    async def execute_activity(
        self, activity: Callable[[], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[], R], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: Callable[[ParamT], Awaitable[R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self, activity: Callable[[ParamT], R], arg: ParamT, **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: type[R],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity(
        self,
        activity: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        result_type: None = None,
        **options: Unpack[StartActivityOptions],
    ) -> Any: ...
    async def execute_activity(
        self,
        activity: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Start an activity and wait for its result: `start_activity`, then `handle.result`."""
        own: Any = self
        return await own._execute_activity(
            activity, arguments(arg, args), result_type=result_type, **options
        )

    @overload
    async def execute_activity_method(
        self, activity: Callable[[SelfT], Awaitable[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self, activity: Callable[[SelfT], R], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[[SelfT, ParamT], Awaitable[R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[[SelfT, ParamT], R],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[..., Awaitable[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_method(
        self,
        activity: Callable[..., R],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    async def execute_activity_method(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
    ) -> Any:
        """Start an activity that is a method, and wait for its result."""
        own: Any = self
        return await own._execute_activity(activity, arguments(arg, args), **options)

    @overload
    async def execute_activity_class(
        self, activity: type[AsyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self, activity: type[SyncClass0[R]], **options: Unpack[StartActivityOptions]
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[AsyncClass1[ParamT, R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[SyncClass1[ParamT, R]],
        arg: ParamT,
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[AsyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    @overload
    async def execute_activity_class(
        self,
        activity: type[SyncClass[R]],
        *,
        args: Sequence[Any],
        **options: Unpack[StartActivityOptions],
    ) -> R: ...
    async def execute_activity_class(
        self, activity: Any, arg: Any = UNSET, *, args: Sequence[Any] = (), **options: Any
    ) -> Any:
        """Start an activity that is a class with ``__call__``, and wait for its result."""
        own: Any = self
        return await own._execute_activity(activity, arguments(arg, args), **options)

    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [], Any, R],
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        **options: Unpack[UpdateOptions],
    ) -> R: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [ParamT], Any, R],
        arg: ParamT,
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        **options: Unpack[UpdateOptions],
    ) -> R: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, ..., Any, R],
        *,
        args: Sequence[Any],
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        **options: Unpack[UpdateOptions],
    ) -> R: ...
    @overload
    async def execute_update_with_start_workflow(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        result_type: type | None = ...,
        **options: Unpack[UpdateOptions],
    ) -> Any: ...
    async def execute_update_with_start_workflow(
        self,
        update: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Start a workflow unless it runs, update it, and wait for what the handler returns.

        Both happen or none does. Raises as `start_workflow` and `execute_update` do.
        """
        own: Any = self
        return await own._execute_update_with_start_workflow(
            update,
            arguments(arg, args),
            start_workflow_operation=start_workflow_operation,
            result_type=result_type,
            **options,
        )

    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [], Any, R],
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, [ParamT], Any, R],
        arg: ParamT,
        *,
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: UpdateMethod[SelfT, ..., Any, R],
        *,
        args: Sequence[Any],
        start_workflow_operation: WithStartWorkflowOperation[SelfT, Any],
        wait_for_stage: WorkflowUpdateStage,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[R]: ...
    @overload
    async def start_update_with_start_workflow(
        self,
        update: str,
        arg: Any = ...,
        *,
        args: Sequence[Any] = ...,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        wait_for_stage: WorkflowUpdateStage,
        result_type: type | None = ...,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]: ...
    async def start_update_with_start_workflow(
        self,
        update: Any,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        wait_for_stage: WorkflowUpdateStage,
        result_type: Any = None,
        **options: Any,
    ) -> Any:
        """Start a workflow unless it runs, and update it: wait for a stage; the update's handle.

        Both happen or none does. Raises as `start_workflow` and `start_update` do.
        """
        own: Any = self
        return await own._start_update_with_start_workflow(
            update,
            arguments(arg, args),
            start_workflow_operation=start_workflow_operation,
            wait_for_stage=wait_for_stage,
            result_type=result_type,
            **options,
        )
