"""Dependencies point one way: engine ← bridge ← Python, and inside Python downwards."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "python" / "hourglass"
NEVER = {
    "supervision": {
        "workflow",
        "activity",
        "client",
        "worker",
        "converter",
        "subsystem",
        "_bridge",
    },
    "exceptions": {"workflow", "activity", "client", "worker", "converter", "subsystem"},
    "common": {"workflow", "activity", "client", "worker", "converter", "subsystem"},
    "converter": {"workflow", "activity", "client", "worker", "subsystem"},
    "workflow": {"client", "worker", "subsystem", "supervision"},
    "activity": {"client", "worker", "subsystem", "supervision", "workflow"},
}
"""What each part must not import at run time."""
CORE = ("temporalio", "pyo3", "tonic")


ROOMS = {
    "workflow/_definition": ("hourglass.workflow._runtime", "hourglass.workflow._api"),
    "workflow/_runtime": ("hourglass.workflow._api",),
}
"""What each room must not import, for type checkers neither."""


def imported_modules(path: Path) -> Iterator[str]:
    """Yield each module that a file imports, and each name as if it were one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def module_of(path: Path) -> str:
    """Name the module of a file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imported_parts(path: Path) -> Iterator[str]:
    """Yield the parts of our package that a file imports when it is imported or run."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for inner in node.body:
                for statement in ast.walk(inner):
                    if isinstance(statement, ast.ImportFrom):
                        statement.module = ""  # for type checkers only
        if isinstance(node, ast.ImportFrom) and node.module:
            module = node.module
            if module == "hourglass":
                yield from (alias.name for alias in node.names)
            elif module.startswith("hourglass."):
                yield module.split(".")[1]
        elif isinstance(node, ast.Import):
            names = (alias.name for alias in node.names)
            yield from (name.split(".")[1] for name in names if name.startswith("hourglass."))


def files_of(part: str) -> list[Path]:
    """List a part's files, whether it is a module or a package."""
    return [*(PACKAGE / part).rglob("*.py"), *PACKAGE.glob(f"{part}.py")]


@pytest.mark.parametrize("part", NEVER)
def test_a_part_imports_nothing_from_above_it(part: str) -> None:
    offenders = [
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for path in files_of(part)
        for imported in imported_parts(path)
        if imported in NEVER[part]
    ]
    assert files_of(part), f"there is no part {part}"
    assert offenders == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_nothing_from_above_it(room: str) -> None:
    offenders = [
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for path in files_of(room)
        for imported in imported_modules(path)
        if imported.startswith(ROOMS[room])
    ]
    assert files_of(room), f"there is no room {room}"
    assert offenders == []


def test_no_files_of_the_workflow_package_import_each_other_in_a_circle() -> None:
    files = {module_of(path): path for path in files_of("workflow")}
    graph = {
        module: {found for found in imported_modules(path) if found in files and found != module}
        for module, path in files.items()
    }
    assert graph["hourglass.workflow"], "the imports are not found any more"
    while free := [module for module, wanted in graph.items() if not wanted & graph.keys()]:
        for module in free:
            del graph[module]
    assert graph == {}, "these files import each other, or one that does"


def test_nothing_of_a_client_looks_up_to_the_client() -> None:
    """A handle depends on the service that it calls, for type checkers too."""
    files = [path for path in files_of("client") if path.name not in ("_client.py", "__init__.py")]
    assert files
    offenders = [
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for path in files
        for imported in imported_modules(path)
        if imported == "hourglass.client._client"
    ]
    assert offenders == []


def test_no_circle_of_imports_has_more_than_nine_files() -> None:
    """Types included: what imports each other is read together, so it has to stay small."""
    files = {module_of(path): path for path in PACKAGE.rglob("*.py")}
    graph = {module: {*imported_modules(path)} & files.keys() for module, path in files.items()}
    assert len(graph) > 100, "the imports are not found any more"

    def reached(module: str) -> set[str]:
        found: set[str] = set()
        following = [module]
        while following:
            news = graph[following.pop()] - found - {"hourglass"}
            found |= news
            following += news
        return found

    reach = {module: reached(module) for module in graph}
    for module, found in reach.items():
        circle = {other for other in found if module in reach[other]}
        assert len(circle) <= 9, f"{module} is in a circle of {sorted(circle)}"


def test_the_engine_knows_neither_python_nor_the_core() -> None:
    manifest = (ROOT / "rust" / "engine" / "Cargo.toml").read_text(encoding="utf-8")
    wanted = [line.split()[0] for line in manifest.splitlines() if line.startswith(CORE)]
    # The generated messages are data, not the core.
    assert [name for name in wanted if not name.startswith("temporalio-protos")] == []
