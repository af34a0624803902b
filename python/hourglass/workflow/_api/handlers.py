"""Calls about the handlers of the running workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hourglass.workflow._api.current import current
from hourglass.workflow._runtime.update_handlers import UpdateInfo, current_update


def all_handlers_finished() -> bool:
    """Tell whether no signal or update handler is still running. Made for `wait_condition`."""
    return not current().handlers.running


def get_signal_handler(name: str) -> Callable[..., Any] | None:
    """The handler of signal `name`, not the dynamic one."""
    handlers = current().handlers
    definition = handlers.signals.get(name)
    return None if definition is None else handlers.bound(definition)


def set_signal_handler(name: str, handler: Callable[..., Any] | None) -> None:
    """Set, replace or (None) remove a handler. Signals kept for it are handled now, in order."""
    current().handlers.set_signal(name, handler)


def get_dynamic_signal_handler() -> Callable[..., Any] | None:
    """The handler of signals that have none of their own."""
    handlers = current().handlers
    definition = handlers.signals.get(None)
    return None if definition is None else handlers.bound(definition)


def set_dynamic_signal_handler(handler: Callable[..., Any] | None) -> None:
    """Set, replace or (None) remove the handler ``(name, args: Sequence[RawValue])``."""
    current().handlers.set_signal(None, handler)


def get_query_handler(name: str) -> Callable[..., Any] | None:
    """The handler of query `name`, not the dynamic one."""
    handlers = current().handlers
    definition = handlers.queries.get(name)
    return None if definition is None else handlers.bound(definition)


def set_query_handler(name: str, handler: Callable[..., Any] | None) -> None:
    """Set, replace or (None) remove a handler."""
    current().handlers.set_query(name, handler)


def get_dynamic_query_handler() -> Callable[..., Any] | None:
    """The handler of queries that have none of their own."""
    handlers = current().handlers
    definition = handlers.queries.get(None)
    return None if definition is None else handlers.bound(definition)


def set_dynamic_query_handler(handler: Callable[..., Any] | None) -> None:
    """Set, replace or (None) remove the handler ``(name, args: Sequence[RawValue])``."""
    current().handlers.set_query(None, handler)


def current_update_info() -> UpdateInfo | None:
    """About the update whose handler or validator this is, also in tasks that it made."""
    current()
    return current_update.get(None)


def get_update_handler(name: str) -> Callable[..., Any] | None:
    """The handler of update `name`, not the dynamic one."""
    return _update_handler(name)


def set_update_handler(
    name: str,
    handler: Callable[..., Any] | None,
    *,
    validator: Callable[..., None] | None = None,
) -> None:
    """Set, replace or (None) remove a handler, with its validator."""
    current().updates.set(name, handler, validator)


def get_dynamic_update_handler() -> Callable[..., Any] | None:
    """The handler of updates that have none of their own."""
    return _update_handler(None)


def set_dynamic_update_handler(
    handler: Callable[..., Any] | None, *, validator: Callable[..., None] | None = None
) -> None:
    """Set, replace or (None) remove the handler ``(name, args: Sequence[RawValue])``."""
    current().updates.set(None, handler, validator)


def _update_handler(name: str | None) -> Callable[..., Any] | None:
    running = current()
    definition = running.handlers.updates.get(name)
    return None if definition is None else running.handlers.bound(definition)
