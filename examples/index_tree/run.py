"""Index a directory tree durably, while the worker process is killed twice.

    python examples/index_tree/run.py [DIRECTORY] [--target HOST:PORT] [--out FOLDER]

The driver never touches the workflow's state: it starts the worker process, reads how far it says
it is, kills it with SIGKILL while batches are under way, starts it again, and at the end counts the
tree itself and compares.
"""

import argparse
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import sysconfig
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from terminal import Screen, human_size

HERE = Path(__file__).resolve().parent
FIRST_KILL, PAUSE, SECOND_KILL = 0.25, 0.45, 0.65
PAUSED_REPORTS = 20
"""How many reports to watch while paused: long enough for several rounds."""
Job = dict[str, Any]


class WorkerProcess:
    """One life of the worker process."""

    def __init__(self, options: argparse.Namespace, folder: Path, workflow_id: str) -> None:
        self.log = (folder / "worker.log").open("ab")
        command = [sys.executable, str(HERE / "worker.py"), "--target", options.target]
        command += ["--workflow-id", workflow_id, "--root", str(options.directory)]
        command += [part for name in options.skip for part in ("--skip", name)]
        reading, writing = os.pipe()
        command += ["--history", str(folder / "history.json"), "--report-to", str(writing)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        os.close(writing)
        self.output = os.fdopen(reading, "rb")

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield what it says, until it ends."""
        for line in self.output:
            if line.endswith(b"\n"):
                yield json.loads(line)

    def command(self, word: str) -> None:
        """Tell it to pause or resume the workflow."""
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def kill(self) -> int:
        """Kill it, no chance to say goodbye; the exit status."""
        self.process.send_signal(signal.SIGKILL)
        return self.close()

    def close(self) -> int:
        """Wait for its end and free what it held; the exit status."""
        with self.log, self.output, self.process:
            pass
        return self.process.returncode


class Demo:
    """The driver's plan: kill, watch the recovery, pause, resume, kill again, let it finish."""

    def __init__(self, options: argparse.Namespace, folder: Path, screen: Screen) -> None:
        self.options = options
        self.folder = folder
        self.screen = screen
        self.workflow_id = f"index-tree-{uuid.uuid4().hex[:8]}"
        self.kills = 0
        self.pause_seen = 0
        self.resumed = False
        self.result: Job | None = None
        self.files = 0
        self.events = 0

    def run(self) -> Job:
        """Run lives of the worker until one brings the result."""
        while self.result is None:
            files = self.files
            worker = WorkerProcess(self.options, self.folder, self.workflow_id)
            self.screen.say(f"worker process {worker.process.pid} started")
            try:
                status = self.one_life(worker)
            except BaseException:
                worker.kill()
                raise
            if self.result is None and status != -signal.SIGKILL:
                log = (self.folder / "worker.log").read_text(encoding="utf-8", errors="replace")
                raise SystemExit(f"the worker ended with status {status}:\n{log[-3000:]}")
            if self.files < files:
                raise SystemExit(f"progress was lost: {files} files before, {self.files} after")
        return self.result

    def one_life(self, worker: WorkerProcess) -> int:
        """Follow one worker process until its end, or end it."""
        first = True
        for report in worker.reports():
            if report["kind"] == "result":
                self.result, self.events = report["job"], report["events"]
            elif report["kind"] == "progress":
                if first and self.files:
                    self.screen.say(
                        f"recovered: {report['files']:,} files were on record, nothing is lost"
                    )
                first = False
                if self.should_kill(report, worker):
                    self.kills += 1
                    pid, running = worker.process.pid, report["running_batches"]
                    self.screen.say(
                        f"kill -9 {pid}: {report['batches']} batches recorded, {running} under way"
                    )
                    return worker.kill()
        return worker.close()

    def should_kill(self, report: Job, worker: WorkerProcess) -> bool:
        """Draw the bar, pause and resume where the plan says so; True when it is time to kill."""
        self.files = report["files"]
        expected = max(report["expected_files"], 1)
        state = "paused" if report["paused"] else f"round {report['rounds'] + 1}"
        done = self.files / expected
        self.screen.bar(done, f"{self.files:,} files  {human_size(report['bytes'])}  {state}")
        if self.kills == 1 and not self.resumed:
            self.pause_for_a_while(done, report, worker)
        busy = report["running_batches"] > 0
        return busy and (
            (self.kills == 0 and done >= FIRST_KILL)
            or (self.kills == 1 and done >= SECOND_KILL and self.resumed)
        )

    def pause_for_a_while(self, done: float, report: Job, worker: WorkerProcess) -> None:
        """Pause once, watch that nothing moves, resume."""
        if self.pause_seen == 0 and done >= PAUSE:
            self.screen.say("signal: pause")
            worker.command("pause")
            self.pause_seen = 1
        elif self.pause_seen and report["paused"] and not report["running_batches"]:
            self.pause_seen += 1
            if self.pause_seen > PAUSED_REPORTS:
                self.screen.say(f"signal: resume ({self.files:,} files, as when it was paused)")
                worker.command("resume")
                self.resumed = True


def count_independently(root: Path, skip: list[str]) -> tuple[int, int, str]:
    """Count files and bytes and add up digests with nothing but the standard library."""
    files = size = total = 0
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in skip]
        for path in (Path(folder, name) for name in names):
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            try:
                content = path.read_bytes()
            except PermissionError:
                continue
            digest = hashlib.sha256(content).hexdigest()
            mark = f"{path.relative_to(root)}\0{len(content)}\0{digest}"
            total += int(hashlib.sha256(mark.encode(errors="surrogateescape")).hexdigest(), 16)
            files += 1
            size += len(content)
    return files, size, f"{total % 2**256:x}"


