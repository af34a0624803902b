"""Definitions: what the decorators record about workflows, signals and queries.

Everything that needs `inspect` or `typing` happens once: names when the class is decorated, type
hints when they are first asked for (a class may mention types that are defined further down in its
module). Running a workflow looks nothing up by reflection.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, TypeVar, overload

from typing_extensions import Self

from hourglass.exceptions import DefinitionError, InvalidArgumentError

AnyCallable = Callable[..., Any]
ClassT = TypeVar("ClassT", bound=type[Any])
CallableT = TypeVar("CallableT", bound=AnyCallable)

_WORKFLOW = "__hourglass_workflow_definition__"
_SIGNAL = "__hourglass_signal_definition__"
_QUERY = "__hourglass_query_definition__"
UPDATE = "__hourglass_update_definition__"
_RUN = "__hourglass_workflow_run__"
_INIT = "__hourglass_workflow_init__"
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class HandlerUnfinishedPolicy(IntEnum):
    """What happens when a workflow ends while a signal or update handler is still running."""

    WARN_AND_ABANDON = 1
    """Warn (`UnfinishedSignalHandlersWarning`, `UnfinishedUpdateHandlersWarning`), then leave the
    handler unfinished."""
    ABANDON = 2
    """Leave it unfinished."""


@dataclass(frozen=True)
class Signature:
    """The parameters of a handler, without ``self``."""

    fn: AnyCallable
    skip: int = 1
    """Leading parameters that the runtime fills in: ``self``; also the name, if dynamic."""

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.fn).parameters.values())[self.skip :]

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self.fn)
        except NameError as error:
            raise DefinitionError(
                f"{qualified(self.fn)}: a type hint can't be resolved ({error}); it has to be"
                " importable at run time, not only under TYPE_CHECKING"
            ) from error

    @cached_property
    def arg_types(self) -> list[Any] | None:
        """The type of each positional argument (`Any` without a hint); None when there are any
        number of them."""
        if any(parameter.kind not in _POSITIONAL for parameter in self._parameters):
            return None
        return [self._hints.get(parameter.name, Any) for parameter in self._parameters]

    @cached_property
    def ret_type(self) -> Any:
        """The declared result, None when there is no hint."""
        return self._hints.get("return")

    @cached_property
    def arity(self) -> tuple[int, int | None]:
        """The least and the largest number of arguments it takes (None: no limit)."""
        least = sum(
            1
            for parameter in self._parameters
            if parameter.kind in _POSITIONAL and parameter.default is inspect.Parameter.empty
        )
        types = self.arg_types
        return least, None if types is None else len(types)

    def check_arity(self, count: int) -> None:
        """Raise TypeError if it can't be called with `count` arguments."""
        least, most = self.arity
        if count < least or (most is not None and count > most):
            wanted = (
                str(least) if least == most else f"{least} to {'any' if most is None else most}"
            )
            raise TypeError(f"{qualified(self.fn)} takes {wanted} arguments, {count} were given")


@dataclass(frozen=True)
class HandlerDefinition:
    """What every kind of handler has."""

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

    marker = _SIGNAL
    kind = "signal"

    unfinished_policy: HandlerUnfinishedPolicy = HandlerUnfinishedPolicy.WARN_AND_ABANDON


@dataclass(frozen=True)
class QueryDefinition(HandlerDefinition):
    """A method decorated with `query`, or a handler set at run time."""

    marker = _QUERY
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
    """What `defn` knows about a class."""

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
        found = getattr(target, _WORKFLOW, None)
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


# --- decorators --------------------------------------------------------------------------------


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
        definition = _define(target, name, dynamic, types)
        setattr(target, _WORKFLOW, definition)
        setattr(definition.run_fn, _WORKFLOW, definition)
        return target

    return decorate if cls is None else decorate(cls)


def run(fn: CallableT) -> CallableT:
    """Mark the async method that is the workflow. A class has exactly one, of its own."""
    if not inspect.iscoroutinefunction(fn):
        raise DefinitionError(f"{qualified(fn)}: a run method has to be async")
    _require_self(fn, "run")
    setattr(fn, _RUN, True)
    return fn


