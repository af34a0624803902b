"""The facts of a run: its names, its start, its time and its random numbers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from hourglass.workflow._runtime.info import Info, make_info
from hourglass.workflow._runtime.randomness import Randomness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourglass._bridge import InitializeWorkflow, Payload, Wire
    from hourglass.workflow._runtime.loop import WorkflowLoop


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Facts:
    """Facts that workflow code may ask for; each is the same whenever the history is replayed."""

    __slots__ = (
        "_info",
        "_init",
        "_log_details",
        "loop",
        "namespace",
        "randomness",
        "run_id",
        "start_time",
        "task_queue",
    )

    def __init__(
        self,
        init: InitializeWorkflow,
        loop: WorkflowLoop,
        *,
        run_id: str,
        namespace: str,
        task_queue: str,
    ) -> None:
        self.loop = loop
        self.run_id = run_id
        self.namespace = namespace
        self.task_queue = task_queue
        self.start_time = _EPOCH
        self._init = init
        self._info: Info | None = None
        self._log_details: dict[str, object] | None = None
        self.randomness = Randomness(loop, init.randomness_seed)

    @property
    def now(self) -> datetime:
        """The time of the activation, in UTC; exact, which a float of seconds is not."""
        return _EPOCH + timedelta(microseconds=self.loop.host.activation.timestamp_ns // 1000)

    @property
    def info(self) -> Info:
        """Made when first asked for."""
        if self._info is None:
            self._info = make_info(
                self._init,
                run_id=self.run_id,
                namespace=self.namespace,
                task_queue=self.task_queue,
                start_time=self.start_time,
            )
        return self._info

    @info.setter
    def info(self, changed: Info) -> None:
        self._info = changed

    @property
    def workflow_type(self) -> str:
        """The type name it was started as."""
        return self._init.workflow_type

    @property
    def headers(self) -> Mapping[str, Payload]:
        """The headers that were sent along with the start."""
        return self._init.headers

    @property
    def start_info(self) -> Wire:
        """The other fields of the start job."""
        return self._init.info

    @property
    def log_details(self) -> dict[str, object]:
        """The few facts that a log line carries."""
        if self._log_details is None:
            self._log_details = {
                "attempt": self._init.attempt or 1,
                "namespace": self.namespace,
                "run_id": self.run_id,
                "task_queue": self.task_queue,
                "workflow_id": self._init.workflow_id,
                "workflow_type": self._init.workflow_type,
            }
        return self._log_details
