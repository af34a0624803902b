"""Namespaces: registered and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hourglass.client._requests._parts import compact, duration, text
from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass._bridge import Wire
    from hourglass.client._service import HasOptions, Service


class NamespaceState(IntEnum):
    """The state of a namespace; values are the protocol's."""

    UNSPECIFIED = 0
    REGISTERED = 1
    DEPRECATED = 2
    DELETED = 3


@dataclass(frozen=True)
class NamespaceDescription:
    """A namespace, with everything `Client.describe_namespace` says about it."""

    name: str
    id: str
    state: NamespaceState
    description: str
    owner_email: str
    data: Mapping[str, str]
    """The values that it was registered with."""
    retention: timedelta | None
    """The time for which closed workflows are kept; None if they are kept for ever."""
    raw_description: Wire
    """`temporal.api.workflowservice.v1.DescribeNamespaceResponse`"""


async def describe(service: Service, name: str, options: HasOptions) -> NamespaceDescription:
    """Ask the service about a namespace."""
    answer = await service.call("DescribeNamespace", {"namespace": _checked(name)}, options)
    info: Wire = answer.get("namespace_info", {})
    config: Wire = answer.get("config", {})
    return NamespaceDescription(
        name=info.get("name", ""),
        id=info.get("id", ""),
        state=NamespaceState(info.get("state", 0)),
        description=info.get("description", ""),
        owner_email=info.get("owner_email", ""),
        data=info.get("data", {}),
        retention=config.get("workflow_execution_retention_ttl") or None,
        raw_description=answer,
    )


async def register(
    service: Service, name: str, retention: timedelta, options: HasOptions, **described: Any
) -> None:
    """Have the service make a namespace."""
    request = {
        "namespace": _checked(name),
        "workflow_execution_retention_period": duration("retention", retention),
        **described,
    }
    await service.call("RegisterNamespace", compact(request), options)


def _checked(name: str) -> str:
    if not text("namespace", name):
        raise InvalidArgumentError("namespace is empty")
    return name
