"""The engine is built in floors: a file imports from its own floor or from a lower one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCE = ROOT / "rust" / "engine" / "src"
FLOORS = (
    {"clock"},
    {"proto", "status", "ids", "error", "mutation"},
    {"policy"},
    {"visibility"},
    {"store"},
    {"history"},
    {"state"},
    {"machine"},
    {"command"},
    {"transaction"},
    {"service"},
    {"event_loop"},
    {"engine"},
    {"simulation"},
)
"""The floors from the ground up: the folders and root files of the engine, but for ``lib.rs``."""
HEIGHT = {name: height for height, floor in enumerate(FLOORS) for name in floor}
MAX_ROOT_FILES = 12
MAX_CIRCLE = 12
USE = re.compile(r"\buse\s+((?:crate|super|self)\b[^;]*);")
INLINE = re.compile(r"\b((?:crate|super)(?:::[A-Za-z_]\w*)+)")
UNIT_TESTS = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*mod tests")
Module = tuple[str, ...]


def module_of(path: Path) -> Module:
    """Name the module of a source file; ``()`` is the crate's root."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[:-1] if parts[-1] in ("mod", "lib") else parts


def flat(tree: str) -> Iterator[str]:
    """Yield the paths of a `use` tree: ``a::{b, c::d}`` is ``a::b`` and ``a::c::d``."""
    prefix, brace, rest = tree.strip().partition("{")
    if not brace:
        yield prefix.split(" as ")[0].strip()
        return
    depth, part = 0, ""
    for letter in rest.rpartition("}")[0] + ",":
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if part.strip():
                yield from (prefix + path for path in flat(part))
            part = ""
        else:
            part += letter


def paths(text: str) -> set[str]:
    """List the paths into this crate that code names, unit tests and comments left out."""
    code = UNIT_TESTS.split(re.sub(r"//[^\n]*", "", text))[0]
    used = {path for tree in USE.findall(code) for path in flat(re.sub(r"\s+", " ", tree))}
    return used | set(INLINE.findall(USE.sub("", code)))


def absolute(path: str, here: Module) -> Module:
    """Resolve `crate`, `self` and `super` for a path that stands in the module ``here``."""
    segments = tuple(part.strip() for part in path.split("::"))
    up = sum(1 for part in segments if part == "super")
    match segments[0]:
        case "crate":
            return segments[1:]
        case "self":
            return here + segments[1:]
        case _:
            return here[: len(here) - up] + segments[up:]


def exported() -> dict[str, Module]:
    """Map the names that ``lib.rs`` exports to where they are defined."""
    text = (SOURCE / "lib.rs").read_text(encoding="utf-8")
    trees = re.findall(r"^pub use ([^;]*);", text, re.MULTILINE)
    found = [tuple(path.split("::")) for tree in trees for path in flat(re.sub(r"\s+", " ", tree))]
    return {path[-1]: path for path in found}


MODULES = {module_of(path): path for path in SOURCE.rglob("*.rs")}
EXPORTED = exported()


def imports(module: Module) -> set[Module]:
    """List the modules that a module imports from."""
    found = set()
    for path in paths(MODULES[module].read_text(encoding="utf-8")):
        target = absolute(path, module)
        target = EXPORTED.get(target[0], target) if target else target
        while target and target not in MODULES:
            target = target[:-1]
        if target and target != module:
            found.add(target)
    return found


GRAPH = {module: imports(module) for module in MODULES if module}


def reached(start: Module) -> set[Module]:
    """List what a module depends on, directly or not."""
    seen, ahead = set[Module](), [start]
    while ahead:
        for target in GRAPH.get(ahead.pop(), set()) - seen:
            seen.add(target)
            ahead.append(target)
    return seen


def test_paths_are_found_in_nested_trees_and_inline() -> None:
    text = "use crate::{a::{self, B}, c as d};\nfn f() { super::g::h(); } // crate::no\n"
    assert paths(text) == {"crate::a::self", "crate::a::B", "crate::c", "super::g::h"}
    assert absolute("super::g::h", ("a", "b")) == ("a", "g", "h")


def test_every_root_file_and_folder_of_the_engine_is_on_a_floor() -> None:
    assert {module[0] for module in GRAPH} == set(HEIGHT)
    assert len(list(SOURCE.glob("*.rs"))) <= MAX_ROOT_FILES


@pytest.mark.parametrize("floor", HEIGHT)
def test_no_floor_of_the_engine_looks_up(floor: str) -> None:
    offenders = [
        f"{'::'.join(module)} imports {'::'.join(target)}"
        for module, targets in GRAPH.items()
        for target in targets
        if module[0] == floor and HEIGHT[target[0]] > HEIGHT[floor]
    ]
    assert sorted(offenders) == []


def test_no_circle_of_imports_in_the_engine_is_large() -> None:
    reach = {module: reached(module) for module in GRAPH}
    circles = {
        frozenset({module} | {other for other in reach[module] if module in reach[other]})
        for module in GRAPH
    }
    largest = max(circles, key=len)
    assert len(largest) <= MAX_CIRCLE, sorted("::".join(module) for module in largest)


def test_only_transactions_and_what_is_above_see_the_context() -> None:
    below = [module for module in GRAPH if HEIGHT[module[0]] < HEIGHT["transaction"]]
    named = re.compile(r"\bContext\b")
    seeing = [
        "::".join(module)
        for module in below
        if named.search(re.sub(r"//[^\n]*", "", MODULES[module].read_text(encoding="utf-8")))
    ]
    implementing = {
        module[0]
        for module in GRAPH
        if "impl Context" in MODULES[module].read_text(encoding="utf-8")
    }
    assert sorted(seeing) == []
    assert implementing == {"transaction"}
