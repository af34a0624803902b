"""Where lives come from, and what their gatekeeper can do with them."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

PATIENCE = 50.0
"""Seconds without a sign of life that are a hang."""


class Nursery:
    """Starts lives, all of them forked from one process with the gate preloaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._lock = threading.Lock()
        library = folder / "gate.so"
        source = Path(__file__).with_name("gate.c")
        compile_it = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        subprocess.run(compile_it, check=True)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            zygote = ["-m", "tests.crash.sweep.zygote", str(theirs.fileno())]
            self._zygote = subprocess.Popen(
                [sys.executable, "-W", "error", *zygote],
                cwd=ROOT,
                env={**os.environ, "LD_PRELOAD": str(library)},
                pass_fds=[theirs.fileno()],
            )

    def start(self, **options: Any) -> "Life":
        """Start one; see `tests.crash.sweep.life` for the options."""
        with self._lock:
            self._number += 1
            told, errors = (self._folder / f"{self._number}.{kind}" for kind in ("told", "errors"))
            ours, theirs = socket.socketpair()
            with told.open("wb") as one, errors.open("wb") as other, theirs:
                descriptors = [one.fileno(), other.fileno(), theirs.fileno()]
                socket.send_fds(self._socket, [json.dumps(options).encode()], descriptors)
                pid: int = json.loads(self._socket.recv(64))
        return Life(self, pid, ours, told, errors)

    def status(self, pid: int) -> int:
        """How a life that is over has ended."""
        with self._lock:
            self._socket.send(json.dumps(pid).encode())
            status: int = json.loads(self._socket.recv(64))
        return status

    def close(self) -> None:
        """Start no more."""
        self._socket.close()
        self._zygote.wait(PATIENCE)


class Life:
    """A process that its gatekeeper can hold, let go and kill."""

    def __init__(
        self, nursery: Nursery, pid: int, gate: socket.socket, told: Path, errors: Path
    ) -> None:
        self._nursery = nursery
        self.pid = pid
        self.gate = gate
        self._told = told
        self._errors = errors
        self.status: int | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What it was told so far."""
        return {kind: value for kind, value, _, _ in self._lines()}

    @property
    def acknowledged(self) -> list[tuple[str, int]]:
        """Events that have to be on record, that often: they follow from what it was told."""
        return [(event, times) for _, _, event, times in self._lines() if event]

    def _lines(self) -> list[Any]:
        lines = self._told.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def asks(self, until: "Life") -> Iterator[None]:
        """Every time it asks at the gate; it goes on when the caller does. Until the other ends."""
        while True:
            readable, _, _ = select.select([self.gate, until.gate], [], [], PATIENCE)
            if not readable:
                raise TimeoutError(f"{self.described()} and {until.described()} hang")
            if self.gate in readable and self.gate.recv(1):
                yield
                self.gate.send(b".")
            elif until.gate in readable:
                return

    def wait_until_told(self, kind: str) -> None:
        """Wait until it was told that."""
        while kind not in self.told:
            if select.select([self.gate], [], [], 0.01)[0]:
                raise AssertionError(f"{self.described()} ended and was not told {kind!r}")

    def rest(self) -> None:
        """Wait until all of its threads do.

        The one at the gate stands still; whatever the others were told before, they make use of.
        """
        times, give_up = 0, time.monotonic() + PATIENCE
        while times < 3:
            assert time.monotonic() < give_up, f"{self.described()} does not come to rest"
            times = times + 1 if set(self._states()) == {"S"} else 0
            time.sleep(0.001)  # so that a thread that was woken just now is seen

    def _states(self) -> Iterator[str]:
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with suppress(OSError):  # it has ended
                yield (thread / "stat").read_text().rpartition(")")[2].split()[0]

    def kill(self) -> None:
        """End it where it stands."""
        os.kill(self.pid, signal.SIGKILL)
        self.ended()

    def stop(self) -> None:
        """Ask it to end; it lets out what it has to."""
        os.kill(self.pid, signal.SIGTERM)
        self.ended()

    def ended(self) -> None:
        """Wait for its end, however it ends; nothing holds it any more."""
        self.gate.settimeout(PATIENCE)
        try:
            while self.gate.recv(1):
                self.gate.send(b".")
        except TimeoutError:
            os.kill(self.pid, signal.SIGKILL)
            raise TimeoutError(f"{self.described()} hangs") from None
        except OSError:
            pass  # it was killed with a question on its lips
        self.gate.close()
        self.status = self._nursery.status(self.pid)

    def described(self) -> str:
        """What is known of it, for whoever reads of its failure."""
        return f"process {self.pid} (told {sorted(self.told)}): {self._errors.read_text()}"

    def ended_well(self) -> None:
        """Insist that it ended by itself, and silently."""
        assert (self.status, self._errors.read_text()) == (0, ""), self.described()
