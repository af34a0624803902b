"""The stub is the contract: it says what the module has, no more and no less."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.deadline(300)
def test_the_stub_and_the_module_agree() -> None:
    pytest.importorskip("mypy.stubtest")
    allowed = Path(__file__).with_name("stubtest_allowlist.txt")
    command = [
        sys.executable,
        "-m",
        "mypy.stubtest",
        "hourglass._bridge",
        "--allowlist",
        str(allowed),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
