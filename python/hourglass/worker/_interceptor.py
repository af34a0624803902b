"""Interceptors of a worker: they make those of its activities and workflows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hourglass.exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from hourglass.activity._interceptors import ActivityInboundInterceptor
    from hourglass.client import Client
    from hourglass.workflow._runtime.interceptors import WorkflowInboundInterceptor


@dataclass(frozen=True)
class WorkflowInterceptorClassInput:
    """For `Interceptor.workflow_interceptor_class`."""

    unsafe_extern_functions: MutableMapping[str, Callable[..., Any]]
    """What is added here is in `workflow.extern_functions`. Nothing keeps these from doing what
    is not the same in every replay."""


class Interceptor:
    """Sees what a worker does. The first of several is the outermost.

    One that also is a `hourglass.client.Interceptor` and was given to the client is the worker's,
    too, without being given again.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Return the interceptor of an attempt of an activity; `next` itself for none."""
        return next

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """The class whose objects see the runs of workflows, one each; None for none."""
        del input
        return None


@dataclass(frozen=True)
class WorkflowInterceptors:
    """The workflow interceptors that a worker's interceptors ask for."""

    classes: Sequence[type[WorkflowInboundInterceptor]] = ()
    extern_functions: Mapping[str, Callable[..., Any]] = field(
        default_factory=dict[str, Callable[..., Any]]
    )


def workflow_interceptors(interceptors: Sequence[Interceptor]) -> WorkflowInterceptors:
    """Ask a worker's interceptors for those of its workflows, in order."""
    functions: dict[str, Callable[..., Any]] = {}
    given = WorkflowInterceptorClassInput(functions)
    found = [one.workflow_interceptor_class(given) for one in interceptors]
    return WorkflowInterceptors([one for one in found if one is not None], functions)


def worker_interceptors(client: Client, own: Sequence[Interceptor]) -> Sequence[Interceptor]:
    """List the client's interceptors that are also a worker's, then the worker's own.

    `InvalidArgumentError` for what is none.
    """
    for one in own:
        if not isinstance(one, Interceptor):
            raise InvalidArgumentError(f"interceptors: {one!r} is no hourglass.worker.Interceptor")
    shared = [one for one in client.config()["interceptors"] if isinstance(one, Interceptor)]
    return [*shared, *own]
