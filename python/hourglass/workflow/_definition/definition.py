"""Definitions: what the decorators record about workflows, signals, queries and updates.

Everything that needs `inspect` or `typing` happens once: names when the class is decorated, type
hints when they are first asked for. Running a workflow looks nothing up by reflection.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar

from typing_extensions import Self

from hourglass.exceptions import DefinitionError, InvalidArgumentError
from hourglass.workflow._definition.signature import (
    AnyCallable,
    Signature,
    handler_signature,
    qualified,
)

WORKFLOW = "__hourglass_workflow_definition__"
SIGNAL = "__hourglass_signal_definition__"
QUERY = "__hourglass_query_definition__"
UPDATE = "__hourglass_update_definition__"


@dataclass(frozen=True)
class DynamicWorkflowConfig:
    """The answer of `dynamic_config`: how one run of a dynamic workflow differs."""

    failure_exception_types: Sequence[type[BaseException]] | None = None
    """In place of those given to `defn`; None leaves these."""


class HandlerUnfinishedPolicy(IntEnum):
    """The policy for handlers that still run when their workflow ends."""

    WARN_AND_ABANDON = 1
    """Warn (`UnfinishedSignalHandlersWarning`, `UnfinishedUpdateHandlersWarning`), then leave the
    handler unfinished."""
    ABANDON = 2
    """Leave it unfinished."""


@dataclass(frozen=True)
class HandlerDefinition:
    """The part of a definition that every kind of handler has."""

    marker: ClassVar[str]
    """The attribute that the decorator leaves on the function."""
    kind: ClassVar[str]
    """Also the decorator's name."""

    name: str | None
    """None: the dynamic handler, for every name that has none of its own."""
    fn: AnyCallable
    attribute: str
    signature: Signature
    is_async: bool
    description: str | None

    @classmethod
    def of(cls, fn: AnyCallable) -> Self:
        """The definition that `fn` was decorated with; DefinitionError when it was not."""
        found = getattr(fn, cls.marker, None)
        if not isinstance(found, cls):
            article = "an" if cls.kind == "update" else "a"
            raise DefinitionError(
                f"{qualified(fn)} is not {article} {cls.kind}: decorate it with "
                f"@workflow.{cls.kind}"
            )
        return found

    @property
    def on_instance(self) -> bool:
        """A method of the class, not a function that was set at run time."""
        return self.signature.skip > (self.name is None)

    @property
    def arg_types(self) -> list[Any] | None:
        return self.signature.arg_types

    @property
    def ret_type(self) -> Any:
        return self.signature.ret_type


@dataclass(frozen=True)
class SignalDefinition(HandlerDefinition):
    """A method decorated with `signal`, or a handler set at run time."""

    marker = SIGNAL
    kind = "signal"

    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON


@dataclass(frozen=True)
class QueryDefinition(HandlerDefinition):
    """A method decorated with `query`, or a handler set at run time."""

    marker = QUERY
    kind = "query"


@dataclass(frozen=True)
class UpdateDefinition(HandlerDefinition):
    """A method decorated with `update`, or a handler set at run time."""

    marker = UPDATE
    kind = "update"

    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON
    validator: AnyCallable | None = None
    """Looks at the arguments before anything is recorded; takes them like the handler."""


@dataclass(frozen=True)
class WorkflowDefinition:
    """The definition of a workflow class, as `defn` collects it."""

    name: str | None
    """None: the dynamic workflow, for every type that has none of its own."""
    cls: type[Any]
    run_fn: AnyCallable
    signature: Signature
    init_takes_arguments: bool
    signals: dict[str | None, SignalDefinition]
    queries: dict[str | None, QueryDefinition]
    updates: dict[str | None, UpdateDefinition]
    failure_exception_types: tuple[type[BaseException], ...] = field(default=())
    config_fn: AnyCallable | None = None
    """The method that `dynamic_config` decorates."""

    @property
    def arg_types(self) -> list[Any] | None:
        return self.signature.arg_types

    @property
    def ret_type(self) -> Any:
        return self.signature.ret_type

    @property
    def own_name(self) -> str:
        """The name to start it by; InvalidArgumentError for a dynamic one, which has none."""
        if self.name is None:
            raise InvalidArgumentError(
                f"{qualified(self.cls)} is a dynamic workflow: say which type to start"
            )
        return self.name

    def resolve(self) -> None:
        """Resolve every signature now, so that a bad hint is reported before work is taken."""
        handlers = (*self.signals.values(), *self.queries.values(), *self.updates.values())
        for signature in (self.signature, *(handler.signature for handler in handlers)):
            _ = signature.arity, signature.ret_type

    @staticmethod
    def of(target: AnyCallable) -> WorkflowDefinition:
        """The definition of a class or of its run method; DefinitionError if there is none."""
        found = getattr(target, WORKFLOW, None)
        if not isinstance(found, WorkflowDefinition):
            raise DefinitionError(
                f"{qualified(target)} is not a workflow: decorate the class with @workflow.defn"
                " and its method with @workflow.run"
            )
        if isinstance(target, type) and found.cls is not target:
            raise DefinitionError(
                f"{qualified(target)} inherits from the workflow {qualified(found.cls)} but is"
                " not decorated with @workflow.defn itself"
            )
        return found


def signal_definition(
    name: str | None,
    fn: AnyCallable,
    skip: int,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> SignalDefinition:
    """Describe a signal handler; `skip` counts the bound leading parameters (0 for a closure)."""
    return SignalDefinition(
        name,
        fn,
        getattr(fn, "__name__", ""),
        handler_signature(name, fn, skip),
        inspect.iscoroutinefunction(fn),
        description,
        unfinished_policy,
    )


def query_definition(
    name: str | None, fn: AnyCallable, skip: int, description: str | None = None
) -> QueryDefinition:
    """Describe a query handler; `skip` counts the bound leading parameters (0 for a closure)."""
    return QueryDefinition(
        name,
        fn,
        getattr(fn, "__name__", ""),
        handler_signature(name, fn, skip),
        inspect.iscoroutinefunction(fn),
        description,
    )
