"""The native module: Temporal's core and the embedded engine as frozen classes.

Four rules hold for everything in here.

* **No native thread ever enters Python.** An operation that waits returns an `Operation`; the
  caller blocks on it (`wait`, GIL released) or has a `Port` tell its event loop. That is why
  interpreter exit, fork and a busy GIL can't wedge it.
* **Handles are stamped** with the process id and the epoch of their `Runtime`. Using one in another
  process, or after its runtime was closed, raises `StaleHandleError`; nothing else raises that.
* **Protobuf stays here.** Messages cross as *wire values*:

  ========================================  =====================================================
  protobuf                                  Python
  ========================================  =====================================================
  message                                   `dict` by proto field name; fields that are unset (or a
                                            default scalar) are left out; an unknown name is refused
  `temporal.api.common.v1.Payload`          `Payload`
  `google.protobuf.Duration`                `datetime.timedelta` (an `int`/`float` of seconds is taken)
  `google.protobuf.Timestamp`               `datetime.datetime`, UTC, aware
  `google.protobuf.Empty`                   `{}`
  `google.protobuf.Any`                     the message as a `dict` with `"@type"`
  enum                                      `int` (the name as `str` is taken too)
  repeated, map                             `list`, `dict`
  bytes                                     `bytes`
  ========================================  =====================================================

* **Errors are a closed set**: `BridgeError.kind` is one of `BRIDGE_ERROR_KINDS`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, final

from typing_extensions import Self

T = TypeVar("T")
Wire: TypeAlias = dict[str, Any]
"""A protobuf message as wire values (see the module's table)."""
Seconds: TypeAlias = float | timedelta

ErrorKind: TypeAlias = Literal[
    "bad_argument",  # a value that can't be what was asked for; names the argument
    "bad_target",  # an address that is neither a cluster's nor a database's
    "cancelled",  # the operation was cancelled by `Operation.cancel`
    "completion",  # core refused a completion
    "connect",  # the cluster can't be reached
    "database",  # the database can't be opened or written: not ours, newer, read-only, full
    "database_in_use",  # another engine, mostly of another process, has the database open
    "history",  # a history that is malformed
    "internal",  # a bug of ours: a panic in native code, with where
    "nondeterminism",  # a replayed history does not fit the workflow code
    "poll",  # core gave up polling
    "rpc",  # the service answered with a gRPC status: see `status` and `details`
    "shutdown",  # the worker, replayer or feeder is shut down: the normal end of a poll
    "stale_handle",  # raised as `StaleHandleError` only
    "timeout",  # the time given to an operation is over; nothing was undone
    "validation",  # the worker does not fit the namespace (or it is unknown)
]
BRIDGE_ERROR_KINDS: Final[tuple[ErrorKind, ...]]

class BridgeError(Exception):
    kind: ErrorKind
    message: str
    status: int | None
    """gRPC status code, for kind `rpc`."""
    details: list[Wire]
    """The messages inside the gRPC status, as wire values with `"@type"`, for kind `rpc`."""
    def __init__(
        self, kind: ErrorKind, message: str, status: int | None = None, details: Sequence[Wire] = ()
    ) -> None: ...

class StaleHandleError(BridgeError):
    """A handle of another process or of a runtime that is gone."""

    pid: int | None
    """The process that the handle belongs to."""
    epoch: int | None
    """Which runtime of that process; None for what is of no runtime (`Port`, `Inbox`)."""

def ping() -> str:
    """Answer ``"pong"``: the module is loaded and calls reach it."""

def fail(kind: ErrorKind, message: str) -> None:
    """Raise `BridgeError(kind, message)` from native code (`StaleHandleError` for its kind)."""

def status_name(code: int) -> str:
    """The name of a gRPC status code: ``5`` is ``"NOT_FOUND"``."""

# --- waiting ---------------------------------------------------------------------------------

@final
class Operation(Generic[T]):
    """A native operation under way. Dropping it does not cancel it."""

    pid: Final[int]
    epoch: Final[int]
    def wait(self, timeout: float | None = None) -> T:
        """Block, GIL released, until it is done; `timeout` in seconds.

        Raises `BridgeError`: what the operation failed with, or kind `timeout` (it goes on).
        Ctrl-C interrupts the wait.
        """
    def done(self) -> bool: ...
    def result(self) -> T:
        """The result of a done operation; kind `timeout` when it is not done."""
    def cancel(self) -> None:
        """Stop it; its result becomes kind `cancelled` unless it was done already."""
    def notify(self, port: Port, token: int) -> None:
        """Put `token` on `port` once, when done (at once if it is already)."""

@final
class Port:
    """Wakes an event loop: a file descriptor that is readable while tokens wait."""

    def __new__(cls) -> Self: ...
    pid: Final[int]
    def fileno(self) -> int: ...
    def drain(self) -> list[int]:
        """Take all waiting tokens, in order, and reset the descriptor."""
    def wait(self, timeout: float | None = None) -> list[int]:
        """Block, GIL released, until there is a token; for loops that can't watch descriptors."""
    def close(self) -> None: ...

@final
class Inbox:
    """The deliveries of pumps that are not taken yet, in order. A taker that dies loses nothing."""

    def __new__(cls) -> Self: ...
    pid: Final[int]
    def take(self, max_items: int = 64, timeout: float | None = None) -> list[Any]:
        """Block, GIL released, for at most `timeout` seconds (`0`: don't wait), then return 0 to
        `max_items` deliveries: `WorkflowActivation`, `ActivityTask`, `CompletionRejected` or
        `PollingEnded`."""
    def __len__(self) -> int: ...
    def notify(self, port: Port, token: int) -> None:
        """Put `token` on `port` whenever the inbox goes from empty to not empty (until `Port.close`)."""
    def wake(self) -> None:
        """Make every blocked `take` return (an empty list): how a taker is told to look around."""

@final
class Watch:
    """Watches the thread that makes it, the evaluator, from a native thread: see `watchdog.rs`.

    `begin` and `end` are the evaluator's, everything else is the Python watchdog's.
    """

    def __new__(cls, thread: str) -> Self:
        """`thread` is what reports call it."""
    def begin(self, budget: int) -> None:
        """Begin an activation that may take `budget` microseconds of CPU time (0: any)."""
    def end(self) -> bool:
        """End it; False if it was taken away meanwhile: its answer does not count any more."""
    def wait(self) -> Overrun | None:
        """Block, GIL released, until there is something to report; `None` after `close`."""
    def give_up(self, overrun: Overrun) -> bool:
        """Take that activation away, unless it has ended. The watch is closed then."""
    def close(self) -> None:
        """End the native thread, and let `wait` return. Idempotent."""

@final
class Overrun:
    """The finding of a `Watch`. `busy`: the activation used up its budget of CPU time; `blocked`: it
    stood still for as long; `gil`: no Python code could run for a while (all over now)."""

    kind: Final[Literal["busy", "blocked", "gil"]]
    turn: Final[int]
    cpu: Final[float]
    """Seconds of CPU time that the activation has used."""
    wall: Final[float]
    """Seconds since it began, or since Python stood still."""

# --- values ----------------------------------------------------------------------------------

@final
class Payload:
    """Data with metadata that says how it is encoded (`temporal.api.common.v1.Payload`)."""

    def __new__(cls, *, metadata: Mapping[str, bytes] = ..., data: bytes = b"") -> Self: ...
    metadata: Final[dict[str, bytes]]
    data: Final[bytes]
    def SerializeToString(self) -> bytes: ...
    @staticmethod
    def FromString(data: bytes) -> Payload: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class History:
    """The events of one run, in order, held natively."""

    workflow_id: Final[str]
    run_id: Final[str]
    def __new__(cls, workflow_id: str, data: bytes, run_id: str = "") -> Self:
        """From a serialized `temporal.api.history.v1.History`; kind `history` if it is malformed."""
    def __len__(self) -> int: ...
    def events(self) -> list[Wire]: ...
    def to_json(self) -> str:
        """Protobuf JSON, as Temporal's CLI and UI write it."""
    @staticmethod
    def from_json(workflow_id: str, text: str) -> History:
        """From protobuf JSON, enum values by short (`WorkflowExecutionStarted`) or full name."""
    def SerializeToString(self) -> bytes: ...

# --- runtime, engine, client -----------------------------------------------------------------

@final
class Runtime:
    """The threads that everything native runs on. One per process is enough."""

    def __new__(cls, *, worker_threads: int | None = None) -> Self: ...
    pid: Final[int]
    epoch: Final[int]
    """Counts the runtimes of this process, from 1."""
    def close(self, *, engines: bool = True) -> None:
        """Stop and join all threads, GIL released. Idempotent. All its handles become stale.

        Its engines are closed first; with `engines=False` they go on, for another runtime to adopt.
        """
    def take_logs(self) -> list[tuple[str, str, str, dict[str, str]]]:
        """Core's and the engine's log lines since last asked: (level, target, message, fields)."""

@final
class Engine:
    """An embedded engine on one database. Shared by every client made from it."""

    @staticmethod
    def open(
        runtime: Runtime,
        path: str | None,
        *,
        synchronous: Literal["full", "normal"] = "full",
        time_skipping: bool = False,
        history_events: int | None = None,
        history_bytes: int | None = None,
    ) -> Operation[Engine]:
        """Open or create the database at `path` (`None`: in memory).

        A run is terminated when its history has more than `history_events` events or
        `history_bytes` bytes (`None`: a server's limits, 51,200 and 50 MB; 0: unlimited).

        Kinds `database` and `database_in_use`; it does not wait.

        With `time_skipping`, in memory only, it has the service of Temporal's test server,
        `temporal.api.testservice.v1.TestService`, by which its time can be let skip.
        """
    def adopt(self, runtime: Runtime) -> Engine:
        """Return this engine for another runtime of this process; the one it was opened on may be
        closed."""
    pid: Final[int]
    epoch: Final[int]
    path: Final[str | None]
    @property
    def lost(self) -> str | None:
        """The reason why the engine has ended by itself: its database was deleted, moved, replaced or cut. The
        file is free then. Calls end with kind `database`."""
    def close(self) -> Operation[None]:
        """Commit what is in flight, end long polls, close the file. Idempotent."""

@final
class Client:
    @staticmethod
    def connect(
        runtime: Runtime,
        *,
        engine: Engine | None = None,
        target_url: str | None = None,
        namespace: str = "default",
        identity: str = "",
        api_key: str | None = None,
        tls: bool | Mapping[str, bytes | str] = False,
        rpc_metadata: Mapping[str, str] = ...,
        connect_timeout: float = 10.0,
    ) -> Operation[Client]:
        """To the engine, or to the cluster at `target_url` (``http://host:port``, ``https://…``).

        `tls` keys: ``domain``, ``server_root_ca_cert``, ``client_cert``, ``client_private_key``.
        Kinds `connect`, `bad_target`; never retried for longer than `connect_timeout` seconds.
        """
    pid: Final[int]
    epoch: Final[int]
    namespace: Final[str]
    identity: Final[str]
    def call(
        self,
        rpc: str,
        request: Mapping[str, Any],
        *,
        service: str = "temporal.api.workflowservice.v1.WorkflowService",
        timeout: float | None = None,
        metadata: Mapping[str, str] = ...,
        retry: bool = True,
    ) -> Operation[Wire]:
        """Any RPC by name, request and response as wire values.

        `namespace`, `identity` and `request_id` (a fresh UUID) are filled in where the request has
        such a field and leaves it empty. Kind `rpc` on a gRPC error; with `retry`, transient ones
        are retried first.
        """
    def start_workflow(self, request: Mapping[str, Any]) -> Operation[str]:
        """StartWorkflowExecution; the run id."""
    def await_workflow(
        self,
        workflow_id: str,
        run_id: str = "",
        *,
        timeout: float | None = None,
        follow_runs: bool = True,
    ) -> Operation[Wire]:
        """Wait for the close event: ``{"event": HistoryEvent, "run_id": str}``. With `follow_runs`,
        goes on through continue-as-new, retries and cron. Kind `timeout` after `timeout` seconds
        (must be > 0: kind `bad_argument`)."""
    def signal_workflow(self, request: Mapping[str, Any]) -> Operation[None]: ...
    def cancel_workflow(self, request: Mapping[str, Any]) -> Operation[None]: ...
    def describe_workflow(self, workflow_id: str, run_id: str = "") -> Operation[Wire]: ...
    def describe_namespace(self, namespace: str) -> Operation[Wire]: ...
    def register_namespace(self, namespace: str, retention: Seconds = ...) -> Operation[None]:
        """Kind `rpc` with status ALREADY_EXISTS if it is there."""
    def fetch_history(self, workflow_id: str, run_id: str = "") -> Operation[History]:
        """All events, over all pages, of that run (or the latest)."""

# --- worker ----------------------------------------------------------------------------------

@final
class Worker:
    """A core worker: pumps poll core and fill inboxes; completions go back without waiting.

    Completions of one run keep their order; runs don't wait for each other. What core answers to
    a completion comes back as `CompletionRejected` in the inbox, only when it is an error.
    """

    def __new__(
        cls,
        runtime: Runtime,
        client: Client,
        *,
        task_queue: str,
        workflows: bool = True,
        activities: bool = True,
        workflow_inbox: Inbox | None = None,
        activity_inbox: Inbox | None = None,
        tag: int = 0,
        identity: str | None = None,
        build_id: str = "",
        max_cached_workflows: int = 1000,
        max_outstanding_workflow_tasks: int = 100,
        max_outstanding_activities: int = 100,
        max_outstanding_local_activities: int = 100,
        max_concurrent_workflow_task_polls: int = 5,
        max_concurrent_activity_task_polls: int = 5,
        nonsticky_to_sticky_poll_ratio: float = 0.2,
        sticky_queue_schedule_to_start_timeout: float = 10.0,
        max_heartbeat_throttle_interval: float = 60.0,
        default_heartbeat_throttle_interval: float = 30.0,
        max_activities_per_second: float | None = None,
        max_task_queue_activities_per_second: float | None = None,
        max_eager_activity_reservations_per_workflow_task: int = 3,
        no_remote_activities: bool = False,
        graceful_shutdown_timeout: float = 0.0,
        nondeterminism_as_workflow_fail: bool = False,
        nondeterminism_as_workflow_fail_types: Sequence[str] = (),
    ) -> Self:
        """Pumps start at once. `tag` comes back on every delivery. An inbox of its own unless given."""
    pid: Final[int]
    epoch: Final[int]
    tag: Final[int]
    task_queue: Final[str]
    workflow_inbox: Final[Inbox]
    activity_inbox: Final[Inbox]
    def validate(self) -> Operation[None]:
        """Ask the service about the namespace. Kind `validation`."""
    def poll_workflow_activation(self, timeout: float | None = None) -> WorkflowActivation | None:
        """The next activation from this worker's own inbox; `None` after `timeout`; kind `shutdown`."""
    def poll_activity_task(self, timeout: float | None = None) -> ActivityTask | None: ...
    def complete_workflow_activation(self, completion: WorkflowCompletion) -> None:
        """Hand it over; the same completion again does nothing."""
    def complete_activity_task(self, completion: ActivityCompletion) -> None: ...
    def complete_workflow_activation_confirmed(
        self, completion: WorkflowCompletion
    ) -> Operation[None]:
        """Complete an activation, and tell when core has taken it. Kind `completion`."""
    def complete_activity_task_confirmed(
        self, completion: ActivityCompletion
    ) -> Operation[None]: ...
    def record_activity_heartbeat(self, task_token: bytes, details: Sequence[Payload]) -> None: ...
    def request_workflow_eviction(self, run_id: str) -> None: ...
    def replace_client(self, client: Client) -> None: ...
    def initiate_shutdown(self) -> None:
        """Stop taking work. The inboxes get `PollingEnded` (one each) when core has no more."""
    def drained(self) -> bool:
        """Both polls have ended and every delivered task was completed."""
    def finalize_shutdown(self) -> Operation[None]:
        """Initiate, wait until drained, release everything at the service. Idempotent."""
    def slots(self) -> dict[str, int]:
        """Counts: `workflow_tasks_in_use`, `activities_in_use`, `cached_workflows`."""

@final
class CompletionRejected:
    """A completion that core refused (the run is gone, or evicted next); nothing more will come."""

    tag: Final[int]
    run_id: Final[str]
    task_token: Final[bytes]
    error: Final[BridgeError]

@final
class PollingEnded:
    tag: Final[int]
    poll: Final[Literal["workflow", "activity"]]
    error: Final[BridgeError | None]
    """None after a shutdown; otherwise why core gave up."""

@final
class Replayer:
    """Runs histories through a worker without a service; deliveries as from `Worker`."""

    def __new__(
        cls,
        runtime: Runtime,
        *,
        task_queue: str = "replay",
        namespace: str = "replay",
        inbox: Inbox | None = None,
        tag: int = 0,
        build_id: str = "",
    ) -> Self: ...
    pid: Final[int]
    epoch: Final[int]
    inbox: Final[Inbox]
    def push_history(self, history: History) -> Operation[None]:
        """Kind `shutdown` once the feeder is closed; kind `history` if it can't be replayed."""
    def close_feeder(self) -> None: ...
    def poll_workflow_activation(self, timeout: float | None = None) -> WorkflowActivation | None:
        """Kind `shutdown` after the last history: success."""
    def complete_workflow_activation(self, completion: WorkflowCompletion) -> None: ...
    def close(self) -> Operation[None]: ...

# --- activations: what happened to a run -----------------------------------------------------

@final
class WorkflowActivation:
    def __new__(cls, **fields: Any) -> Self:
        """For tests: the attributes below as keywords."""
    tag: Final[int]
    run_id: Final[str]
    timestamp: Final[float]
    """Seconds since the epoch: what `workflow.time()` says during this activation."""
    timestamp_ns: Final[int]
    is_replaying: Final[bool]
    history_length: Final[int]
    history_size_bytes: Final[int]
    continue_as_new_suggested: Final[bool]
    available_internal_flags: Final[list[int]]
    last_sdk_version: Final[str]
    jobs: Final[list[ActivationJob]]
    def only_eviction(self) -> bool:
        """Say whether its only job is `RemoveFromCache`: answer with no commands."""

# Every job has a constructor with its attributes as keywords (all optional), and value equality.
@final
class InitializeWorkflow:
    def __new__(cls, **fields: Any) -> Self: ...
    workflow_type: Final[str]
    workflow_id: Final[str]
    arguments: Final[list[Payload]]
    randomness_seed: Final[int]
    headers: Final[dict[str, Payload]]
    identity: Final[str]
    attempt: Final[int]
    info: Final[Wire]
    """The rest of coresdk.workflow_activation.InitializeWorkflow (timeouts, parent, memo, …)."""

@final
class FireTimer:
    def __new__(cls, **fields: Any) -> Self: ...
    seq: Final[int]

@final
class UpdateRandomSeed:
    def __new__(cls, **fields: Any) -> Self: ...
    randomness_seed: Final[int]

@final
class QueryWorkflow:
    def __new__(cls, **fields: Any) -> Self: ...
    query_id: Final[str]
    query_type: Final[str]
    arguments: Final[list[Payload]]
    headers: Final[dict[str, Payload]]

@final
class CancelWorkflow:
    def __new__(cls, **fields: Any) -> Self: ...
    reason: Final[str]

@final
class SignalWorkflow:
    def __new__(cls, **fields: Any) -> Self: ...
    signal_name: Final[str]
    input: Final[list[Payload]]
    identity: Final[str]
    headers: Final[dict[str, Payload]]

@final
class ResolveActivity:
    def __new__(cls, **fields: Any) -> Self: ...
    seq: Final[int]
    status: Final[Literal["completed", "failed", "cancelled", "backoff"]]
    result: Final[Payload | None]
    failure: Final[Wire | None]
    """temporal.api.failure.v1.Failure"""
    backoff: Final[Wire | None]
    """coresdk.activity_result.DoBackoff, of a local activity"""
    is_local: Final[bool]

@final
class NotifyHasPatch:
    def __new__(cls, **fields: Any) -> Self: ...
    patch_id: Final[str]

@final
class DoUpdate:
    def __new__(cls, **fields: Any) -> Self: ...
    id: Final[str]
    protocol_instance_id: Final[str]
    name: Final[str]
    input: Final[list[Payload]]
    headers: Final[dict[str, Payload]]
    identity: Final[str]
    run_validator: Final[bool]

@final
class RemoveFromCache:
    def __new__(cls, **fields: Any) -> Self: ...
    message: Final[str]
    reason: Final[int]

@final
class OtherJob:
    """A job without a class of its own: children, external workflows, Nexus."""

    def __new__(cls, **fields: Any) -> Self: ...
    variant: Final[str]
    """The oneof's field name: ``resolve_child_workflow_execution``, …"""
    fields: Final[Wire]

ActivationJob: TypeAlias = (
    InitializeWorkflow
    | FireTimer
    | UpdateRandomSeed
    | QueryWorkflow
    | CancelWorkflow
    | SignalWorkflow
    | ResolveActivity
    | NotifyHasPatch
    | DoUpdate
    | RemoveFromCache
    | OtherJob
)

# --- commands: what a run wants --------------------------------------------------------------

@final
class StartTimer:
    seq: Final[int]
    start_to_fire_timeout: Final[timedelta]
    summary: Final[Payload | None]
    def __new__(
        cls, seq: int, start_to_fire_timeout: Seconds, summary: Payload | None = None
    ) -> Self: ...

@final
class CancelTimer:
    seq: Final[int]
    def __new__(cls, seq: int) -> Self: ...

@final
class ScheduleActivity:
    seq: Final[int]
    activity_id: Final[str]
    activity_type: Final[str]
    task_queue: Final[str]
    arguments: Final[list[Payload]]
    headers: Final[dict[str, Payload]]
    schedule_to_close_timeout: Final[timedelta | None]
    schedule_to_start_timeout: Final[timedelta | None]
    start_to_close_timeout: Final[timedelta | None]
    heartbeat_timeout: Final[timedelta | None]
    retry_policy: Final[Wire | None]
    cancellation_type: Final[int]
    do_not_eagerly_execute: Final[bool]
    priority: Final[Wire | None]
    summary: Final[Payload | None]
    def __new__(
        cls,
        seq: int,
        activity_id: str,
        activity_type: str,
        task_queue: str,
        arguments: Sequence[Payload] = (),
        *,
        headers: Mapping[str, Payload] | None = None,
        schedule_to_close_timeout: Seconds | None = None,
        schedule_to_start_timeout: Seconds | None = None,
        start_to_close_timeout: Seconds | None = None,
        heartbeat_timeout: Seconds | None = None,
        retry_policy: Wire | None = None,
        cancellation_type: int = 0,
        do_not_eagerly_execute: bool = False,
        priority: Wire | None = None,
        summary: Payload | None = None,
    ) -> Self: ...

@final
class RequestCancelActivity:
    seq: Final[int]
    def __new__(cls, seq: int) -> Self: ...

@final
class RespondToQuery:
    query_id: Final[str]
    response: Final[Payload | None]
    failure: Final[Wire | None]
    def __new__(
        cls, query_id: str, *, response: Payload | None = None, failure: Wire | None = None
    ) -> Self: ...

@final
class CompleteWorkflowExecution:
    result: Final[Payload | None]
    def __new__(cls, result: Payload | None = None) -> Self: ...

@final
class FailWorkflowExecution:
    failure: Final[Wire]
    def __new__(cls, failure: Wire) -> Self: ...

@final
class ContinueAsNewWorkflowExecution:
    fields: Final[Wire]
    def __new__(cls, fields: Wire) -> Self:
        """coresdk.workflow_commands.ContinueAsNewWorkflowExecution"""

@final
class CancelWorkflowExecution:
    details: Final[list[Payload]]
    def __new__(cls, details: Sequence[Payload] = ()) -> Self: ...

@final
class SetPatchMarker:
    patch_id: Final[str]
    deprecated: Final[bool]
    def __new__(cls, patch_id: str, deprecated: bool = False) -> Self: ...

@final
class OtherCommand:
    """Any other command of coresdk.workflow_commands, by the oneof's field name."""

    variant: Final[str]
    fields: Final[Wire]
    summary: Final[Payload | None]
    details: Final[Payload | None]
    """What user interfaces show with it: one line, and a text."""
    def __new__(
        cls,
        variant: str,
        fields: Wire,
        *,
        summary: Payload | None = None,
        details: Payload | None = None,
    ) -> Self: ...

Command: TypeAlias = (
    StartTimer
    | CancelTimer
    | ScheduleActivity
    | RequestCancelActivity
    | RespondToQuery
    | CompleteWorkflowExecution
    | FailWorkflowExecution
    | ContinueAsNewWorkflowExecution
    | CancelWorkflowExecution
    | SetPatchMarker
    | OtherCommand
)
# Every command has its arguments as read-only attributes, value equality and a repr.

@final
class WorkflowCompletion:
    """The answer to one activation: commands, or why the task failed."""

    run_id: Final[str]
    commands: Final[list[Command]]
    failure: Final[Wire | None]
    def __new__(
        cls,
        run_id: str,
        commands: Sequence[Command] = (),
        *,
        used_internal_flags: Sequence[int] = (),
    ) -> Self: ...
    @staticmethod
    def failed(run_id: str, failure: Wire, *, cause: int = 0) -> WorkflowCompletion:
        """Fail the workflow task (not the workflow); it is retried. `cause`: WorkflowTaskFailedCause."""
    def SerializeToString(self) -> bytes:
        """coresdk.workflow_completion.WorkflowActivationCompletion"""

# --- activities ------------------------------------------------------------------------------

@final
class ActivityTask:
    """Start an activity, or cancel one that was started."""

    def __new__(cls, **fields: Any) -> Self: ...
    tag: Final[int]
    task_token: Final[bytes]
    variant: Final[Literal["start", "cancel"]]
    cancel_reason: Final[str]
    """For cancel: NOT_FOUND, CANCELLED, TIMED_OUT, WORKER_SHUTDOWN, PAUSED or RESET."""
    cancel_details: Final[Wire]
    # For start:
    activity_id: Final[str]
    activity_type: Final[str]
    workflow_namespace: Final[str]
    workflow_type: Final[str]
    workflow_id: Final[str]
    """Empty for a standalone activity, as is everything of the workflow but its namespace."""
    workflow_run_id: Final[str]
    activity_run_id: Final[str]
    """Of a standalone activity; empty for a workflow's."""
    input: Final[list[Payload]]
    heartbeat_details: Final[list[Payload]]
    headers: Final[dict[str, Payload]]
    attempt: Final[int]
    is_local: Final[bool]
    scheduled_time: Final[datetime]
    current_attempt_scheduled_time: Final[datetime]
    started_time: Final[datetime]
    schedule_to_close_timeout: Final[timedelta | None]
    start_to_close_timeout: Final[timedelta | None]
    heartbeat_timeout: Final[timedelta | None]
    retry_policy: Final[Wire | None]
    priority: Final[Wire | None]

@final
class ActivityCompletion:
    @staticmethod
    def completed(task_token: bytes, result: Payload | None) -> ActivityCompletion: ...
    @staticmethod
    def failed(task_token: bytes, failure: Wire) -> ActivityCompletion: ...
    @staticmethod
    def cancelled(task_token: bytes, failure: Wire) -> ActivityCompletion:
        """`failure` with `canceled_failure_info`."""
    @staticmethod
    def will_complete_async(task_token: bytes) -> ActivityCompletion: ...
