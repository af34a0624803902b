"""The RPCs about an activity from outside of its worker, by its task token or by its ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hourglass.exceptions import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire


@dataclass(frozen=True)
class AsyncActivityIDReference:
    """The ids of an activity."""

    workflow_id: str | None
    """None for a standalone activity."""
    run_id: str | None
    """The run of the workflow, or of the standalone activity; None is the latest."""
    activity_id: str

    def __post_init__(self) -> None:
        if not self.activity_id:
            raise InvalidArgumentError("the activity id is empty")
        if self.workflow_id == "":
            raise InvalidArgumentError(
                "the workflow id is empty; that of a standalone activity is None"
            )


def reference(
    workflow_id: str | None, run_id: str | None, activity_id: str | None, task_token: bytes | None
) -> AsyncActivityIDReference | bytes:
    """Choose the way that was given."""
    by_id = any(part is not None for part in (workflow_id, run_id, activity_id))
    if (task_token is None) is not by_id:
        raise InvalidArgumentError("an activity is given by its task_token, or by its ids")
    if task_token is None:
        return AsyncActivityIDReference(workflow_id, run_id, activity_id or "")
    if not isinstance(task_token, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"task_token has to be bytes, not {task_token!r}")
    if not task_token:
        raise InvalidArgumentError("the task token is empty")
    return task_token


def call(rpc: str, id_or_token: AsyncActivityIDReference | bytes) -> tuple[str, Wire]:
    """The RPC that takes this kind of reference, and the reference in its request."""
    if isinstance(id_or_token, bytes):
        return rpc, {"task_token": id_or_token}
    return f"{rpc}ById", {
        "workflow_id": id_or_token.workflow_id or "",
        "run_id": id_or_token.run_id or "",
        "activity_id": id_or_token.activity_id,
    }
