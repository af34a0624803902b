"""The workflow task that is open in a run of the model, and activities, which outlast it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hourglass.exceptions import ApplicationError, CancelledError
from tests.random_programs.model_failures import activity_error, as_failure
from tests.random_programs.model_future import Answer
from tests.random_programs.model_loop import ModelLoop
from tests.random_programs.program import Node, make_error


class WorkflowTask:
    """Collects what a run asks for until the task ends; then all of it leaves.

    ::

        code runs --nothing is ready--> resolutions are applied --> code runs again
                  --nothing is ready, and none are left, and no local activity runs--> ended
    """

    def __init__(self, loop: ModelLoop) -> None:
        self.loop = loop
        self.commands: list[Command] = []
        self.resolutions: list[Callable[[], None]] = []
        """What the task brings about by itself, as the end of what it cancels."""
        self.local_attempts = 0
        """How many local activities run."""
        self._begun: list[Command] = []

    def go_on(self) -> bool:
        """Do what is to do when nothing is ready; False if there is nothing."""
        for command in self.commands:
            command.is_sent = command.is_sent or command.is_local
        if self.resolutions:
            due, self.resolutions = self.resolutions, []
            for resolve in due:
                resolve()
            return True
        if self.local_attempts:
            return False
        commands, self.commands = self.commands, []
        for command in commands:
            command.leave()
        return bool(commands)


class Command:
    """Something that a run asks for; until it is sent it can be withdrawn without a trace.

    That of a local activity is sent when nothing is ready any more, the others when the task ends.
    """

    def __init__(
        self, task: WorkflowTask, send: Callable[[], object], is_local: bool = False
    ) -> None:
        self.is_sent = self.is_withdrawn = False
        self.is_local = is_local
        self._loop = task.loop
        self._send = send
        task.commands.append(self)

    def leave(self) -> None:
        """Send it."""
        self.is_sent = True
        if not self.is_withdrawn:
            self._loop.call_later(0, self._send)


class Attempts:
    """An activity: attempts, with scripted delays between them."""

    def __init__(self, task: WorkflowTask, script: Node, local: bool) -> None:
        self._task = task
        self._loop = task.loop
        self._script = script
        self._local = local
        self._tried = 0
        self._was_asked = self._is_running = False
        self._timer: asyncio.TimerHandle | None = None
        self.answer = Answer(task.loop, self._asked)
        self.answer.is_begun = False
        task.loop.call_soon(self._begun)
        if local:
            self._command = Command(task, lambda: None, is_local=True)
            self._begin_locally()
        else:
            self._command = Command(task, self._attempt)

    def _begun(self) -> None:
        self.answer.is_begun = True

    def _begin_locally(self) -> None:
        """Start an attempt in the worker; the workflow task goes on as long."""
        self._task.local_attempts += 1
        self._is_running = True
        self._timer = self._loop.call_later(0, self._end_locally)

    def _end_locally(self) -> None:
        self._task.local_attempts -= 1
        self._is_running = False
        self._attempt()

    def _attempt(self) -> None:
        if self.answer.done():
            return
        self._tried += 1
        delays = self._script["delays"]
        if self._tried <= len(delays) and self._was_asked:
            cause = CancelledError("Cancelled") if self._local else ApplicationError("again")
            self.answer.fail(activity_error(cause))
        elif self._tried <= len(delays):
            again = self._begin_locally if self._local else self._attempt
            self._timer = self._loop.call_later(delays[self._tried - 1], again)
        elif self._script.get("error"):
            error = make_error(*self._script["error"])
            if isinstance(error, StopIteration):  # in a thread, too: a coroutine waits for it
                error = RuntimeError("coroutine raised StopIteration")
            self.answer.fail(activity_error(as_failure(error)))
        else:
            self.answer.give(self._script["result"])

    def _asked(self) -> None:
        self._was_asked = True
        kind = self._script["cancel"]
        is_waiting = 0 < self._tried <= len(self._script["delays"]) and not self._is_running
        if kind == "WAIT_CANCELLATION_COMPLETED" and self._command.is_sent and not is_waiting:
            return
        if is_waiting and self._timer is not None:
            self._timer.cancel()
        if not self._command.is_sent:
            self._command.is_withdrawn = True
            self._task.resolutions.append(self._cancelled)
        elif is_waiting and self._local:
            self._cancelled()
        elif self._local or kind == "TRY_CANCEL":
            self._task.resolutions.append(self._cancelled)
        elif kind == "ABANDON":
            self._loop.call_soon(self._cancelled)
        else:
            Command(self._task, self._cancelled)

    def _cancelled(self) -> None:
        self.answer.fail(activity_error(CancelledError("Cancelled")))
