"""Parts that several requests have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from hourglass.common import Priority, RetryPolicy
from hourglass.exceptions import (
    ArgumentTypeError,
    DefinitionError,
    HandlerDefinitionError,
    InvalidArgumentError,
)

if TYPE_CHECKING:
    from hourglass._bridge import Payload, Wire
    from hourglass.converter import DataConverter
    from hourglass.workflow._definition.definition import HandlerDefinition


class _Unset:
    def __repr__(self) -> str:
        return "<not given>"


UNSET: Final[Any] = _Unset()
"""An argument that was not given, where None is a value."""


def arguments(arg: Any, args: Sequence[Any]) -> Sequence[Any]:
    """Join the two ways to give positional arguments."""
    if arg is UNSET:
        if isinstance(args, (str, bytes)):
            raise InvalidArgumentError("args takes a list of arguments, not one text")
        if not isinstance(args, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentTypeError(f"args takes a list of arguments, not {args!r}")
        return args
    if args:
        raise InvalidArgumentError("give either one argument or args, not both")
    return (arg,)


def check_options(
    call: str, options: Mapping[str, Any], known: frozenset[str], required: Sequence[str]
) -> None:
    """Refuse a keyword that `call` does not know (TypeError, as any call does) or an empty one."""
    if not options.keys() <= known:
        unknown = min(options.keys() - known)
        raise TypeError(f"{call}() got an unexpected keyword argument {unknown!r}")
    for name in required:
        value = options.get(name)
        if not isinstance(value, str):
            raise TypeError(f"{call}() needs the keyword argument {name!r}, a string")
        if not value:
            raise InvalidArgumentError(f"{name} is empty")


async def encode(converter: DataConverter, values: Sequence[Any]) -> list[Payload]:
    """Encode values; without a codec there is nothing to wait for."""
    if converter.payload_codec is None:
        return converter.payload_converter.to_payloads(values)
    return await converter.encode(values)


async def payloads(converter: DataConverter, values: Sequence[Any]) -> Wire | None:
    """`temporal.api.common.v1.Payloads`, None without values."""
    return {"payloads": await encode(converter, values)} if values else None


async def memo(converter: DataConverter, memo: Mapping[str, Any] | None) -> Wire | None:
    """`temporal.api.common.v1.Memo`."""
    if not memo:
        return None
    if not isinstance(memo, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"memo has to be a mapping, not {memo!r}")
    # One by one: each is read alone, and a codec may put together what it gets together.
    return {"fields": {key: (await encode(converter, [one]))[0] for key, one in memo.items()}}


def header(headers: Mapping[str, Payload] | None) -> Wire | None:
    """`temporal.api.common.v1.Header`, None without headers."""
    return {"fields": dict(headers)} if headers else None


def no_headers() -> Mapping[str, Payload]:
    """Make the headers of an input that has none."""
    return {}


def no_metadata() -> Mapping[str, str]:
    """Make the metadata of an input that has none."""
    return {}


def execution(workflow_id: str, run_id: str | None) -> Wire:
    """`temporal.api.common.v1.WorkflowExecution`."""
    if not workflow_id:
        raise InvalidArgumentError("the workflow id is empty")
    return {"workflow_id": workflow_id, "run_id": run_id or ""}


def duration(name: str, value: timedelta | None) -> timedelta | None:
    """Check that a duration is not negative; None stays unset."""
    if value is None:
        return None
    if not isinstance(value, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"{name} has to be a timedelta, not {value!r}")
    if value < timedelta(0):
        raise InvalidArgumentError(f"{name} is negative: {value}")
    return value


def text(name: str, value: str | None) -> str | None:
    """Check that a text is one; None stays unset."""
    if value is not None and not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"{name} has to be a str, not {value!r}")
    if value and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError(f"{name}: {value!r} is not valid as UTF-8") from None
    return value


def number(name: str, value: int | None) -> int | None:
    """Check that a number is a whole one; None stays unset."""
    if value is not None and not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"{name} has to be an int, not {value!r}")
    return value


def metadata(given: Mapping[str, str]) -> Mapping[str, str]:
    """Check that the headers of a call are texts."""
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"rpc_metadata has to be a mapping, not {type(given).__name__}")
    for name, value in given.items():
        # A header may hold a secret: only its name is shown.
        if not isinstance(text("rpc_metadata", name), str) or not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentTypeError(f"rpc_metadata: {name!r} has to be a str with a str as value")
        if not value.isascii():
            raise InvalidArgumentError(f"rpc_metadata: the value of {name!r} has to be ASCII")
    return given


def member(name: str, kind: type[IntEnum], value: Any) -> int:
    """Check that a value is a member of an enumeration; the number that the protocol has for it."""
    if not isinstance(value, int):
        raise ArgumentTypeError(f"{name} has to be a {kind.__name__}, not {value!r}")
    try:
        return int(kind(value))
    except ValueError:
        known = ", ".join(one.name for one in kind)
        raise InvalidArgumentError(f"{name}: {value!r} is none of {known}") from None


def retry_policy(policy: RetryPolicy | None) -> Wire | None:
    """`temporal.api.common.v1.RetryPolicy`; None stays unset."""
    if policy is None:
        return None
    if not isinstance(policy, RetryPolicy):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"retry_policy has to be a RetryPolicy, not {policy!r}")
    return policy.to_wire()


def priority(given: Priority | None) -> Wire | None:
    """`temporal.api.common.v1.Priority`; None is the default."""
    if given is None:
        return None
    if not isinstance(given, Priority):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentTypeError(f"priority has to be a Priority, not {given!r}")
    return given.to_wire()


def handler_of(
    kind: Literal["signal", "query", "update"], handler: str | Callable[..., Any]
) -> tuple[str, Any]:
    """The name and the declared answer of a handler. `HandlerDefinitionError` if it isn't one."""
    if isinstance(handler, str):
        return handler, None
    definition = _handler_definition(kind, handler)
    if definition.name is None:
        shown = getattr(handler, "__qualname__", repr(handler))
        raise HandlerDefinitionError(f"{shown} is a dynamic handler: say which name to send")
    return definition.name, definition.ret_type


def check_arguments(definition: Any, args: Sequence[Any], converter: DataConverter) -> None:
    """Refuse arguments that a definition's types would read as others."""
    if args:
        converter.payload_converter.check_values(args, definition.arg_types)


def check_handler_arguments(
    kind: Literal["signal", "query", "update"],
    handler: str | Callable[..., Any],
    args: Sequence[Any],
    converter: DataConverter,
) -> None:
    """Refuse arguments that a handler's types would read as others; of a name they aren't known."""
    if args and not isinstance(handler, str):
        check_arguments(_handler_definition(kind, handler), args, converter)


def _handler_definition(
    kind: Literal["signal", "query", "update"], handler: Callable[..., Any]
) -> HandlerDefinition:
    from hourglass.workflow._definition import definition as definitions

    kinds: dict[str, type[definitions.HandlerDefinition]] = {
        "signal": definitions.SignalDefinition,
        "query": definitions.QueryDefinition,
        "update": definitions.UpdateDefinition,
    }
    try:
        return kinds[kind].of(handler)
    except DefinitionError as error:
        raise HandlerDefinitionError(str(error)) from None


def compact(wire: Mapping[str, Any]) -> Wire:
    """Leave out the fields that are unset."""
    return {name: value for name, value in wire.items() if value not in (None, "", 0, False)}
