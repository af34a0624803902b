"""The restart algorithm: what a supervisor does when a child has exited.

It is OTP's (`supervisor.erl`). The rest of the package is plumbing around this page.

**A supervisor does one thing at a time.** An exit is a message in its mailbox, and while it stops
and starts children it reads no other. So exits that happen meanwhile wait. When their turn comes,
the process they speak of may have been replaced already, because it stood in the path of another
child's restart. Such an exit is old news, told by the identity of the process, and is dropped: that
is why ten children that die together of one cause are one restart under `one_for_all`, not ten.

**First question: restart at all?** `answer` says it from the child's restart type and the reason.
A child that isn't restarted is *kept* without a process (a cascade starts it again, and so can
`restart_child`), except that a temporary one is *forgotten*: nothing will ever bring it back.

**Second question: how often?** Every restart is counted, before it is tried. More than
`max_restarts` within `max_seconds` and the supervisor gives up: it exits, taking all children along
in reverse order, and its own supervisor faces the first question. That is how a fault that
restarting does not cure climbs the tree until a restart is large enough to cure it, or the whole
tree is down and says why. (OTP's supervisor then exits with `shutdown`, which a transient one would
survive unnoticed. Here it is a crash with `IntensityExceeded`, which carries the last reason.)

**Third question: who goes with it?** `affected` says it from the strategy: only the child; the
child and those started after it; all. The affected stop in reverse order, each within its shutdown
budget, then start in order. So a child never sees one it depends on (a child before it) being
replaced under it. A temporary child among them is stopped, and forgotten. One that was ignored or
had finished is started too: what it found may have changed.

**If a start fails during a restart** the supervisor does not stop there and does not try at once.
The children not reached stay without a process, and the failed one is queued: a message to itself,
behind whatever waits in the mailbox. When its turn comes it is a restart like any other: it counts,
and it affects whom the strategy says, beginning at the child that failed. Nothing ever waits
between tries, so a child that keeps failing uses up the intensity at once; to wait for something,
be up and wait. A failed start when the supervisor itself starts is different: it fails as well.

The table
---------
What is done when the child exits by itself. `Shutdown` stands with and without a reason.

==========  ========  ===========  ============  ===========
restart     exit      one_for_one  rest_for_one  one_for_all
==========  ========  ===========  ============  ===========
permanent   Normal    restart it   restart rest  restart all
permanent   Shutdown  restart it   restart rest  restart all
permanent   Killed    restart it   restart rest  restart all
permanent   Crash     restart it   restart rest  restart all
transient   Normal    keep it      keep it       keep it
transient   Shutdown  keep it      keep it       keep it
transient   Killed    restart it   restart rest  restart all
transient   Crash     restart it   restart rest  restart all
temporary   Normal    forget it    forget it     forget it
temporary   Shutdown  forget it    forget it     forget it
temporary   Killed    forget it    forget it     forget it
temporary   Crash     forget it    forget it     forget it
==========  ========  ===========  ============  ===========
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from .errors import IntensityExceeded
from .events import ChildRestarting, RestartIntensityExceeded, emit
from .exits import Crash, Exit, ExitReason, is_abnormal
from .spec import Restart, Strategy

if TYPE_CHECKING:
    from .server import Server

T = TypeVar("T")

Answer: TypeAlias = Literal["restart", "keep", "forget"]


def answer(restart: Restart, reason: ExitReason) -> Answer:
    """Say what the exit of a child means: the first question."""
    if restart == "temporary":
        return "forget"
    if restart == "permanent" or is_abnormal(reason):
        return "restart"
    return "keep"


def affected(strategy: Strategy, children: Sequence[T], child: T) -> Sequence[T]:
    """The children that are restarted with `child`, in start order: the third question."""
    match strategy:
        case "one_for_one":
            return [child]
        case "rest_for_one":
            return children[children.index(child) :]
        case "one_for_all":
            return list(children)


class Intensity:
    """The restarts of a supervisor in the last seconds: the second question."""

    def __init__(self, max_restarts: int, max_seconds: float) -> None:
        if max_restarts < 0 or max_seconds <= 0:
            raise ValueError(f"restart intensity: {max_restarts} restarts in {max_seconds} s")
        self.max_restarts: Final = max_restarts
        self.max_seconds: Final = max_seconds
        self._restarts: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Count a restart at `now`; False when it is one too many."""
        self._restarts.append(now)
        while self._restarts[0] < now - self.max_seconds:
            self._restarts.popleft()
        return len(self._restarts) <= self.max_restarts

    def spend(self, supervisor: Server, child_id: str, reason: ExitReason) -> None:
        """Count the restart of a child, or end `supervisor` with `IntensityExceeded`."""
        if self.admit(supervisor.place.loop.clock.now()):
            emit(ChildRestarting(supervisor, child_id, reason))
            return
        limit = (self.max_restarts, self.max_seconds)
        error = IntensityExceeded(supervisor, limit, child_id, reason)
        emit(RestartIntensityExceeded(supervisor, child_id, error))
        raise Exit(Crash(error))
