"""Mutation tests: break the code in one place at a time, and see whether a test notices.

``python tools/mutate.py [--sample N] [--seed S] [--jobs J] [FILE ...]``, or ``make mutants``.

A mutant that every test of its area passes has survived. Those that may stand in `mutants.txt`,
each with the reason; any other one fails the run, and so does a listed one that is killed or gone.
Libraries were tried: cosmic-ray mutates annotations above all and deletes no statement, mutmut
runs the tests in one process, which the native runtime and its threads don't survive.
"""

import argparse
import ast
import contextlib
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AREAS = {
    "python/hourglass/supervision": "tests/supervision",
    "python/hourglass/subsystem": "tests/subsystem",
    "python/hourglass/workflow/_runtime": "tests/workflow",
}
LISTED = ROOT / "tools" / "mutants.txt"
TIMEOUT = 180.0
"""Seconds after which a run of the tests counts as hung, which kills the mutant."""
FLIPPED: dict[type[ast.cmpop], str] = {
    ast.Is: "is not", ast.IsNot: "is", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
    ast.NotIn: "in", ast.Lt: ">=", ast.LtE: ">", ast.Gt: "<=", ast.GtE: "<",
}  # fmt: skip
LOGGERS = {"_log", "logger"}
UNTESTED = {"__repr__", "__str__"}


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the text between two offsets is replaced."""

    path: Path
    key: str
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        """Return the file's text with the change."""
        return source[: self.start] + self.text + source[self.end :]


class Finder(ast.NodeVisitor):
    """Collects the changes of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_text(encoding="utf-8")
        self.lines = self.source.splitlines(keepends=True)
        self.names: list[str] = []
        self.mutants: list[Mutant] = []
        self._seen: Counter[str] = Counter()
        self.visit(ast.parse(self.source))

    def _offset(self, line: int, column: int) -> int:
        text = self.lines[line - 1].encode()[:column].decode()
        return sum(map(len, self.lines[: line - 1])) + len(text)

    def _add(self, node: ast.expr | ast.stmt, text: str) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = self._offset(node.lineno, node.col_offset)
        end = self._offset(node.end_lineno, node.end_col_offset)
        old = " ".join(self.source[start:end].split())
        name = self.path.relative_to(ROOT).as_posix().removeprefix("python/hourglass/")
        key = f"{name} {'.'.join(self.names)}: {old} -> {' '.join(text.split())}"
        self._seen[key] += 1
        if self._seen[key] > 1:
            key += f" ({self._seen[key]})"
        self.mutants.append(Mutant(self.path, key, start, end, text))

    def visit(self, node: ast.AST) -> None:
        """Change a node in each way there is, then look into it."""
        depth = len(self.names)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in UNTESTED or any("Protocol" in ast.dump(b) for b in bases(node)):
                return
            self.names.append(node.name)
        initial = isinstance(node, ast.Assign) and "__init__" in self.names  # its readers fail
        if self.names and isinstance(node, ast.stmt | ast.expr) and not initial:
            self._change(node)
        if not isinstance(node, ast.If) or "TYPE_CHECKING" not in ast.dump(node.test):
            for child in parts(node):
                self.visit(child)
        del self.names[depth:]

    def _change(self, node: ast.stmt | ast.expr) -> None:
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                if not isinstance(test, ast.Constant | ast.Compare):  # those are flipped
                    self._add(test, f"(not ({ast.unparse(test)}))")
            case ast.BoolOp(op=op, values=values):
                swapped = ast.BoolOp(ast.And() if isinstance(op, ast.Or) else ast.Or(), values)
                self._add(node, f"({ast.unparse(swapped)})")
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                self._add(node, f"({ast.unparse(left)} {FLIPPED[type(op)]} {ast.unparse(right)})")
            case ast.Constant(value=bool() as value):
                self._add(node, str(not value))
            case ast.Expr(value=ast.Call() | ast.Await() as value) if not is_log(value):
                self._add(node, "pass")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AugAssign():
                self._add(node, "pass")
            case ast.Delete() | ast.Raise() | ast.Break() | ast.Continue():
                self._add(node, "pass")
            case ast.Return(value=ast.expr() as value) if not is_none(value):
                self._add(node, "return None")
            case _:
                pass


def bases(node: ast.AST) -> list[ast.expr]:
    """Return the bases of a class; none for a function."""
    return node.bases if isinstance(node, ast.ClassDef) else []


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that run: no annotations, no decorators."""
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list", "bases"):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST) and not isinstance(part, ast.Assert):
                    yield part


def is_log(value: ast.expr) -> bool:
    """Tell whether an expression only writes to the log."""
    function = value.func if isinstance(value, ast.Call) else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id in LOGGERS


def is_none(value: ast.expr) -> bool:
    """Tell whether an expression is the constant None."""
    return isinstance(value, ast.Constant) and value.value is None


def passes(place: Path, area: str, path: Path) -> bool:
    """Run the tests of an area on the package at `place`, those of the file's own name first."""
    tests = ROOT / AREAS[area]
    own = [tests / f"test_{path.stem.lstrip('_')}.py"]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    running = subprocess.Popen(
        [*command, *(str(each) for each in own if each.exists()), str(tests)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return running.wait(TIMEOUT) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


class Bench:
    """Copies of the package, one for each run at a time."""

    def __init__(self, directory: Path, jobs: int) -> None:
        self.places: queue.Queue[Path] = queue.Queue()
        for number in range(jobs):
            place = directory / str(number)
            shutil.copytree(ROOT / "python", place, ignore=shutil.ignore_patterns("__pycache__"))
            self.places.put(place)

    def survives(self, mutant: Mutant) -> bool:
        """Tell whether no test notices a mutant."""
        source = mutant.path.read_text(encoding="utf-8")
        place = self.places.get()
        copy = place / mutant.path.relative_to(ROOT / "python")
        try:
            copy.write_text(mutant.applied(source), encoding="utf-8")
            survived = passes(place, area_of(mutant.path), mutant.path)
        finally:
            copy.write_text(source, encoding="utf-8")
            self.places.put(place)
        say(f"{'survived' if survived else 'killed  '} {mutant.key}")
        return survived


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def area_of(path: Path) -> str:
    """Return the area that a file belongs to."""
    return path.relative_to(ROOT).parent.as_posix()


def listed() -> set[str]:
    """Read the survivors that are known. Each has its reason in the lines before it."""
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def main() -> None:
    """Run the mutants that were asked for, and say which should not have survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--sample", type=int, help="only so many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    options = parser.parse_args()
    every = [path for area in AREAS for path in sorted((ROOT / area).glob("*.py"))]
    files = [path.resolve() for path in options.files] or every
    known, found = listed(), {m.key for path in every for m in Finder(path).mutants}
    chosen = [mutant for path in files for mutant in Finder(path).mutants]
    if options.sample is not None and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), options.jobs)
        for area in {area_of(path): path for path in files}.items():
            if not passes(Path(directory) / "0", *area):
                raise SystemExit(f"the tests of {area[0]} fail before anything is changed")
        with ThreadPoolExecutor(options.jobs) as pool:
            survived = list(pool.map(bench.survives, chosen))
    alive = {m.key for m, lives in zip(chosen, survived, strict=True) if lives}
    wrong = [f"survived without a reason: {key}" for key in sorted(alive - known)]
    wrong += [f"listed, but killed: {m.key}" for m in chosen if m.key in known - alive]
    wrong += [f"listed, but there is no such mutant: {key}" for key in sorted(known - found)]
    say(f"{len(chosen)} mutants, {len(alive)} survived")
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
