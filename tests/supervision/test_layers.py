"""The package stands alone, and its layers import one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hourglass.supervision
from hourglass.supervision import errors

PACKAGE = Path(hourglass.supervision.__file__).parent
LAYERS = [
    line.strip().split("   ")[0].split()
    for line in (hourglass.supervision.__doc__ or "").split("those above it::\n")[1].splitlines()
    if line.strip()
]
MODULES = [module for layer in LAYERS for module in layer]


def imports(path: Path) -> list[ast.ImportFrom]:
    """What a module imports when it runs; imports for type checkers alone don't count."""
    found: list[ast.ImportFrom] = []
    for node in ast.parse(path.read_text()).body:
        assert not isinstance(node, ast.Import) or "hourglass" not in ast.dump(node)
        if isinstance(node, ast.ImportFrom):
            found.append(node)
    return found


def test_every_module_has_its_layer() -> None:
    assert sorted(MODULES) == sorted(
        path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"
    )


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    before = set(MODULES[: MODULES.index(module)])
    for node in imports(PACKAGE / f"{module}.py"):
        if node.level:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            assert set(names) <= before
        else:
            assert not (node.module or "").startswith("hourglass")


def test_every_error_is_in_the_tree_that_is_drawn() -> None:
    drawn = set((errors.__doc__ or "").split())
    declared = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.SupervisionError)
    }
    assert declared <= drawn
    assert declared <= set(hourglass.supervision.__all__)
