"""From a decorated class to its definition, or to everything that is wrong with it."""

from __future__ import annotations

import inspect
import typing
from typing import Any

from hourglass.exceptions import DefinitionError
from hourglass.workflow._definition.definition import (
    QUERY,
    SIGNAL,
    UPDATE,
    HandlerDefinition,
    QueryDefinition,
    SignalDefinition,
    UpdateDefinition,
    WorkflowDefinition,
)
from hourglass.workflow._definition.signature import AnyCallable, Signature, qualified

RUN = "__hourglass_workflow_run__"
"""What `run` leaves on a method."""
CONFIG = "__hourglass_workflow_config__"
"""What `dynamic_config` leaves on a method."""
INIT = "__hourglass_workflow_init__"
"""What `init` leaves on ``__init__``."""


def definition_of(
    cls: type[Any], name: str | None, dynamic: bool, types: tuple[type[BaseException], ...]
) -> WorkflowDefinition:
    """Collect a class's run method and handlers, or say everything that is wrong with it."""
    problems: list[str] = []
    if dynamic and name is not None:
        problems.append("it has a name or is dynamic, not both")
    name = cls.__name__ if name is None else name
    if not name:
        problems.append("its name is empty")
    problems += [
        f"failure_exception_types: {item!r} is not an exception class"
        for item in types
        if not (isinstance(item, type) and issubclass(item, BaseException))
    ]
    run_fn = _find_run(cls, problems)
    if dynamic and run_fn is not None and Signature(run_fn).arity != (1, 1):
        problems.append("the run method of a dynamic workflow takes (args: Sequence[RawValue])")
    signals: dict[str | None, SignalDefinition] = {}
    queries: dict[str | None, QueryDefinition] = {}
    updates: dict[str | None, UpdateDefinition] = {}
    for attribute, member in _members(cls).items():
        found_signal = getattr(member, SIGNAL, None)
        if isinstance(found_signal, SignalDefinition):
            _add_handler(signals, found_signal, "signal", problems)
        found_query = getattr(member, QUERY, None)
        if isinstance(found_query, QueryDefinition):
            _add_handler(queries, found_query, "query", problems)
        found_update = getattr(member, UPDATE, None)
        if isinstance(found_update, UpdateDefinition):
            _add_handler(updates, found_update, "update", problems)
        if found_signal is None and found_query is None and found_update is None:
            problems += _overridden(cls, attribute)
    takes_arguments = _check_init(cls, run_fn, problems)
    config_fn = _find_config(cls, dynamic, problems)
    if problems or run_fn is None:
        raise DefinitionError(f"{qualified(cls)} can't be a workflow: {'; '.join(problems)}")
    return WorkflowDefinition(
        None if dynamic else name,
        cls,
        run_fn,
        Signature(run_fn),
        takes_arguments,
        signals,
        queries,
        updates,
        types,
        config_fn,
    )


def _members(cls: type[Any]) -> dict[str, Any]:
    """Collect a class's members by name, overridden ones left out."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        members.update(vars(base))
    return members


def _find_run(cls: type[Any], problems: list[str]) -> AnyCallable | None:
    own = [member for member in vars(cls).values() if getattr(member, RUN, False)]
    if len(own) == 1:
        return typing.cast("AnyCallable", own[0])
    if own:
        names = ", ".join(member.__name__ for member in own)
        problems.append(f"it has more than one run method: {names}")
        return None
    inherited = [name for name, member in _members(cls).items() if getattr(member, RUN, False)]
    problems.append(
        f"its run method {inherited[0]} is only inherited; define it on the class itself"
        if inherited
        else "it has no method decorated with @workflow.run"
    )
    return None


def _find_config(cls: type[Any], dynamic: bool, problems: list[str]) -> AnyCallable | None:
    found = [member for member in _members(cls).values() if getattr(member, CONFIG, False)]
    if not found:
        return None
    if not dynamic:
        problems.append("dynamic_config is for dynamic workflows only")
    if len(found) > 1:
        problems.append("it has more than one method decorated with @workflow.dynamic_config")
    fn: AnyCallable = found[0]
    if inspect.iscoroutinefunction(fn) or len(inspect.signature(fn).parameters) != 1:
        problems.append(f"{fn.__name__} has to be a plain method that takes self only")
    return fn


def _add_handler(
    handlers: dict[str | None, Any], found: HandlerDefinition, kind: str, problems: list[str]
) -> None:
    earlier = handlers.setdefault(found.name, found)
    if earlier is not found:
        name = "dynamic" if found.name is None else repr(found.name)
        problems.append(
            f"{kind} {name} is defined twice, by {earlier.fn.__name__} and {found.fn.__name__}"
        )


def _overridden(cls: type[Any], attribute: str) -> list[str]:
    """An override without the decorator would silently drop the handler of the base class."""
    return [
        f"{attribute} overrides the {kind} of {base.__name__} and has to be decorated as one too"
        for base in cls.__mro__[1:]
        for kind, marker in (("signal", SIGNAL), ("query", QUERY), ("update", UPDATE))
        if hasattr(vars(base).get(attribute), marker)
    ]


def _check_init(cls: type[Any], run_fn: AnyCallable | None, problems: list[str]) -> bool:
    init_fn: Any = cls.__init__
    if not getattr(init_fn, INIT, False):
        if init_fn is not object.__init__ and Signature(init_fn).arity[0] > 0:
            problems.append("its __init__ needs arguments: decorate it with @workflow.init")
        return False
    if run_fn is not None:
        wanted, got = (
            list(inspect.signature(fn).parameters.values())[1:] for fn in (run_fn, init_fn)
        )
        if [(p.kind, p.annotation) for p in wanted] != [(p.kind, p.annotation) for p in got]:
            problems.append("its __init__ does not take the same parameters as its run method")
    return True
