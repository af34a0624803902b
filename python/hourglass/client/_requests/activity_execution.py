"""The RPCs about a standalone activity, which older servers do not know."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import compact
from hourglass.exceptions import RPCError, RPCStatusCode

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._service import Service


@contextmanager
def explained(service: Service) -> Generator[None]:
    """Say of a server that can't do standalone activities what would help."""
    try:
        yield
    except RPCError as refused:
        target = service.connection.options.target
        embedded = target.startswith("sqlite:")
        if refused.status is not RPCStatusCode.UNIMPLEMENTED or embedded:
            raise
        raise RPCError(
            f"{target} does not do standalone activities ({refused.message}): use a "
            "Temporal server that does and has them enabled (1.32 does), an embedded engine "
            "(sqlite://…), or a workflow that calls the activity",
            refused.status,
            refused.details,
        ) from None


def reference(activity_id: str, activity_run_id: str | None, **more: Any) -> Wire:
    """The activity of a request, and the rest of the request."""
    return compact({"activity_id": activity_id, "run_id": activity_run_id, **more})
