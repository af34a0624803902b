"""Results and failures of earlier runs of the workflow: cron, retries and continue-as-new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from hourglass.workflow._api.current import current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourglass._bridge import Payload

T = TypeVar("T")


def _payloads() -> Sequence[Payload]:
    found: Sequence[Payload] = (
        current().start_info.get("last_completion_result", {}).get("payloads", ())
    )
    return found


def has_last_completion_result() -> bool:
    """Tell whether an earlier run of this cron schedule has completed with a result."""
    return bool(_payloads())


@overload
def get_last_completion_result() -> Any: ...
@overload
def get_last_completion_result(type_hint: type[T]) -> T | None: ...
def get_last_completion_result(type_hint: type[T] | None = None) -> Any:
    """Decode the last result of this cron schedule; None if there is none."""
    payloads = _payloads()
    if not payloads:
        return None
    hints = None if type_hint is None else [type_hint]
    return current().payload_converter.from_payloads(payloads[:1], hints)[0]


def get_last_failure() -> BaseException | None:
    """Return the failure of the run before, if this is a retry or the next of a cron schedule."""
    running = current()
    failure = running.start_info.get("continued_failure")
    if not failure:
        return None
    return running.failure_converter.from_failure(failure, running.payload_converter)
