"""Rows without a test are found, and so are exceptions that are none any more."""

import subprocess
from pathlib import Path

import pytest
from tools.check_behaviours import problems, rows


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a repository with three rows, two tests and one exception."""
    for folder in ("tests", "tools", "rust"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tests" / "behaviours.txt").write_text("# rows\nB-01 one\nB-02 two\nB-30a three\n")
    (tmp_path / "tests" / "test_x.py").write_text("def test_b01_one() -> None: ...\n")
    (tmp_path / "rust" / "x.rs").write_text("async fn b_02_two() {}\n")
    (tmp_path / "tools" / "behaviours_allow.txt").write_text("B-30a comes later\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_every_row_has_a_test_or_a_reason(tree: Path) -> None:
    assert problems(tree) == []


def test_a_row_without_either_is_named(tree: Path) -> None:
    (tree / "rust" / "x.rs").write_text("fn two() {}\n")
    assert problems(tree) == ["B-02 has no test: two"]


def test_one_name_may_carry_several_rows(tree: Path) -> None:
    (tree / "rust" / "x.rs").unlink()
    (tree / "tests" / "test_x.py").write_text("async def test_b01_b02_both() -> None: ...\n")
    assert problems(tree) == []


def test_the_list_of_exceptions_only_shrinks(tree: Path) -> None:
    (tree / "tests" / "test_y.py").write_text("def test_b30a_three() -> None: ...\n")
    assert problems(tree) == ["B-30a has a test: take it off behaviours_allow.txt"]


def test_a_row_that_nobody_wrote_down_is_refused(tree: Path) -> None:
    (tree / "tests" / "test_y.py").write_text("def test_b99_what() -> None: ...\n")
    assert problems(tree) == ["B-99 is in the name of a test and no row"]


@pytest.mark.parametrize("line", ["B-1 short", "B-01", "nothing", "B-01 one\nB-01 one"])
def test_a_list_that_can_not_be_read_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.txt").write_text(line)
    with pytest.raises(SystemExit):
        rows(tmp_path / "list.txt")
