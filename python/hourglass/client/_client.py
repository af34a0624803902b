"""The client: connects, starts workflows, finds them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, cast, overload

from typing_extensions import Self, Unpack

from hourglass._typing import ParamT, ResultT, RunAnyParams, RunNoParam, RunOneParam, SelfT
from hourglass.client._activity_calls import ActivityCalls
from hourglass.client._activity_list import FindingActivities
from hourglass.client._async_activity import AsyncActivityCalls
from hourglass.client._calls import Calls
from hourglass.client._connection import Connection, ConnectionOptions
from hourglass.client._handle import WorkflowHandle
from hourglass.client._list import Finding
from hourglass.client._requests._parts import UNSET, arguments, duration
from hourglass.client._requests.start_workflow_execution import StartOptions
from hourglass.client._target import surroundings
from hourglass.client._with_start import WithStartCalls
from hourglass.common import QueryRejectCondition, SearchAttributeKey
from hourglass.converter import DataConverter
from hourglass.exceptions import InvalidArgumentError
from hourglass.service import TLSConfig

if TYPE_CHECKING:
    from hourglass.client._interceptor import Interceptor

AnyRun = str | Callable[..., Any]


class ClientConfig(TypedDict):
    """What `Client` is made with; see `Client.config`."""

    connection: Connection
    data_converter: DataConverter
    interceptors: Sequence[Interceptor]
    default_workflow_query_reject_condition: QueryRejectCondition | None


class Client(ActivityCalls, AsyncActivityCalls, Finding, FindingActivities, WithStartCalls):
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
        self._connection = connection
        self._data_converter = data_converter
        self._default_workflow_query_reject_condition = default_workflow_query_reject_condition
        self._interceptors = tuple(interceptors)
        self._intercepted: Calls | None = None
        if interceptors:
            from hourglass.client._chain import intercept

            self._intercepted = intercept(self, interceptors)

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
                those that nobody declared. On a cluster whoever runs it declares them, and this
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

    @property
    def connection(self) -> Connection:
        """What it stands on."""
        return self._connection

    @property
    def calls(self) -> Calls:
        """Where its calls begin: with the first interceptor, if there are any."""
        return self._intercepted or Calls(self)

    @property
    def intercepted(self) -> bool:
        """It has interceptors, which see everything."""
        return self._intercepted is not None

    def config(self) -> ClientConfig:
        """What it was made with: ``Client(**config)`` makes another on the same connection."""
        return {
            "connection": self._connection,
            "data_converter": self._data_converter,
            "interceptors": self._interceptors,
            "default_workflow_query_reject_condition": (
                self._default_workflow_query_reject_condition
            ),
        }

    @property
    def namespace(self) -> str:
        """The namespace all its calls go to."""
        return self._connection.options.namespace

    @property
    def api_key(self) -> str | None:
        """What it shows to a cluster."""
        return self._connection.options.api_key

    @property
    def rpc_metadata(self) -> Mapping[str, str]:
        """The headers of its every call."""
        return dict(self._connection.options.rpc_metadata)

    @property
    def identity(self) -> str:
        """Who it says it is."""
        return self._connection.identity

    @property
    def target(self) -> str:
        """Where it goes."""
        return self._connection.options.target

    @property
    def data_converter(self) -> DataConverter:
        """How values become payloads."""
        return self._data_converter

    @property
    def default_workflow_query_reject_condition(self) -> QueryRejectCondition | None:
        """For queries that don't give one."""
        return self._default_workflow_query_reject_condition

    async def close(self) -> None:
        """Let go of the connection; a database is closed with its last client. Idempotent."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # --- starting ----------------------------------------------------------------------------

    @overload
    async def start_workflow(
        self, workflow: RunNoParam[SelfT, ResultT], **options: Unpack[StartOptions]
    ) -> WorkflowHandle[SelfT, ResultT]: ...
    @overload
    async def start_workflow(
        self,
        workflow: RunOneParam[SelfT, ParamT, ResultT],
        arg: ParamT,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[SelfT, ResultT]: ...
    @overload
    async def start_workflow(
        self,
        workflow: RunAnyParams[SelfT, ResultT],
        *,
        args: Sequence[Any],
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[SelfT, ResultT]: ...
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
        workflow: AnyRun,
        arg: Any = UNSET,
        *,
        args: Sequence[Any] = (),
        result_type: type | None = None,
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[Any, Any]:
        """Start a workflow and return its handle as soon as it is recorded.

        Args:
            workflow: The run method of a workflow class, or a name.
            arg: The argument, if there is one.
            args: The arguments, if there are several.
            result_type: What to decode the result as, where a name can't tell.
            options: See `StartOptions`; `id` and `task_queue` are required.

        Raises:
            WorkflowAlreadyStartedError: The id is taken, and the id policies don't help.
            EncodingError: An argument can't be encoded; nothing was started.
            RPCError: The service refused.
        """
        name, declared = type_of(workflow)
        values = arguments(arg, args)
        ret_type = declared if result_type is None else result_type
        return await self.calls.start_workflow(
            workflow=name, args=values, ret_type=ret_type, **options
        )

    def handle_of_started(
        self, workflow_id: str, run_id: str, result_type: Any
    ) -> WorkflowHandle[Any, Any]:
        """The handle of a workflow that this client has just started."""
        return WorkflowHandle(
            self,
            workflow_id,
            result_run_id=run_id,
            first_execution_run_id=run_id,
            result_type=result_type,
        )

    @overload
    async def execute_workflow(
        self, workflow: RunNoParam[SelfT, ResultT], **options: Unpack[StartOptions]
    ) -> ResultT: ...
    @overload
    async def execute_workflow(
        self,
        workflow: RunOneParam[SelfT, ParamT, ResultT],
        arg: ParamT,
        **options: Unpack[StartOptions],
    ) -> ResultT: ...
    @overload
    async def execute_workflow(
        self,
        workflow: RunAnyParams[SelfT, ResultT],
        *,
        args: Sequence[Any],
        **options: Unpack[StartOptions],
    ) -> ResultT: ...
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
        result_type: type | None = None,
        **options: Unpack[StartOptions],
    ) -> Any:
        """Start a workflow and wait for its result: `start_workflow`, then `handle.result`."""
        handle: WorkflowHandle[Any, Any] = await self.start_workflow(
            cast(str, workflow), arg, args=args, result_type=result_type, **options
        )
        return await handle.result()

    # --- finding -----------------------------------------------------------------------------

    def get_workflow_handle(
        self,
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
        result_type: type | None = None,
    ) -> WorkflowHandle[Any, Any]:
        """The handle of a workflow that exists, or not: nothing is asked here.

        Args:
            workflow_id: Its id.
            run_id: One run of it; the latest by default.
            first_execution_run_id: Cancel and terminate refuse a workflow that began otherwise.
            result_type: What to decode the result as.
        """
        return WorkflowHandle(
            self,
            workflow_id,
            run_id=run_id,
            result_run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_type=result_type,
        )

    @overload
    def get_workflow_handle_for(
        self,
        workflow: RunNoParam[SelfT, ResultT],
        workflow_id: str,
        *,
        run_id: str | None = ...,
        first_execution_run_id: str | None = ...,
    ) -> WorkflowHandle[SelfT, ResultT]: ...
    @overload
    def get_workflow_handle_for(
        self,
        workflow: RunAnyParams[SelfT, ResultT],
        workflow_id: str,
        *,
        run_id: str | None = ...,
        first_execution_run_id: str | None = ...,
    ) -> WorkflowHandle[SelfT, ResultT]: ...
    def get_workflow_handle_for(
        self,
        workflow: Any,
        workflow_id: str,
        *,
        run_id: str | None = None,
        first_execution_run_id: str | None = None,
    ) -> WorkflowHandle[Any, Any]:
        """The same, typed by the workflow's run method."""
        return self.get_workflow_handle(
            workflow_id,
            run_id=run_id,
            first_execution_run_id=first_execution_run_id,
            result_type=type_of(workflow)[1],
        )


def type_of(workflow: AnyRun) -> tuple[str, Any]:
    """The name and the declared result of a workflow. `DefinitionError` if it isn't one."""
    if isinstance(workflow, str):
        if not workflow:
            raise InvalidArgumentError("the workflow's name is empty")
        return workflow, None
    from hourglass.workflow._definition.definition import WorkflowDefinition

    definition = WorkflowDefinition.of(workflow)
    return definition.own_name, definition.ret_type
