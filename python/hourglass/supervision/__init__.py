"""OTP's supervision in Python: processes that fail, and trees that start them again.

::

    loop = default_loop()                       # a thread and event loop of its own
    tree = loop.start(
        Supervisor(
            [
                ChildSpec("db", lambda: Resource(open_db, close_db)),
                ChildSpec("counter", Counter),  # a Server
                ChildSpec("jobs", DynamicSupervisor),
            ],
            strategy="rest_for_one",
        )
    ).result()                                  # or: await loop.start(...), in any event loop

Read `restart` for the algorithm, `process` for what a child is, `server` for how to write one.
The layers, each of which imports only those above it::

    exits  errors  reply  clock  place          values
    process  events  lifetime                   something that starts once and ends once
    task  thread                                how it lives
    server  registry                            state behind a mailbox
    spec  children  restart                     what a supervisor knows and decides
    supervisor  dynamic                         the supervisors
    loop                                        where it all runs
"""

from .children import halt
from .clock import Clock, VirtualClock, WallClock
from .dynamic import DynamicSupervisor
from .errors import (
    AlreadyPresent,
    AlreadyStarted,
    CallTimeout,
    Exited,
    IntensityExceeded,
    LoopFailed,
    LoopGone,
    NotFound,
    NotStarted,
    StartedTwice,
    StartFailed,
    StillRunning,
    SupervisionError,
    TooManyChildren,
    WouldDeadlock,
)
from .events import (
    EVENTS,
    ChildExited,
    ChildIgnored,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
    Event,
    ProcessAbandoned,
    RestartIntensityExceeded,
    Subscription,
    subscribe,
)
from .exits import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Crash,
    Exit,
    ExitReason,
    Ignore,
    Killed,
    Normal,
    Shutdown,
    is_abnormal,
)
from .loop import SupervisionLoop, default_loop
from .place import Place
from .process import Budget, Monitor, Process, current_process
from .registry import Registry
from .reply import Promise, Reply
from .server import Refuse, ReplyToken, Server
from .spec import ChildCounts, ChildInfo, ChildSpec, ChildState, Restart, Strategy
from .supervisor import Supervisor
from .task import AsyncResource, Task, TaskProcess
from .thread import Resource, Thread, ThreadProcess

__all__ = [
    "EVENTS",
    "KILLED",
    "NORMAL",
    "SHUTDOWN",
    "AlreadyPresent",
    "AlreadyStarted",
    "AsyncResource",
    "Budget",
    "CallTimeout",
    "ChildCounts",
    "ChildExited",
    "ChildIgnored",
    "ChildInfo",
    "ChildRestarting",
    "ChildSpec",
    "ChildStartFailed",
    "ChildStarted",
    "ChildState",
    "Clock",
    "Crash",
    "DynamicSupervisor",
    "Event",
    "Exit",
    "ExitReason",
    "Exited",
    "Ignore",
    "IntensityExceeded",
    "Killed",
    "LoopFailed",
    "LoopGone",
    "Monitor",
    "Normal",
    "NotFound",
    "NotStarted",
    "Place",
    "Process",
    "ProcessAbandoned",
    "Promise",
    "Refuse",
    "Registry",
    "Reply",
    "ReplyToken",
    "Resource",
    "Restart",
    "RestartIntensityExceeded",
    "Server",
    "Shutdown",
    "StartFailed",
    "StartedTwice",
    "StillRunning",
    "Strategy",
    "Subscription",
    "SupervisionError",
    "SupervisionLoop",
    "Supervisor",
    "Task",
    "TaskProcess",
    "Thread",
    "ThreadProcess",
    "TooManyChildren",
    "VirtualClock",
    "WallClock",
    "WouldDeadlock",
    "current_process",
    "default_loop",
    "halt",
    "is_abnormal",
    "subscribe",
]
