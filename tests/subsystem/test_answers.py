"""Nothing waits for ever: whatever ends, every call that is under way has its answer."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hourglass import Subsystem
from hourglass.client import Client
from hourglass.subsystem.errors import SubsystemStoppedError, WorkerNotRegisteredError
from hourglass.supervision import ChildSpec, Exited, LoopGone, Registry, Reply, default_loop
from tests.subsystem.conftest import stopped
from tests.subsystem.kit import WAIT, Gate, Taker, declaration, hold, holder, tree
from tests.supervision.kit import die
from tests.support import unique

Calls = dict[str, Reply[Any]]


async def under_way(client: Client, go: threading.Event) -> Calls:
    """Make every call that there is, in the middle of its work or in front of a busy mailbox."""
    here, workers, root = holder(), tree().workers(), tree().root
    gated, served = declaration(client, connect=Gate(client)), declaration(client)
    taker = Taker()
    out = declaration(client, workflows=taker)
    for one in (served, out):
        await asyncio.wait_for(here.register(one), WAIT)
    await client.start_workflow("Any", id=unique("w"), task_queue=out.spec.name)
    await asyncio.to_thread(taker.next)
    calls: Calls = {
        "holder.register": here.register(gated),
        "holder.serving": here.serving(gated.spec.name),
        "holder.unregister draining": here.unregister(out.spec.name),
    }
    await asyncio.wait_for(here.settled(), WAIT)
    for server in (here, workers, root):
        hold(server, go)
    calls |= {
        "holder.settled": here.settled(),
        "holder.recycle": here.recycle(served.spec.name),
        "holder.unregister": here.unregister(served.spec.name),
        "workers.start_worker": workers.start_worker(declaration(client)),
        "workers.stop_worker": workers.stop_worker("nothing"),
        "workers.which_children": workers.which_children(),
        "root.which_children": root.which_children(),
        "root.start_child": root.start_child(ChildSpec("more", Registry)),
        "root.terminate_child": root.terminate_child("worker_launcher"),
        "root.exit": root.exit,
    }
    dynamic = declaration(client)
    Subsystem.start_worker(dynamic)
    calls["declaration.started"] = dynamic.started.answer
    return calls


def kill_root() -> None:
    """End the whole tree by force."""
    tree().root.kill()


def kill_loop() -> None:
    """End the supervision thread."""
    die(default_loop(), OSError("bad descriptor"))


@pytest.mark.parametrize("end", [kill_root, kill_loop])
async def test_every_call_is_answered_when_the_tree_or_its_thread_dies(
    end: Callable[[], None],
) -> None:
    stopped()
    go = threading.Event()
    async with await Client.connect("sqlite://") as client:
        calls = await under_way(client, go)
        assert [name for name, reply in calls.items() if reply.done()] == []
        end()
        for name, reply in calls.items():
            try:
                answer = await asyncio.wait_for(asyncio.shield(as_future(reply)), WAIT)
            except (Exited, LoopGone, WorkerNotRegisteredError, SubsystemStoppedError):
                continue
            assert name == "root.exit", answer
        go.set()
        assert await client.connection.call("GetSystemInfo", {})


def as_future(reply: Reply[Any]) -> asyncio.Future[Any]:
    """Wait for a reply in a task."""

    async def wait() -> Any:
        return await reply

    return asyncio.ensure_future(wait())