def write_report(folder: Path, root: Path, job: Job, kills: int) -> Path:
    """Write the report as JSON and for reading; the path of the latter."""
    (folder / "report.json").write_text(json.dumps(job, indent=2) + "\n", encoding="utf-8")
    totals = job["totals"]
    suffixes = sorted(totals["bytes_by_suffix"].items(), key=lambda entry: -entry[1])[:12]
    lines = [
        f"Index of {root}",
        "",
        f"  files        {totals['files']:>12,}",
        f"  bytes        {totals['bytes']:>12,}  ({human_size(totals['bytes'])})",
        f"  unreadable   {len(totals['unreadable']):>12,}",
        f"  fingerprint  {totals['fingerprint']}",
        "",
        f"  {job['batches']} batches in {job['rounds']} rounds by worker processes "
        f"{', '.join(map(str, job['workers']))}",
        f"  {kills} kills, {job['retried']} batches done again because of them",
        "",
        "By suffix",
        *(
            f"  {suffix:<14} {totals['files_by_suffix'][suffix]:>7,} files {human_size(size):>11}"
            for suffix, size in suffixes
        ),
        "",
        "Largest",
        *(f"  {human_size(size):>11}  {path}" for size, path in totals["largest"]),
    ]
    path = folder / "report.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def verify(screen: Screen, root: Path, skip: list[str], job: Job) -> bool:
    """Compare the workflow's totals with an independent count."""
    files, size, fingerprint = count_independently(root, skip)
    totals = job["totals"]
    rows = [
        ("files", f"{totals['files']:,}", f"{files:,}"),
        ("bytes", f"{totals['bytes']:,}", f"{size:,}"),
        ("fingerprint", totals["fingerprint"][:16], fingerprint[:16]),
    ]
    good = (totals["files"], totals["bytes"], totals["fingerprint"]) == (files, size, fingerprint)
    for name, ours, theirs in rows:
        mark = "equal" if ours == theirs else "DIFFERENT"
        screen.say(f"  {name:<12} workflow {ours:>18}   independent {theirs:>18}   {mark}")
    return good


def main() -> int:
    """Run the demo; 0 when the totals agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    stdlib = sysconfig.get_path("stdlib")
    parser.add_argument("directory", nargs="?", type=Path, default=Path(stdlib), help="the tree")
    parser.add_argument(
        "--skip",
        nargs="*",
        default=["site-packages", "dist-packages"],
        help="folder names to leave out",
    )
    parser.add_argument("--target", help="host:port of a Temporal cluster; else a database file")
    parser.add_argument("--out", type=Path, default=Path("index_tree_out"), help="where to write")
    options = parser.parse_args()
    options.directory = options.directory.resolve()
    if not options.directory.is_dir():
        parser.error(f"{options.directory} is not a directory")
    folder = (options.out / time.strftime("%Y%m%d-%H%M%S")).resolve()
    folder.mkdir(parents=True)
    options.target = options.target or f"sqlite:///{folder / 'index.db'}"

    screen = Screen()
    screen.say(f"indexing {options.directory}", f"on {options.target}")
    started = time.monotonic()
    demo = Demo(options, folder, screen)
    job = demo.run()
    screen.bar(1.0, f"{demo.files:,} files")
    seconds = time.monotonic() - started
    screen.say(
        f"finished in {seconds:.1f} s with {demo.kills} kills, {job['retried']} batches redone"
    )
    good = verify(screen, options.directory, options.skip, job) and demo.kills == 2
    report = write_report(folder, options.directory, job, demo.kills)
    screen.say(f"report   {report}", f"history  {folder / 'history.json'} ({demo.events:,} events)")
    if not good:
        screen.say("FAILED: the totals differ, or the tree was too small to be killed twice in it")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
