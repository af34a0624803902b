"""The client: connects, starts workflows and activities, finds them again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, overload

from typing_extensions import Self, Unpack

from hourglass._typing import RunAnyParams, RunNoParam, SelfT
from hourglass.client import _namespace
from hourglass.client._activity_handle import ActivityHandle
from hourglass.client._async_activity import AsyncActivityHandle
from hourglass.client._connection import Connection, ConnectionOptions
from hourglass.client._generated_client import ClientCalls
from hourglass.client._inputs import (
    CountActivitiesInput,
    CountWorkflowsInput,
    ListActivitiesInput,
    ListWorkflowsInput,
    StartActivityInput,
    StartWorkflowInput,
)
from hourglass.client._outbound import intercept
from hourglass.client._requests import activity_task, start_activity_execution
from hourglass.client._requests import start_workflow_execution as start
from hourglass.client._requests._parts import duration
from hourglass.client._requests.start_activity_execution import StartActivityOptions
from hourglass.client._requests.start_workflow_execution import StartOptions
from hourglass.client._service import CallOptions, Service
from hourglass.client._target import surroundings
from hourglass.client._update import (
    UpdateOptions,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
    time_left,
)
from hourglass.client._with_start import AnyOperation, start_and_update
from hourglass.client._workflow_handle import WorkflowHandle
from hourglass.common import QueryRejectCondition, SearchAttributeKey
from hourglass.converter import DataConverter
from hourglass.exceptions import InvalidArgumentError
from hourglass.service import TLSConfig

if TYPE_CHECKING:
    from hourglass.client._activity_execution import (
        ActivityExecutionAsyncIterator,
        ActivityExecutionCount,
    )
    from hourglass.client._interceptor import Interceptor
    from hourglass.client._namespace import NamespaceDescription
    from hourglass.client._workflow_execution import (
        WorkflowExecutionAsyncIterator,
        WorkflowExecutionCount,
    )

R = TypeVar("R")
_Metadata = Mapping[str, str]


class ClientConfig(TypedDict):
    """The options that a `Client` is made with; see `Client.config`."""

    connection: Connection
    data_converter: DataConverter
    interceptors: Sequence[Interceptor]
    default_workflow_query_reject_condition: QueryRejectCondition | None


class Client(ClientCalls):
    """Starts workflows and activities and talks to them. Make one with `Client.connect`.

    May be used by any number of tasks, and on any event loop of the process it was made in.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        data_converter: DataConverter = DataConverter.default,
        interceptors: Sequence[Interceptor] = (),
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
    ) -> None:
        self._interceptors = tuple(interceptors)
        self._service = Service(connection, data_converter, default_workflow_query_reject_condition)
        intercept(self._service, self._interceptors)

    @classmethod
    async def connect(
        cls,
        target: str | None = None,
        *,
        namespace: str | None = None,
        data_converter: DataConverter = DataConverter.default,
        interceptors: Sequence[Interceptor] = (),
        identity: str | None = None,
        api_key: str | None = None,
        tls: bool | TLSConfig | None = None,
        rpc_metadata: Mapping[str, str] | None = None,
        connect_timeout: timedelta | None = None,
        default_workflow_query_reject_condition: QueryRejectCondition | None = None,
        search_attributes: Sequence[SearchAttributeKey[Any]] = (),
        lazy: bool = False,
    ) -> Self:
        """Connect to a cluster or to a database.

        Args:
            target: ``host:port``, ``http(s)://…``, ``sqlite:///path.db`` or ``sqlite://`` (in
                memory). Without one: what ``TEMPORAL_ADDRESS`` and its siblings say, else
                ``sqlite:///hourglass.db``.
            namespace: ``default`` unless given here or, without a target, by the environment.
            data_converter: How values become payloads.
            interceptors: See its calls, the first outermost. One that is a worker's too is also
                that of the workers made with this client.
            identity: Who this is, in histories; by default process id and host.
            api_key: For a cluster; turns TLS on unless `tls` says otherwise.
            tls: For a cluster.
            rpc_metadata: Headers of every call, for a cluster.
            connect_timeout: How long to try; 10 seconds by default.
            default_workflow_query_reject_condition: For queries that don't give one.
            search_attributes: Declared in the namespace of a database, which as a cluster refuses
                undeclared ones. On a cluster its operator declares them, and this
                changes nothing.
            lazy: Connect with the first call, not here.

        Raises:
            InvalidTargetError: The target is neither; nothing was tried.
            ConnectError: The cluster can't be reached.
            DatabaseError: The database can't be opened. `DatabaseInUseError`: another process has
                it open, for longer than the target says to wait (``sqlite:///path.db?wait=30``).
            InvalidArgumentError: An option has no meaning here, or the database has another kind
                of search attribute under that name.
            RPCError: The cluster answered, but not well.
        """
        if target is None:
            found = surroundings()
            target = found.target
            namespace = namespace if namespace is not None else found.namespace
            api_key = api_key if api_key is not None else found.api_key
            tls = tls if tls is not None else found.tls
        if namespace == "":
            raise InvalidArgumentError("namespace is empty")
        timeout = duration("connect_timeout", connect_timeout)
        options = ConnectionOptions(
            target=target,
            namespace="default" if namespace is None else namespace,
            identity=identity or "",
            api_key=api_key,
            tls=tls,
            rpc_metadata=rpc_metadata or {},
            connect_timeout=timedelta(seconds=10) if timeout is None else timeout,
            search_attributes=tuple(search_attributes),
        )
        connection = Connection(options)
        if not lazy:
            await connection.native()
        return cls(
            connection,
            data_converter=data_converter,
            interceptors=interceptors,
            default_workflow_query_reject_condition=default_workflow_query_reject_condition,
        )

    def config(self) -> ClientConfig:
        """The options it was made with: ``Client(**config)`` makes another on its connection."""
        return {
            "connection": self.connection,
            "data_converter": self.data_converter,
            "interceptors": self._interceptors,
            "default_workflow_query_reject_condition": self.default_workflow_query_reject_condition,
        }

    @property
    def connection(self) -> Connection:
        """The connection that this client sends calls through."""
        return self._service.connection

    @property
    def namespace(self) -> str:
        """The namespace that all calls go to."""
        return self._service.namespace

    @property
    def api_key(self) -> str | None:
        """The key that is shown to a cluster."""
        return self.connection.options.api_key

    @property
    def rpc_metadata(self) -> Mapping[str, str]:
        """The headers of every call."""
        return dict(self.connection.options.rpc_metadata)

    @property
    def identity(self) -> str:
        """The caller's name, in histories."""
        return self._service.identity

    @property
    def target(self) -> str:
        """The address of the cluster or database."""
        return self.connection.options.target

    @property
    def data_converter(self) -> DataConverter:
        """The converter between values and payloads."""
        return self._service.data_converter

    @property
    def default_workflow_query_reject_condition(self) -> QueryRejectCondition | None:
        """The condition of queries that don't give one."""
        return self._service.query_reject_condition

    async def close(self) -> None:
        """Close the connection, and a database with its last client. Idempotent."""
        await self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # --- finding -----------------------------------------------------------------------------

    def get_workflow_handle(
        self,
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: type | None = None,
    ) -> WorkflowHandle[Any, Any]:
        """Make the handle of a workflow that exists, or not: nothing is asked here.

        Args:
            workflow_id: The workflow.
            run_id: A run of it; the latest by default.
            first_execution_run_id: Cancel and terminate refuse a workflow that began otherwise.
            result_type: The type to decode the result as.
        """
        return WorkflowHandle(
            self._service,
            workflow_id,
            run_id=run_id,
            result_run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_type=result_type,
        )

    @overload
    def get_workflow_handle_for(
        self,
        workflow: RunNoParam[SelfT, R],
        workflow_id: str,
        *,
        run_id: str | None = ...,
        first_execution_run_id: str | None = ...,
    ) -> WorkflowHandle[SelfT, R]: ...
    @overload
    def get_workflow_handle_for(
        self,
        workflow: RunAnyParams[SelfT, R],
        workflow_id: str,
        *,
        run_id: str | None = ...,
        first_execution_run_id: str | None = ...,
    ) -> WorkflowHandle[SelfT, R]: ...
    def get_workflow_handle_for(
        self,
        workflow: Any,
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[Any, Any]:
        """Make such a handle, typed by the workflow's run method."""
        return self.get_workflow_handle(
            workflow_id,
            run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_type=start.type_of(workflow)[1],
        )

    def get_activity_handle(
        self, activity_id: str, *, run_id: str | None = None, result_type: type | None = None
    ) -> ActivityHandle[Any]:
        """Make the handle of a standalone activity that exists, or not: nothing is asked here.

        For its caller; `get_async_activity_handle` is for those that complete one.

        Args:
            activity_id: The activity.
            run_id: A run of it; the latest by default.
            result_type: The type to decode the result as.
        """
        return ActivityHandle(self._service, activity_id, run_id=run_id, result_type=result_type)

    @overload
    def get_async_activity_handle(
        self, *, workflow_id: str | None = ..., run_id: str | None = ..., activity_id: str
    ) -> AsyncActivityHandle: ...
    @overload
    def get_async_activity_handle(self, *, task_token: bytes) -> AsyncActivityHandle: ...
    def get_async_activity_handle(
        self,
        *,
        workflow_id: str | None = None,
        run_id: str | None = None,
        activity_id: str | None = None,
        task_token: bytes | None = None,
    ) -> AsyncActivityHandle:
        """Make the handle of an activity, by its task token or its ids (see `activity.info`).

        For those that complete it; the caller of a standalone one has `get_activity_handle`.

        Args:
            workflow_id: The workflow that called it; None for a standalone activity.
            run_id: The run of the workflow or of the standalone activity; None is the latest.
        """
        id_or_token = activity_task.reference(workflow_id, run_id, activity_id, task_token)
        return AsyncActivityHandle(self._service, id_or_token)

    def list_workflows(
        self,
        query: str | None = None,
        *,
        limit: int | None = None,
        page_size: int = 1000,
        next_page_token: bytes | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowExecutionAsyncIterator:
        """Find workflows by a query, newest first; nothing is fetched before the iteration.

        Args:
            query: A visibility query, ``WorkflowType = 'Order' AND ExecutionStatus = 'Running'``;
                all workflows without one.
            limit: The largest number of them.
            page_size: The number that is fetched at a time.
            next_page_token: The place where another iteration stopped.

        Raises (in the iteration):
            RPCError: INVALID_ARGUMENT for a query that can't be read.
        """
        found: WorkflowExecutionAsyncIterator = self._service.outbound.list_workflows(
            ListWorkflowsInput(
                query, page_size, next_page_token, rpc_metadata or {}, rpc_timeout, limit
            )
        )
        return found

    async def count_workflows(
        self,
        query: str | None = None,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> WorkflowExecutionCount:
        """Count what a query finds, also in groups. Raises as `list_workflows` does."""
        count: WorkflowExecutionCount = await self._service.outbound.count_workflows(
            CountWorkflowsInput(query, rpc_metadata or {}, rpc_timeout)
        )
        return count

    def list_activities(
        self,
        query: str | None = None,
        *,
        limit: int | None = None,
        page_size: int = 1000,
        next_page_token: bytes | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionAsyncIterator:
        """Find standalone activities by a query; nothing is fetched before the iteration.

        Activities that a workflow called are not among them.

        Args:
            query: A visibility query, ``ActivityType = 'charge' AND ExecutionStatus = 'Running'``;
                all standalone activities without one.
            limit: The largest number of them.
            page_size: The number that is fetched at a time.
            next_page_token: The place where another iteration stopped.

        Raises (in the iteration):
            RPCError: INVALID_ARGUMENT for a query that can't be read.
        """
        found: ActivityExecutionAsyncIterator = self._service.outbound.list_activities(
            ListActivitiesInput(
                query, page_size, next_page_token, rpc_metadata or {}, rpc_timeout, limit
            )
        )
        return found

    async def count_activities(
        self,
        query: str | None = None,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> ActivityExecutionCount:
        """Count the standalone activities that a query finds. Raises as `list_activities` does."""
        count: ActivityExecutionCount = await self._service.outbound.count_activities(
            CountActivitiesInput(query, rpc_metadata or {}, rpc_timeout)
        )
        return count

    # --- namespaces --------------------------------------------------------------------------

    async def describe_namespace(
        self,
        namespace: str | None = None,
        *,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> NamespaceDescription:
        """Ask the service about a namespace, by default that of this client.

        Raises:
            RPCError: NOT_FOUND if there is no such namespace.
        """
        options = CallOptions(rpc_metadata or {}, rpc_timeout)
        name = self.namespace if namespace is None else namespace
        return await _namespace.describe(self._service, name, options)

    async def register_namespace(
        self,
        namespace: str,
        *,
        retention: timedelta = timedelta(days=3),
        description: str = "",
        owner_email: str = "",
        data: Mapping[str, str] | None = None,
        rpc_metadata: _Metadata | None = None,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Have the service make a namespace. A cluster takes some seconds to use it everywhere.

        Args:
            namespace: The name.
            retention: The time for which closed workflows are kept.
            description: Text for people.
            owner_email: The address of those that answer for it.
            data: Values to be found in its description.

        Raises:
            RPCError: ALREADY_EXISTS if there is one; INVALID_ARGUMENT for what can't be one.
        """
        options = CallOptions(rpc_metadata or {}, rpc_timeout)
        about = {"description": description, "owner_email": owner_email, "data": data}
        await _namespace.register(self._service, namespace, retention, options, **about)

    # --- the code of the calls in `ClientCalls` ----------------------------------------------

    async def _start_workflow(
        self,
        workflow: start.AnyRun,
        args: Sequence[Any],
        *,
        result_type: type | None = None,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]:
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
        start.check_options(options)
        name, declared = start.type_of(workflow)
        start.check_arguments(workflow, args, self._service.data_converter)
        given: Any = {**options, "rpc_metadata": options.get("rpc_metadata") or {}}
        handle: WorkflowHandle[Any, Any] = await self._service.outbound.start_workflow(
            StartWorkflowInput(
                name, args, ret_type=declared if result_type is None else result_type, **given
            )
        )
        return handle

    async def _execute_workflow(
        self, workflow: start.AnyRun, args: Sequence[Any], **options: Any
    ) -> Any:
        """Start a workflow and wait for its result: `start_workflow`, then `handle.result`."""
        handle = await self._start_workflow(workflow, args, **options)
        return await handle.result()

    async def _start_activity(
        self,
        activity: Any,
        args: Sequence[Any],
        *,
        result_type: Any = None,
        **options: Unpack[StartActivityOptions],
    ) -> ActivityHandle[Any]:
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
        start_activity_execution.check_options(options)
        name, declared = start_activity_execution.type_of(activity)
        start_activity_execution.check_arguments(activity, args, self._service.data_converter)
        given: Any = {**options, "rpc_metadata": options.get("rpc_metadata") or {}}
        handle: ActivityHandle[Any] = await self._service.outbound.start_activity(
            StartActivityInput(
                name, args, result_type=declared if result_type is None else result_type, **given
            )
        )
        return handle

    async def _execute_activity(self, activity: Any, args: Sequence[Any], **options: Any) -> Any:
        """Start an activity and wait for its result: `start_activity`, then `handle.result`."""
        return await (await self._start_activity(activity, args, **options)).result()

    async def _execute_update_with_start_workflow(
        self,
        update: Any,
        args: Sequence[Any],
        *,
        start_workflow_operation: AnyOperation,
        result_type: type | None,
        **options: Unpack[UpdateOptions],
    ) -> Any:
        """Start a workflow unless it runs, update it, and wait for what the handler returns.

        Both happen or none does. Raises as `start_workflow` and `execute_update` do.
        """
        begun = time.monotonic()
        handle = await self._start_update_with_start_workflow(
            update,
            args,
            start_workflow_operation=start_workflow_operation,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
            result_type=result_type,
            **options,
        )
        return await handle.result(
            rpc_metadata=options.get("rpc_metadata"),
            rpc_timeout=time_left(options.get("rpc_timeout"), begun),
        )

    async def _start_update_with_start_workflow(
        self,
        update: Any,
        args: Sequence[Any],
        *,
        start_workflow_operation: AnyOperation,
        wait_for_stage: WorkflowUpdateStage,
        result_type: type | None,
        **options: Unpack[UpdateOptions],
    ) -> WorkflowUpdateHandle[Any]:
        """Start a workflow unless it runs, and update it: wait for a stage; the update's handle.

        Both happen or none does. Raises as `start_workflow` and `start_update` do.
        """
        return await start_and_update(
            self._service,
            update,
            args,
            operation=start_workflow_operation,
            stage=wait_for_stage,
            result_type=result_type,
            options=options,
        )
