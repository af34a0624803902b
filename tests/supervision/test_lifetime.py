"""The ends of the interpreter, seen from a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal, sys, threading
from hourglass.supervision import *

class Loud(Server):
    async def init(self): print("+" + self.id, flush=True)
    async def terminate(self, reason): print("-" + self.id, flush=True)
    def ping(self): return self.call(self._ping)
    async def _ping(self): return "pong"

def tree():
    specs = [ChildSpec(name, Loud) for name in "ab"]
    specs.append(ChildSpec("db", lambda: Resource(lambda: print("open", flush=True),
                                                  lambda _: print("close", flush=True))))
    return default_loop().start(Supervisor(specs)).result(10)

def server(root): return root.lookup("a")
"""


def run(body: str, *, status: int = 0, complaint: str = "") -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + body],
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        env=environment,
    )
    if complaint:
        assert complaint in done.stderr
    else:
        assert done.stderr == ""
    assert done.returncode == status
    return done.stdout.split()


STOPPED = ["close", "-b", "-a"]
STARTED = ["+a", "+b", "open"]


def test_importing_starts_nothing() -> None:
    assert run("print(threading.active_count())") == ["1"]


def test_a_program_that_just_ends_stops_its_trees_in_order() -> None:
    assert run("tree()") == STARTED + STOPPED


def test_a_program_that_fails_stops_its_trees_in_order() -> None:
    assert run("tree(); raise SystemExit(7)", status=7) == STARTED + STOPPED


def test_threads_of_the_program_are_waited_for_before_the_trees_stop() -> None:
    body = """
root = tree()
main_is_over = threading.main_thread().join
def work():
    main_is_over()
    print(server(root).ping().result(10), flush=True)
threading.Thread(target=work).start()
"""
    assert run(body) == [*STARTED, "pong", *STOPPED]


HURRY = """
import hourglass.supervision.loop
hourglass.supervision.loop.EXIT_BUDGET = 0.1
forever = threading.Event()
"""


def test_a_child_that_will_not_stop_does_not_keep_the_program() -> None:
    body = """
spec = ChildSpec("a", lambda: Thread(lambda process: forever.wait()), shutdown="infinity")
default_loop().start(Supervisor([spec])).result(10)
"""
    run(HURRY + body, complaint="exited: Killed()")


def test_a_loop_that_somebody_blocks_does_not_keep_the_program() -> None:
    body = """
blocked = threading.Event()
async def block(process):
    blocked.set()
    forever.wait()
default_loop().start(Task(block))
blocked.wait(10)
"""
    run(HURRY + body, complaint="did not stop within 0.1 s")


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@needs_fork
def test_in_a_forked_child_the_tree_is_dead_and_a_new_one_starts() -> None:
    body = """
root = tree()
child = server(root)
loop = default_loop()
if os.fork() == 0:
    told = []
    child.monitor(lambda dead, reason: told.append(reason))
    assert told == [KILLED] and child.exit_reason == KILLED and not child.alive
    child.stop(), child.kill()
    for attempt in (lambda: child.ping().result(10), lambda: loop.start(Loud()).result(10),
                    lambda: root.exit.result(10), lambda: root.which_children().result(10)):
        try:
            attempt()
        except LoopGone:
            continue
        raise AssertionError("a dead tree answered")
    assert default_loop() is not loop and loop.gone
    fresh = tree()
    assert server(fresh).ping().result(10) == "pong"
    default_loop().stop().result(10)
    os._exit(0)
_, status = os.wait()
assert status == 0, status
assert child.ping().result(10) == "pong"
"""
    assert run(body) == STARTED + STARTED + STOPPED + STOPPED


@needs_fork
def test_a_forked_child_ends_like_any_other_program() -> None:
    body = """
tree()
if os.fork() == 0:
    tree()
else:
    os.wait()
"""
    assert run(body) == STARTED + STARTED + STOPPED + STOPPED


@needs_fork
def test_a_fork_while_another_thread_uses_the_loop_does_not_hang_the_child() -> None:
    body = """
root = tree()
target = server(root)
over = threading.Event()
def hammer():
    while not over.is_set():
        target.ping().result(10)
threads = [threading.Thread(target=hammer) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    if os.fork() == 0:
        signal.alarm(10)
        assert not target.alive
        fresh = default_loop().start(Loud()).result(10)
        assert fresh.ping().result(10) == "pong"
        os._exit(0)
    _, status = os.wait()
    assert status == 0, status
over.set()
for thread in threads:
    thread.join()
"""
    output = run(body)
    assert output.count("+Loud") == 20
    assert output[-3:] == STOPPED


@needs_fork
def test_a_fork_from_within_the_tree_gives_a_child_that_may_block() -> None:
    body = """
async def fork(process):
    if os.fork() == 0:
        assert server(tree()).ping().result(10) == "pong"
        os._exit(0)
    _, status = os.wait()
    assert status == 0, status
assert default_loop().start(Task(fork)).result(10).exit.result(10) == NORMAL
"""
    assert run(body) == STARTED
