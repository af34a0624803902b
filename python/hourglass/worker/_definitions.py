"""Checks a worker's workflows and activities before anything starts: names are unique."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hourglass.activity._definition import ActivityDefinition
from hourglass.exceptions import DefinitionError

if TYPE_CHECKING:
    from hourglass.workflow._definition.definition import WorkflowDefinition

ActivityTable = dict[str | None, tuple[ActivityDefinition, Callable[..., Any]]]
"""By name; None is the dynamic one."""


def _shown(thing: Any) -> str:
    module = getattr(thing, "__module__", "")
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{module}.{name}" if module else name


def _named(name: str | None) -> str:
    return "are dynamic" if name is None else f"have the name {name!r}"


def activity_table(activities: Sequence[Callable[..., Any]]) -> ActivityTable:
    """Activities by name; `DefinitionError` names what is undecorated, unbound or there twice."""
    table: ActivityTable = {}
    for activity in activities:
        definition = ActivityDefinition.of(activity)
        if definition.of_class and inspect.isclass(activity):
            raise DefinitionError(
                f"activity {_shown(activity)} is a class: pass an instance of it to the worker"
            )
        if not definition.of_class and _is_unbound(activity):
            raise DefinitionError(
                f"activity {_shown(activity)} is a method: pass it bound to an instance"
            )
        if definition.name in table:
            other = table[definition.name][1]
            raise DefinitionError(
                f"two activities {_named(definition.name)}: {_shown(other)} and {_shown(activity)}"
            )
        _ = definition.arg_types, definition.ret_type  # a bad hint is found here, not in a task
        table[definition.name] = (definition, activity)
    return table


def _is_unbound(activity: Callable[..., Any]) -> bool:
    if not inspect.isfunction(activity):
        return False
    parameters = list(inspect.signature(activity).parameters)
    return bool(parameters) and parameters[0] == "self"


def workflow_definitions(workflows: Sequence[type]) -> list[WorkflowDefinition]:
    """The definitions; `DefinitionError` names what is no workflow or there twice."""
    from hourglass.workflow._definition.definition import WorkflowDefinition

    found: dict[str | None, WorkflowDefinition] = {}
    for workflow in workflows:
        definition = WorkflowDefinition.of(workflow)
        if definition.name in found:
            other = found[definition.name].cls
            raise DefinitionError(
                f"two workflows {_named(definition.name)}: {_shown(other)} and {_shown(workflow)}"
            )
        definition.resolve()
        found[definition.name] = definition
    return list(found.values())
