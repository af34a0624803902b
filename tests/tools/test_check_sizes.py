"""The size check counts code, not explanations."""

from pathlib import Path

from tools.check_sizes import python_sizes, rust_sizes

PYTHON = '''"""A docstring
over two lines."""

# a comment
import os


def first() -> None:
    """Say why."""

    return  # trailing comments are on a line of code


class Second:
    async def method(
        self,
    ) -> str:
        return """text
        that is code"""
'''

RUST = """//! Why.
use std::fmt;

/// Why.
pub(crate) async fn first(
    a: u8,
) -> u8 {
    // why
    a
}

impl Second {
    fn method(&self) -> Result<(), ()> {
        if true {
            return Ok(());
        }
        Err(())
    }
}
"""


def test_python_is_counted_without_docstrings_comments_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(PYTHON, encoding="utf-8")
    assert dict(python_sizes(path)) == {"": 9, "first": 2, "method": 5}


def test_rust_functions_end_at_the_brace_of_their_own_column(tmp_path: Path) -> None:
    path = tmp_path / "x.rs"
    path.write_text(RUST, encoding="utf-8")
    assert dict(rust_sizes(path)) == {"": 14, "first": 5, "method": 6}
