"""Keep files under 400 lines of code and functions under 60.

Blank lines, comments and docstrings don't count: explaining must never be what makes a file too
long. What `generate_overloads.py` writes may be longer: it is read as a list, and not edited. What
was too long when the rule came is in `size_allow.txt`; an entry there may shrink and go, never grow
or come back.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

MAX_FILE = 400
MAX_FUNCTION = 60
GENERATED = 1200
ROOT = Path(__file__).resolve().parent.parent
ALLOWED = ROOT / "tools" / "size_allow.txt"
NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
RUST_FUNCTION = re.compile(r"^(\s*)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe )*fn (\w+)")


def python_code_lines(text: str, tree: ast.Module) -> set[int]:
    """Numbers of the lines that hold code: no blanks, no comments, no docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NOT_CODE and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            case _:
                pass
    return lines


def python_sizes(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the size of the file (name ``""``) and of each function."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = python_code_lines(text, tree)
    yield "", len(lines)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or node.lineno
            yield node.name, sum(1 for line in range(node.lineno, last + 1) if line in lines)


def is_rust_code(line: str) -> bool:
    """Tell code from blank lines and line comments (rustfmt leaves no other kind of comment)."""
    return bool(line.strip()) and not line.lstrip().startswith("//")


def rust_sizes(path: Path) -> Iterator[tuple[str, int]]:
    """The same for Rust; relies on rustfmt: a function ends at the brace in its own column."""
    lines = path.read_text(encoding="utf-8").splitlines()
    yield "", sum(map(is_rust_code, lines))
    for start, line in enumerate(lines):
        found = RUST_FUNCTION.match(line)
        if found is None or line.rstrip().endswith((";", "}")):
            continue
        size = 0
        for inner in lines[start:]:
            size += is_rust_code(inner)
            if inner.rstrip() == found[1] + "}" or inner.rstrip() == found[1] + ");":
                break
        yield found[2], size


def measured() -> Iterator[tuple[str, int, int]]:
    """Yield (name, size, limit) for every tracked source file and its functions."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.rs"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in tracked.stdout.split():
        path = ROOT / name
        if not path.is_file():
            continue
        limit = GENERATED if path.name.startswith("_generated_") else MAX_FILE
        for function, size in python_sizes(path) if path.suffix == ".py" else rust_sizes(path):
            yield (
                f"{name}::{function}" if function else name,
                size,
                MAX_FUNCTION if function else limit,
            )


def allowed() -> dict[str, int]:
    """Read the allow-list: lines of ``name size``."""
    entries = (line.split("#")[0].split() for line in ALLOWED.read_text().splitlines())
    return {entry[0]: int(entry[1]) for entry in entries if entry}


def main() -> int:
    """Print what is too long; 0 when nothing is."""
    exceptions = allowed()
    problems: list[str] = []
    needed: set[str] = set()
    count = 0
    for name, size, limit in measured():
        count += 1
        if size <= limit:
            continue
        needed.add(name)
        if size > exceptions.get(name, limit):
            problems.append(f"{name}: {size} lines of code, at most {exceptions.get(name, limit)}")
    problems += [
        f"{name}: fits now, take it off {ALLOWED.name}" for name in exceptions.keys() - needed
    ]
    sys.stdout.write(
        "\n".join([*sorted(problems), f"sizes: {count} checked, {len(problems)} problems\n"])
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
