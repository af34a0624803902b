"""The use of a stale handle: report it, have the runtime replaced, tell the caller.

A handle is stale when its runtime is gone: closed, replaced, or another process's. Nothing else
raises `StaleHandleError`, so nothing else ever restarts the runtime. The order matters: the event
and the log line come first, since the restart may take the caller along with it.

Only the life that the handle belongs to is asked to end. A leftover of an earlier epoch, or of the
process this one was forked from, fails its caller and restarts nothing; of fifty callers that fail
together, the first begins the restart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from hourglass import _bridge
from hourglass.exceptions import StaleHandleError, from_bridge
from hourglass.subsystem import events, runtime_owner

T = TypeVar("T")


def with_reload_rescue(call_site: str, fn: Callable[[], T]) -> T | StaleHandleError:
    """Call `fn` once and return what it returns; the error, if it used a stale handle.

    A stale handle is reported under the name `call_site` and its runtime is asked to restart;
    `fn` is not called again. Every other exception passes through untouched.
    """
    try:
        with reload_rescue(call_site):
            return fn()
    except StaleHandleError as stale:
        return stale


@contextmanager
def reload_rescue(call_site: str) -> Generator[None]:
    """Guard a block, which may await, like `with_reload_rescue`; raises `StaleHandleError` on."""
    try:
        yield
    except StaleHandleError as stale:
        signal_reload(call_site, stale)
        raise
    except _bridge.StaleHandleError as native:
        converted = from_bridge(native)
        assert isinstance(converted, StaleHandleError)
        signal_reload(call_site, converted)
        raise converted from None


def signal_reload(call_site: str, stale: StaleHandleError | None = None) -> None:
    """Report a stale handle, then have its runtime replaced if that is still the current one.

    Without an error, the runtime of this process is meant, whichever it is. Never raises; one that
    is gone already is none to replace.
    """
    if stale is None:
        found = runtime_owner.current_epoch()
        stale = StaleHandleError("the runtime is to be replaced", os.getpid(), found)
    events.emit(events.StaleHandleUsed(call_site, stale.pid, stale.epoch, str(stale)))
    if stale.pid == os.getpid() and stale.epoch is not None:
        runtime_owner.renew(stale.epoch, f"{call_site}: {stale}")
