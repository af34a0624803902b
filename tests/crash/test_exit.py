"""Processes that ran a worker leave without a word, however they leave; importing does nothing."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT

WAYS = ["stopped", "running", "exit", "thread", "busy"]
EXITS = int(os.environ.get("HOURGLASS_EXITS", "100"))
"""`make exits` asks for 1,000."""

WATCH_IMPORT = """
import json, sys, threading
package = sys.argv[1]
touched = []

def hook(event, args):
    if event in ("open", "socket.connect", "sqlite3.connect", "subprocess.Popen", "os.fork"):
        touched.append([event, str(args[0])])

# What the standard library opens (its own modules) is not ours to answer for.
before = set(threading.enumerate())
native = len(__import__("os").listdir("/proc/self/task"))
sys.addaudithook(hook)
import hourglass
import hourglass.workflow, hourglass.activity, hourglass.client, hourglass.worker
print(json.dumps({
    "touched": touched,
    "threads": [t.name for t in set(threading.enumerate()) - before],
    "native_threads": len(__import__("os").listdir("/proc/self/task")) - native,
    "asyncio_loop": sys.modules["asyncio.events"]._get_running_loop() is not None
        if "asyncio.events" in sys.modules else False,
}))
"""


def leave(number: int, folder: Path) -> tuple[int, str, str]:
    """Run one process to its end: exit status, standard error, and the way it left."""
    way = WAYS[number % len(WAYS)]
    target = f"sqlite:///{folder / f'{number}.db'}" if number % 10 < len(WAYS) else "sqlite://"
    ended = subprocess.run(
        [sys.executable, "-W", "default", "-m", "tests.crash.ran_a_worker", way, target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr, way


@pytest.mark.deadline(max(300, EXITS))
def test_a_hundred_processes_that_ran_a_worker_leave_with_status_zero_and_silently(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda number: leave(number, tmp_path), range(EXITS)))
    assert [end for end in ends if end[:2] != (0, "")] == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_importing_starts_no_thread_and_opens_no_file_outside_the_libraries() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WATCH_IMPORT, "hourglass"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(ended.stdout)
    assert (seen["threads"], seen["native_threads"], seen["asyncio_loop"]) == ([], 0, False)
    code = (".py", ".pyc", ".so", ".pth")
    opened = [name for event, name in seen["touched"] if event == "open"]
    assert [name for name in opened if not name.endswith(code) and ".pyc." not in name] == []
    assert [entry for entry in seen["touched"] if entry[0] != "open"] == []