def init(fn: CallableT) -> CallableT:
    """Mark ``__init__`` as taking the same arguments as the run method."""
    if fn.__name__ != "__init__":
        raise DefinitionError(f"{qualified(fn)}: @workflow.init goes on __init__")
    setattr(fn, _INIT, True)
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
        setattr(target, _SIGNAL, definition)
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
        setattr(target, _QUERY, query_definition(handler_name, target, 1, description))
        return target

    return decorate if fn is None else decorate(fn)


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


# --- checks ------------------------------------------------------------------------------------


def qualified(target: Any) -> str:
    """The full name of a function or class, for messages."""
    name = getattr(target, "__qualname__", None)
    return f"{target.__module__}.{name}" if name else repr(target)


def _require_self(fn: AnyCallable, kind: str) -> None:
    if "self" not in inspect.signature(fn).parameters:
        raise DefinitionError(f"{qualified(fn)}: a {kind} method needs self as its first parameter")
    _refuse_keywords(fn)


def _refuse_keywords(fn: AnyCallable) -> None:
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            raise DefinitionError(
                f"{qualified(fn)}: arguments are sent by position, {parameter.name} can't be"
                " keyword-only"
            )


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


def handler_signature(name: str | None, fn: AnyCallable, skip: int) -> Signature:
    """The parameters of a handler; `skip` counts the bound leading ones (0 for a closure)."""
    _refuse_keywords(fn)
    if name is not None:
        return Signature(fn, skip)
    if len(inspect.signature(fn).parameters) != skip + 2:
        raise DefinitionError(
            f"{qualified(fn)}: a dynamic handler takes (name: str, args: Sequence[RawValue])"
        )
    return Signature(fn, skip + 1)


def _define(
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
        found_signal = getattr(member, _SIGNAL, None)
        if isinstance(found_signal, SignalDefinition):
            _add_handler(signals, found_signal, "signal", problems)
        found_query = getattr(member, _QUERY, None)
        if isinstance(found_query, QueryDefinition):
            _add_handler(queries, found_query, "query", problems)
        found_update = getattr(member, UPDATE, None)
        if isinstance(found_update, UpdateDefinition):
            _add_handler(updates, found_update, "update", problems)
        if found_signal is None and found_query is None and found_update is None:
            problems += _overridden(cls, attribute)
    takes_arguments = _check_init(cls, run_fn, problems)
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
    )


def _members(cls: type[Any]) -> dict[str, Any]:
    """What an instance sees by name: base classes first, overridden by what derives from them."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        members.update(vars(base))
    return members


def _find_run(cls: type[Any], problems: list[str]) -> AnyCallable | None:
    own = [member for member in vars(cls).values() if getattr(member, _RUN, False)]
    if len(own) == 1:
        return typing.cast("AnyCallable", own[0])
    if own:
        names = ", ".join(member.__name__ for member in own)
        problems.append(f"it has more than one run method: {names}")
        return None
    inherited = [name for name, member in _members(cls).items() if getattr(member, _RUN, False)]
    problems.append(
        f"its run method {inherited[0]} is only inherited; define it on the class itself"
        if inherited
        else "it has no method decorated with @workflow.run"
    )
    return None


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
        for kind, marker in (("signal", _SIGNAL), ("query", _QUERY), ("update", UPDATE))
        if hasattr(vars(base).get(attribute), marker)
    ]


def _check_init(cls: type[Any], run_fn: AnyCallable | None, problems: list[str]) -> bool:
    init_fn: Any = cls.__init__
    if not getattr(init_fn, _INIT, False):
        if init_fn is not object.__init__ and Signature(init_fn).arity[0] > 0:
            problems.append("its __init__ needs arguments: decorate it with @workflow.init")
        return False
    if run_fn is not None:
        wanted, got = (
            list(inspect.signature(fn).parameters.values())[1:] for fn in (run_fn, init_fn)
        )
        if [(p.name, p.annotation) for p in wanted] != [(p.name, p.annotation) for p in got]:
            problems.append("its __init__ does not take the same parameters as its run method")
    return True
