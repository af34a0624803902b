"""Every row of `tests/behaviours.txt` has a test whose name contains its id.

``test_b13_…`` in Python, ``b13_…`` or ``b_13_…`` in Rust.

A row that has none yet stands in `behaviours_allow.txt` with the reason. That list only shrinks: a
row that has a test must be taken off it.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^B-(\d{2}a?) \S")
NUMBER = re.compile(r"\d{2}a?")
NAMED = re.compile(r"^\s*(?:async )?(?:def|fn) (?:test_)?(b_?\d{2}a?(?:_b_?\d{2}a?)*)_", re.M)


def rows(path: Path) -> dict[str, str]:
    """Read lines of ``B-13 text``: the text by id. Comments and blank lines don't count."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if not ROW.match(line):
            raise SystemExit(f"{path.name}: {line!r} is no row like 'B-13 what it says'")
        row, _, text = line.partition(" ")
        if row in found:
            raise SystemExit(f"{path.name}: {row} stands there twice")
        found[row] = text
    return found


def tested(root: Path) -> set[str]:
    """Collect the ids in names of tests, Python's and Rust's."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tests", "rust"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    names: set[str] = set()
    for name in listed.stdout.split():
        path = root / name
        if path.suffix in (".py", ".rs") and path.is_file():
            names.update(NAMED.findall(path.read_text(encoding="utf-8")))
    return {f"B-{number}" for name in names for number in NUMBER.findall(name)}


def problems(root: Path) -> list[str]:
    """Say what is wrong, a line each."""
    required = rows(root / "tests" / "behaviours.txt")
    allowed = rows(root / "tools" / "behaviours_allow.txt")
    done = tested(root)
    found = [
        f"{row} has no test: {text}"
        for row, text in required.items()
        if row not in done and row not in allowed
    ]
    for row in allowed:
        if row in done:
            found.append(f"{row} has a test: take it off behaviours_allow.txt")
        elif row not in required:
            found.append(f"{row} in behaviours_allow.txt is no row of behaviours.txt")
    found += [f"{row} is in the name of a test and no row" for row in sorted(done - set(required))]
    return found


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    found = problems(ROOT)
    sys.stdout.write("\n".join([*found, f"behaviours: {len(found)} problems\n"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
