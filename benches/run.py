"""`make bench`: everything in one run on one machine, each measurement in a process of its own."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def measure(module: str, *arguments: str) -> dict[str, Any]:
    """Run one measurement; its figures."""
    sys.stderr.write(f"… {module} {' '.join(arguments[1:])}\n")
    ended = subprocess.run(
        [sys.executable, "-m", f"benches.{module}", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures


def row(name: str, latency: str, steps: str, empty: str) -> str:
    """One row of the table."""
    return f"| {name} | {latency} | {steps} | {empty} |"


def figures_row(of: dict[str, Any]) -> str:
    """One peer's figures as a row."""
    latency, steps = f"{of['one_step_p50_ms']:.2f} ms", f"{of['steps_500_s']:.2f} s"
    return row(of["peer"], latency, steps, f"{of['empty_per_s']:,.0f}/s")


def ratio_row(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """How many times better ours is, as a row."""
    lower = (f"{theirs[key] / ours[key]:.1f}x" for key in ("one_step_p50_ms", "steps_500_s"))
    return row("_ours is better_", *lower, f"{ours['empty_per_s'] / theirs['empty_per_s']:.1f}x")


def side_by_side(folder: str) -> list[str]:
    """Ours against both ways to run the peer, as table rows."""
    ours = measure("ours", folder)
    rows = [
        row("", "one step, p50", "500 steps", "empty, 100 in flight"),
        row("---", "---:", "---:", "---:"),
        figures_row(ours),
    ]
    for journal in ("wal", "delete"):
        theirs = measure("peer_dbos", folder, journal)
        rows += [figures_row(theirs), ratio_row(ours, theirs)]
    return rows


def main() -> None:
    """Measure and print a page that can be pasted into benches/README.md."""
    (ROOT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        lines = [
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
            f"Python {platform.python_version()}",
            "",
            *side_by_side(folder),
        ]
        growth = measure("history_growth", folder)
    imports = measure("import_time")
    lines += [
        "",
        f"History growth, {growth['events']:,} events in one run: "
        f"{growth['first_100_us']:.0f} µs per event over the first 100, "
        f"{growth['last_1000_us']:.0f} µs over the last 1,000.",
        "",
        f"`import hourglass`: {imports['import_ms'] - imports['bare_ms']:.0f} ms over a bare "
        f"interpreter's {imports['bare_ms']:.0f} ms.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
