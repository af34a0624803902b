"""Signals and queries of one run: finding the handler, decoding, buffering, answering."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from hourglass._bridge import RespondToQuery
from hourglass.common import RawValue
from hourglass.workflow._definition.definition import (
    HandlerDefinition,
    HandlerUnfinishedPolicy,
    QueryDefinition,
    SignalDefinition,
    UpdateDefinition,
    query_definition,
    signal_definition,
)
from hourglass.workflow._runtime.errors import (
    Evicted,
    UnfinishedSignalHandlersWarning,
    UnfinishedUpdateHandlersWarning,
)
from hourglass.workflow._runtime.metadata import METADATA, metadata

if TYPE_CHECKING:
    from hourglass._bridge import Payload, QueryWorkflow, SignalWorkflow
    from hourglass.workflow._runtime.ending import Ending
    from hourglass.workflow._runtime.intercepted import InterceptedJobs
    from hourglass.workflow._runtime.state import RunState

_log = logging.getLogger("hourglass.workflow")
STACK_TRACE = "__stack_trace"
"""The query that every workflow answers: where its tasks wait."""
BUILT_IN = (STACK_TRACE, METADATA)

_UNFINISHED: tuple[tuple[type[HandlerDefinition], str, type[RuntimeWarning]], ...] = (
    (SignalDefinition, "signal", UnfinishedSignalHandlersWarning),
    (UpdateDefinition, "update", UnfinishedUpdateHandlersWarning),
)


class Handlers:
    """The tables start as the definition's and may be changed by the running workflow."""

    __slots__ = (
        "_ending",
        "_state",
        "buffered",
        "inbound",
        "queries",
        "running",
        "signals",
        "updates",
    )

    def __init__(self, state: RunState, ending: Ending) -> None:
        definition = state.definition
        self._state = state
        self._ending = ending
        self.inbound: InterceptedJobs | None = None
        """The chain of interceptors; None: there are none."""
        self.signals: dict[str | None, SignalDefinition] = definition.signals
        self.queries: dict[str | None, QueryDefinition] = definition.queries
        self.updates: dict[str | None, UpdateDefinition] = definition.updates
        self.buffered: list[SignalWorkflow] = []
        """Signals that no handler takes yet, in order of arrival."""
        self.running: dict[object, SignalDefinition | UpdateDefinition] = {}
        """Async handlers that have not ended."""

    # --- signals

    def signal(self, job: SignalWorkflow) -> None:
        """Queue the handler of a signal; keep the signal if there is none; drop it if it can't be
        decoded (with a log line: failing the task would let anyone block the workflow)."""
        definition = self.signals.get(job.signal_name) or self.signals.get(None)
        if definition is None:
            self.buffered.append(job)
            return
        try:
            args = self.arguments(definition, job.signal_name, job.input)
        except Exception:
            _log.exception(
                "dropping signal %r: its arguments don't fit the handler (%s)",
                job.signal_name,
                self._state.log_details,
            )
            return
        fn, is_async = self.bound(definition), definition.is_async
        if (inbound := self.inbound) is not None:
            fn, is_async, args = inbound.signal, True, [job, args]
        loop = self._state.loop
        if is_async:
            token = object()
            self.running[token] = definition
            loop.create_task(self._run_async(token, fn, args), name=f"signal {job.signal_name}")
        else:
            loop.call_soon(self._run_sync, fn, args)

    def _run_sync(self, fn: Callable[..., object], args: list[Any]) -> None:
        try:
            fn(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._ending.conclude(error)

    async def _run_async(
        self, token: object, fn: Callable[..., Coroutine[Any, Any, object]], args: list[Any]
    ) -> None:
        try:
            await fn(*args)
        except (Evicted, KeyboardInterrupt):
            raise
        except BaseException as error:
            del self.running[token]
            self._ending.conclude(error)
        else:
            del self.running[token]

    def set_signal(self, name: str | None, fn: Callable[..., Any] | None) -> None:
        """Set or remove a handler at run time; a new one takes what was kept for it."""
        self._state.loop.check_writable("set a signal handler")
        self.signals = dict(self.signals)
        if fn is None:
            self.signals.pop(name, None)
            return
        self.signals[name] = signal_definition(name, fn, 0)
        waiting, self.buffered = self.buffered, []
        for job in waiting:
            self.signal(job)

    def warn_unfinished(self) -> None:
        """Tell which handlers a workflow that ends leaves unfinished."""
        unfinished = [
            definition
            for definition in self.running.values()
            if definition.unfinished_policy is HandlerUnfinishedPolicy.WARN_AND_ABANDON
        ]
        for kind, what, warning in _UNFINISHED:
            names = sorted(repr(one.name) for one in unfinished if isinstance(one, kind))
            if names:
                self._warn(what, names, warning)

    def _warn(self, what: str, names: list[str], warning: type[RuntimeWarning]) -> None:
        message = (
            f"the workflow ended before its {what} handlers: {', '.join(names)}. Wait for"
            " `workflow.all_handlers_finished` first, or say ABANDON as their unfinished_policy"
            f" ({self._state.log_details})"
        )
        warnings.warn(message, warning, stacklevel=1)

    # --- queries

    def query(self, job: QueryWorkflow) -> RespondToQuery:
        """Answer; whatever goes wrong is the answer."""
        state = self._state
        try:
            payload = state.loop.look("query handler", self._answer, job)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failure = state.failure_of(error)
            return RespondToQuery(job.query_id, failure=failure)
        return RespondToQuery(job.query_id, response=payload)

    def _answer(self, job: QueryWorkflow) -> Payload:
        definition = self.queries.get(job.query_type) or self.queries.get(None)
        declared = None if definition is None else definition.ret_type
        return self._state.encoded_result(self._result(job), declared)

    def _result(self, job: QueryWorkflow) -> Any:
        name, inbound = job.query_type, self.inbound
        if name in BUILT_IN:
            if inbound is None:
                return self.built_in(name)
            return _finish_at_once(inbound.query(job, []), name)
        definition = self.queries.get(name) or self.queries.get(None)
        if definition is None:
            known = ", ".join(sorted(repr(name) for name in self.queries)) or "none"
            raise LookupError(
                f"workflow {self._state.workflow_type!r} has no query {name!r} and no dynamic"
                f" one; its queries: {known}"
            )
        args = self.arguments(definition, name, job.arguments)
        if inbound is not None:
            return _finish_at_once(inbound.query(job, args), name)
        result = self.bound(definition)(*args)
        return _finish_at_once(result, name) if definition.is_async else result

    def built_in(self, name: str) -> Any:
        """The answer to a query that every workflow answers."""
        if name == STACK_TRACE:
            return self._state.loop.stack_trace()
        return metadata(self._state, self.signals, self.queries, self.updates)

    def set_query(self, name: str | None, fn: Callable[..., Any] | None) -> None:
        """Set or remove a handler at run time."""
        self._state.loop.check_writable("set a query handler")
        self.queries = dict(self.queries)
        if fn is None:
            self.queries.pop(name, None)
        else:
            self.queries[name] = query_definition(name, fn, 0)

    # --- all of them

    def bound(self, definition: HandlerDefinition) -> Callable[..., Any]:
        """The handler, ready to be called with what was sent."""
        if definition.on_instance:
            method: Callable[..., Any] = definition.fn.__get__(self._state.object)
            return method
        return definition.fn

    def arguments(
        self, definition: HandlerDefinition, name: str, payloads: list[Payload]
    ) -> list[Any]:
        """Decode what was sent; raises if it does not fit the handler."""
        if definition.name is None:
            if definition.signature.arg_types is None:  # (name, *args), the older form
                return [name, *self._state.payload_converter.from_payloads(payloads, None)]
            return [name, [RawValue(payload) for payload in payloads]]
        definition.signature.check_arity(len(payloads))
        if not payloads:
            return []
        types = definition.signature.arg_types
        hints = None if types is None else types[: len(payloads)]
        return self._state.payload_converter.from_payloads(payloads, hints)


def _finish_at_once(coro: Coroutine[Any, Any, Any], name: str) -> Any:
    """Run an async query handler, which has nothing to wait for."""
    try:
        coro.send(None)
    except StopIteration as stop:
        return stop.value
    coro.close()
    raise RuntimeError(f"the handler of query {name!r} waits for something; a query can't")
