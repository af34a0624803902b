"""The model of a workflow's world: asyncio, and Temporal's rules for what asyncio does not have.

The rules, in the order of the code:

* **Activities and children end as history says.** Cancelling one asks for its cancellation, and the
  wait goes on; so a cancelled wait may end with a result that came first (`Answer`). How it ends
  is up to its cancellation type: `TRY_CANCEL` and `ABANDON` end at once, as cancelled;
  `WAIT_CANCELLATION_COMPLETED` ends as the activity does, and one that waits for its next attempt
  is cancelled at once, and does not begin another. An `ActivityError` (`ChildWorkflowError`) wraps
  the reason.
* **An activity is cancelled as a task is before its first step**: with asyncio's CancelledError.
* **Exceptions cross a border as failures**: Temporal's own classes stay what they are, any other
  becomes an `ApplicationError` with the class's name as its type.
* **A run ends when its main coroutine does**: what else is ready in that moment still runs,
  everything after it does not. A cancelled run is one that was asked to cancel itself and let that
  out.
* **Children go the way of their parent-close policy** also when their parent continues as new.
* **A request to cancel reaches a run once**; later ones are of no consequence.
* **Commands leave when the workflow task ends**, and it ends when nothing is ready any more and no
  local activity runs, or when the run does. What is cancelled before that never was, and what is
  asked for in the task that ends the run comes too late.
* **Conditions are asked when nothing is ready any more**, in the order of the waits, and once more
  when their time is up.
* **A deadline that fired first wins** over what comes with it or later, as `asyncio.wait_for` has
  it from Python 3.12 on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hourglass.exceptions import TerminatedError
from tests.random_programs.describe import describe
from tests.random_programs.model_failures import as_failure
from tests.random_programs.model_loop import ModelLoop
from tests.random_programs.model_world import AgainError, ModelWorld
from tests.random_programs.program import Node


class Model:
    """All workflows of one program, and what is said to them from outside."""

    def __init__(self, loop: ModelLoop, root: str) -> None:
        self.loop = loop
        self.root = root
        self.worlds: list[ModelWorld] = []
        self.said: list[Any] = []
        self.outcome: Any = None
        self._all_ended: asyncio.Future[None] = loop.create_future()
        loop.when_idle = self._idle

    def _idle(self) -> bool:
        did = [world.idle() for world in list(self.worlds)]
        if not any(did) and self.outcome is not None and self._is_over():
            self._all_ended.set_result(None)
            return True
        return any(did)

    def _is_over(self) -> bool:
        is_quiet = ["nothing"] not in self.said and all(world.is_dead for world in self.worlds)
        return is_quiet and not self._all_ended.done()

    def start(self, world_id: str, body: Node) -> ModelWorld:
        """Start a workflow."""
        world = ModelWorld(self, world_id, body)
        self.worlds.append(world)
        return world

    def open(self, world_id: str) -> ModelWorld | None:
        """Find an open run."""
        of_it = [world for world in self.worlds if world.id == world_id and not world.is_dead]
        return of_it[-1] if of_it else None

    def deliver(self, world_id: str, body: Node) -> bool:
        """Send a signal; False if nobody is there."""
        world = self.open(world_id)
        if world is not None:
            world.deliver(body)
        return world is not None

    def cancel(self, world_id: str) -> bool:
        """Request a cancellation, in vain if it has ended; False if it never was."""
        world = self.open(world_id)
        if world is not None:
            world.cancel()
        return any(world.id == world_id for world in self.worlds)

    def let_go(self, child_id: str, policy: str) -> None:
        """Apply the parent-close policy."""
        child = self.open(child_id)
        if child is not None and policy == "TERMINATE":
            self.loop.call_later(0, child.close, None, TerminatedError("terminated"))
        elif child is not None and policy == "REQUEST_CANCEL":
            self.loop.call_later(0, child.cancel)

    async def run(self, main: Node, stimuli: list[Node]) -> None:
        """Run to the end of the root and of all that it leaves behind."""
        ended: asyncio.Future[list[Any]] = self.loop.create_future()
        self.start(self.root, main).on_end = lambda value, error: ended.set_result(
            ["value", value] if error is None else describe(error)
        )
        at = 0.0
        for stimulus in stimuli:
            at += stimulus["after"]
            self.said.append(["nothing"])
            self.loop.call_later(at, self._say, len(self.said) - 1, stimulus)
        self.outcome = await ended
        await self._all_ended

    def _say(self, index: int, stimulus: Node) -> None:
        world = self.open(self.root)
        do = stimulus["do"]
        if do == "query":
            last = [world for world in self.worlds if world.id == self.root][-1]
            self.said[index] = ["value", last.interpreter.count]
        elif do == "evict":
            self.said[index] = ["done"]
        elif do == "meddle":
            self.said[index] = ["refused"]
        elif do == "cancel":
            self.said[index] = ["done"]
            self.cancel(self.root)
        elif world is None:
            self.said[index] = ["gone"]
        elif do == "signal":
            self.said[index] = ["done"]
            world.deliver(stimulus["body"])
        elif stimulus["reject"]:
            self.said[index] = ["ApplicationError", "ValueError", "rejected"]
        else:
            self.said[index] = ["aborted"]
            world.spawn(self._update(world, index, stimulus["body"]))

    async def _update(self, world: ModelWorld, index: int, body: Node) -> None:
        try:
            said = ["value", await world.interpreter.run(body)]
        except AgainError as error:
            world.decide(None, error)
            return
        except BaseException as error:
            said = describe(as_failure(error))
        if not world.is_dead:
            self.said[index] = said


def run_model(main: Node, stimuli: list[Node], lateness: Callable[[], float], seed: int) -> Model:
    """Run a program in the model, with its own lateness; the model with all that happened."""
    loop = ModelLoop(lateness, seed)
    model = Model(loop, "root")
    try:
        loop.run_until_complete(model.run(main, stimuli))
    finally:
        loop.is_over = True
        for world in model.worlds:
            world.is_dead = True
            for task in world.tasks:
                task.cancel()
        loop.run_until_complete(asyncio.sleep(1))
        loop.close()
    return model
