"""The decorators of workflows, and of their handlers but for `update`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from hourglass.exceptions import DefinitionError
from hourglass.workflow._definition.definition import (
    QUERY,
    SIGNAL,
    WORKFLOW,
    DynamicWorkflowConfig,
    HandlerUnfinishedPolicy,
    query_definition,
    signal_definition,
)
from hourglass.workflow._definition.signature import AnyCallable, qualified, refuse_keywords
from hourglass.workflow._definition.workflow_class import CONFIG, INIT, RUN, definition_of

ClassT = TypeVar("ClassT", bound=type[Any])
SelfT = TypeVar("SelfT")
CallableT = TypeVar("CallableT", bound=AnyCallable)


@overload
def defn(cls: ClassT, /) -> ClassT: ...
@overload
def defn(
    *,
    name: str | None = None,
    dynamic: bool = False,
    sandboxed: bool = True,
    failure_exception_types: Sequence[type[BaseException]] = (),
) -> Callable[[ClassT], ClassT]: ...
def defn(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    dynamic: bool = False,
    sandboxed: bool = True,
    failure_exception_types: Sequence[type[BaseException]] = (),
) -> Any:
    """Make a class a workflow.

    Args:
        name: its type name; the class's name when left out.
        dynamic: take every workflow that the worker has no other for: ``run(self, args:
            Sequence[RawValue])``; `info` says which it is.
        sandboxed: taken for compatibility and without effect; there is no sandbox.
        failure_exception_types: exceptions that fail the workflow instead of its current task.
            ``[Exception]`` makes every bug fail the workflow.
    """
    del sandboxed
    types = tuple(failure_exception_types)

    def decorate(target: ClassT) -> ClassT:
        definition = definition_of(target, name, dynamic, types)
        setattr(target, WORKFLOW, definition)
        setattr(definition.run_fn, WORKFLOW, definition)
        return target

    return decorate if cls is None else decorate(cls)


def run(fn: CallableT) -> CallableT:
    """Mark the async method that is the workflow. A class has exactly one, of its own."""
    if not inspect.iscoroutinefunction(fn):
        raise DefinitionError(f"{qualified(fn)}: a run method has to be async")
    _require_self(fn, "run")
    setattr(fn, RUN, True)
    return fn


def init(fn: CallableT) -> CallableT:
    """Mark ``__init__`` as taking the same arguments as the run method."""
    if fn.__name__ != "__init__":
        raise DefinitionError(f"{qualified(fn)}: @workflow.init goes on __init__")
    setattr(fn, INIT, True)
    return fn


@overload
def signal(fn: CallableT, /) -> CallableT: ...
@overload
def signal(
    *,
    name: str,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = None,
) -> Callable[[CallableT], CallableT]: ...
@overload
def signal(
    *,
    dynamic: bool = False,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = None,
) -> Callable[[CallableT], CallableT]: ...
def signal(
    fn: Any = None,
    /,
    *,
    name: str | None = None,
    dynamic: bool = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> Any:
    """Make a method, async or not, the handler of a signal.

    A dynamic handler takes what no other handler does: ``(self, name: str, args:
    Sequence[RawValue])``.
    """

    def decorate(target: CallableT) -> CallableT:
        handler_name = chosen_name(target, name, dynamic)
        definition = signal_definition(handler_name, target, 1, unfinished_policy, description)
        setattr(target, SIGNAL, definition)
        return target

    return decorate if fn is None else decorate(fn)


@overload
def query(fn: CallableT, /) -> CallableT: ...
@overload
def query(*, name: str, description: str | None = None) -> Callable[[CallableT], CallableT]: ...
@overload
def query(
    *, dynamic: bool = False, description: str | None = None
) -> Callable[[CallableT], CallableT]: ...
def query(
    fn: Any = None,
    /,
    *,
    name: str | None = None,
    dynamic: bool = False,
    description: str | None = None,
) -> Any:
    """Make a method the handler of a query. It may look at the workflow and change nothing.

    A dynamic handler takes what no other handler does: ``(self, name: str, args:
    Sequence[RawValue])``.
    """

    def decorate(target: CallableT) -> CallableT:
        handler_name = chosen_name(target, name, dynamic)
        setattr(target, QUERY, query_definition(handler_name, target, 1, description))
        return target

    return decorate if fn is None else decorate(fn)


def chosen_name(fn: AnyCallable, name: str | None, dynamic: bool) -> str | None:
    """The name a handler is known by; None for the dynamic one."""
    if dynamic:
        if name is not None:
            raise DefinitionError(f"{qualified(fn)}: a handler has a name or is dynamic, not both")
        return None
    name = fn.__name__ if name is None else name
    if not name:
        raise DefinitionError(f"{qualified(fn)}: a handler's name can't be empty")
    if name.startswith("__temporal_"):
        raise DefinitionError(f"{qualified(fn)}: names that start with __temporal_ are reserved")
    return name


def _require_self(fn: AnyCallable, kind: str) -> None:
    if "self" not in inspect.signature(fn).parameters:
        raise DefinitionError(f"{qualified(fn)}: a {kind} method needs self as its first parameter")
    refuse_keywords(fn)


def dynamic_config(
    fn: Callable[[SelfT], DynamicWorkflowConfig],
) -> Callable[[SelfT], DynamicWorkflowConfig]:
    """Make a method say how one run of a dynamic workflow differs from what `defn` says.

    It takes self only, and is called once, after ``__init__`` and before the run method.
    """
    setattr(fn, CONFIG, True)
    return fn
