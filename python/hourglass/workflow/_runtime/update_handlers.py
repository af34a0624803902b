"""Updates of one run: found, validated, accepted, run, answered.

An update has up to two answers. The first, in the activation that brings it, accepts or rejects it:
a rejected one leaves no trace. The second says how the handler of an accepted one ended. Everything
that is wrong before the acceptance (no handler, bad arguments, a validator that raises) rejects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hourglass._bridge import OtherCommand
from hourglass.exceptions import CancelledError
from hourglass.workflow._definition.definition import UpdateDefinition
from hourglass.workflow._definition.update_decorator import update_definition
from hourglass.workflow._runtime.errors import ContinueAsNewError, Evicted

if TYPE_CHECKING:
    from hourglass._bridge import DoUpdate
    from hourglass.workflow._runtime.ending import Ending
    from hourglass.workflow._runtime.handlers import Handlers
    from hourglass.workflow._runtime.state import RunState


@dataclass(frozen=True)
class UpdateInfo:
    """About the update whose handler or validator is running."""

    id: str
    name: str


current_update: ContextVar[UpdateInfo] = ContextVar("hourglass_update")


class UpdateHandlers:
    """The updates of one run; their table is with the other handlers, in `Handlers`."""

    __slots__ = ("_ending", "_handlers", "_state", "accepted", "early", "run_began")

    def __init__(self, state: RunState, handlers: Handlers, ending: Ending) -> None:
        self._state = state
        self._handlers = handlers
        self._ending = ending
        self.accepted = 0
        """How many were accepted: of the others nothing is in history."""
        self.run_began = False
        """Set when the run method is on its way: it may have set handlers."""
        self.early: list[DoUpdate] = []
        """Updates that came with the start and have no handler yet: the run method may set one."""

    def begin(self, job: DoUpdate) -> None:
        """Queue an update: its handler is looked up when its turn comes."""
        name = f"update {job.name}"
        self._state.loop.create_uncounted_task(self._run(job), name=name, key=job.id)

    def begin_early(self) -> None:
        """Queue again what waited for the run method."""
        self.run_began = True
        waiting, self.early = self.early, []
        for job in waiting:
            self.begin(job)

    async def _run(self, job: DoUpdate) -> None:
        definition = self._handlers.updates.get(job.name) or self._handlers.updates.get(None)
        if definition is None and not self.run_began:
            self.early.append(job)
            return
        current_update.set(UpdateInfo(job.id, job.name))
        token = object()
        try:
            if definition is None:
                raise self._no_handler(job.name)
            args = self._validated(definition, job)
        except (Evicted, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._reject(job, error)
            return
        self.accepted += 1
        self._answer(job, accepted={})
        running = self._handlers.running
        running[token] = definition
        try:
            if (inbound := self._handlers.inbound) is not None:
                result = await inbound.update(job, args)
            else:
                result = self._handlers.bound(definition)(*args)
                if definition.is_async:
                    result = await result
            payload = self._state.encoded_result(result, definition.ret_type)
        except (Evicted, KeyboardInterrupt):
            raise
        except BaseException as error:
            del running[token]
            self._fail(job, error)
        else:
            del running[token]
            self._answer(job, completed=payload)

    def _no_handler(self, name: str) -> LookupError:
        known = ", ".join(sorted(repr(known) for known in self._handlers.updates)) or "none"
        return LookupError(
            f"workflow {self._state.workflow_type!r} has no update {name!r} and no dynamic"
            f" one; its updates: {known}"
        )

    def _validated(self, definition: UpdateDefinition, job: DoUpdate) -> list[Any]:
        """The arguments for the handler; what the validator did to its own is of no matter."""
        handlers, loop = self._handlers, self._state.loop
        args = handlers.arguments(definition, job.name, job.input)
        if definition.validator is None or not job.run_validator:
            return args
        try:
            if (inbound := self._handlers.inbound) is not None:
                loop.look("update validator", inbound.validate, job, args)
            else:
                loop.look("update validator", self.validate, definition, args)
        finally:
            if loop.refused is not None:  # a bug: as in any other place, it fails the task
                self._ending.fail_task(loop.refused)
        return handlers.arguments(definition, job.name, job.input)

    def validate(self, definition: UpdateDefinition, args: Sequence[Any]) -> None:
        """Call the validator, if there is one."""
        validator = definition.validator
        if validator is not None:
            if definition.on_instance:
                validator = validator.__get__(self._state.object)
            validator(*args)

    def _fail(self, job: DoUpdate, error: BaseException) -> None:
        """A failure is the answer; anything else is not the caller's business."""
        if isinstance(error, asyncio.CancelledError):
            error = CancelledError(str(error) or "Cancelled")
        if self._ending.is_failure(error):
            self._reject(job, error)
        elif isinstance(error, ContinueAsNewError):
            self._ending.fail_task(
                RuntimeError(
                    f"the handler of update {job.name!r} continues as new, and its caller would get"
                    " no answer: return, and let the run method continue as new"
                )
            )
        else:
            self._ending.fail_task(error)

    def _reject(self, job: DoUpdate, error: BaseException) -> None:
        self._answer(job, rejected=self._state.failure_of(error))

    def _answer(self, job: DoUpdate, **answer: Any) -> None:
        fields = {"protocol_instance_id": job.protocol_instance_id, **answer}
        self._state.commands.append(OtherCommand("update_response", fields))

    def set(
        self,
        name: str | None,
        fn: Callable[..., Any] | None,
        validator: Callable[..., None] | None,
    ) -> None:
        """Set or remove a handler at run time."""
        self._state.loop.check_writable("set an update handler")
        updates = self._handlers.updates = dict(self._handlers.updates)
        if fn is None:
            updates.pop(name, None)
        else:
            updates[name] = update_definition(name, fn, 0, validator=validator)
