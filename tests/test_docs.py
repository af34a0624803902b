"""The documents keep their word: the README's program runs, the tests that are named exist."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

INVARIANT_TEST = re.compile(r"`((?:tests|rust)/[\w/]+\.(?:py|rs))(?:::(\w+))?`")


def test_the_readme_program_runs_and_prints_its_result(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert program is not None
    (tmp_path / "readme.py").write_text(program[1], encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "readme.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "charged lamp\n", "")


def test_every_test_that_the_architecture_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = INVARIANT_TEST.findall(text)
    assert len(named) >= 10
    missing = [
        f"{path}::{test}"
        for path, test in named
        if not (ROOT / path).is_file() or test not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_the_architecture_stays_readable_in_one_sitting() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("examples/*/*.md")]
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
        if not (document.parent / link).exists()
    ]
    assert broken == []
