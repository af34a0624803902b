"""The decorator for updates, and for the validators that go with them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from hourglass._updates import UpdateDecorator, UpdateMethod
from hourglass.exceptions import DefinitionError
from hourglass.workflow._definition.decorators import chosen_name
from hourglass.workflow._definition.definition import (
    UPDATE,
    HandlerUnfinishedPolicy,
    UpdateDefinition,
)
from hourglass.workflow._definition.signature import AnyCallable, handler_signature, qualified

P = ParamSpec("P")
SelfT = TypeVar("SelfT")
R = TypeVar("R")


@overload
def update(
    fn: Callable[Concatenate[SelfT, P], Coroutine[Any, Any, R]], /
) -> UpdateMethod[SelfT, P, Coroutine[Any, Any, R], R]: ...
@overload
def update(fn: Callable[Concatenate[SelfT, P], R], /) -> UpdateMethod[SelfT, P, R, R]: ...
@overload
def update(
    *,
    name: str,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = None,
) -> UpdateDecorator: ...
@overload
def update(
    *,
    dynamic: bool = False,
    unfinished_policy: HandlerUnfinishedPolicy = ...,
    description: str | None = None,
) -> UpdateDecorator: ...
def update(
    fn: Any = None,
    /,
    *,
    name: str | None = None,
    dynamic: bool = False,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
) -> Any:
    """Make a method, async or not, the handler of an update: a call that is recorded and answered.

    What it returns goes to the caller; so does what it raises, if that is a failure (see
    `FailureError`): any other exception fails the task, which is then retried.

    ``@method.validator`` on another method, with the same parameters, looks at an update before it
    is recorded, and refuses it by raising; nothing is left of a refused update.

    A dynamic handler takes what no other handler does: ``(self, name: str, args:
    Sequence[RawValue])``.
    """

    def decorate(target: AnyCallable) -> AnyCallable:
        chosen = chosen_name(target, name, dynamic)
        definition = update_definition(
            chosen, target, 1, unfinished_policy=unfinished_policy, description=description
        )
        setattr(target, UPDATE, definition)

        def add_validator(validator: AnyCallable, /) -> AnyCallable:
            checked = _checked(UpdateDefinition.of(target), validator)
            setattr(target, UPDATE, dataclasses.replace(definition, validator=checked))
            return validator

        setattr(target, "validator", add_validator)  # noqa: B010 - a function has no such member
        return target

    return decorate if fn is None else decorate(fn)


def update_definition(
    name: str | None,
    fn: AnyCallable,
    skip: int,
    *,
    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON,
    description: str | None = None,
    validator: AnyCallable | None = None,
) -> UpdateDefinition:
    """Describe an update handler; `skip` counts the bound leading parameters (0 for a closure)."""
    definition = UpdateDefinition(
        name,
        fn,
        getattr(fn, "__name__", ""),
        handler_signature(name, fn, skip),
        inspect.iscoroutinefunction(fn),
        description,
        unfinished_policy,
    )
    if validator is None:
        return definition
    return dataclasses.replace(definition, validator=_checked(definition, validator))


def _checked(definition: UpdateDefinition, validator: AnyCallable) -> AnyCallable:
    if inspect.iscoroutinefunction(validator):
        raise DefinitionError(
            f"{qualified(validator)}: a validator can't be async, it only looks at the workflow"
        )
    wanted, got = (
        [parameter.kind for parameter in inspect.signature(fn).parameters.values()]
        for fn in (definition.fn, validator)
    )
    if wanted != got:
        raise DefinitionError(
            f"{qualified(validator)}: a validator takes the parameters of its update"
            f" {qualified(definition.fn)}"
        )
    return validator
