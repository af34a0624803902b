"""Refusals: answers of a service to a call that did not go well."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from hourglass.exceptions._root import TemporalError

if TYPE_CHECKING:
    from hourglass._bridge import Wire


class RPCStatusCode(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RPCError(TemporalError):
    """The service answered a call with an error. Not `ConnectError`: there was an answer."""

    def __init__(self, message: str, status: RPCStatusCode, details: Sequence[Wire] = ()) -> None:
        super().__init__(message)
        self._message = message
        self._status = status
        self._details = list(details)

    @property
    def message(self) -> str:
        """The service's text."""
        return self._message

    @property
    def status(self) -> RPCStatusCode:
        """gRPC's status code."""
        return self._status

    @property
    def details(self) -> Sequence[Wire]:
        """The messages inside the status, as wire values with ``"@type"``."""
        return self._details

    @property
    def grpc_status(self) -> Wire:
        """The status as wire values: `google.rpc.Status`."""
        return {"code": int(self._status), "message": self._message, "details": self._details}

    def detail(self, type_name: str) -> Wire | None:
        """Find the first detail whose type ends in `type_name`."""
        for detail in self._details:
            if str(detail.get("@type", "")).endswith(type_name):
                return detail
        return None
