"""What is said of an activity from outside of its worker, by its task token or by its ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire


@dataclass(frozen=True)
class ActivityReference:
    """Which activity: by its task token, or by its ids."""

    workflow_id: str | None = None
    run_id: str | None = None
    activity_id: str | None = None
    task_token: bytes | None = None

    def __post_init__(self) -> None:
        by_id = self.workflow_id is not None or self.activity_id is not None
        if (self.task_token is None) is not by_id:
            raise InvalidArgumentError(
                "an activity is given by its task_token, or by its workflow_id and activity_id"
            )
        if by_id and not (self.workflow_id and self.activity_id):
            raise InvalidArgumentError("workflow_id and activity_id are both needed")
        if self.task_token == b"":
            raise InvalidArgumentError("the task token is empty")

    def call(self, rpc: str) -> tuple[str, Wire]:
        """The RPC that takes this kind of reference, and the reference in its request."""
        if self.task_token is not None:
            return rpc, {"task_token": self.task_token}
        return f"{rpc}ById", {
            "workflow_id": self.workflow_id,
            "run_id": self.run_id or "",
            "activity_id": self.activity_id,
        }
