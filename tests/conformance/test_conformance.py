"""Our engine does what a real Temporal server does, scenario by scenario (`make conformance`)."""

from pprint import pformat

import pytest

from tests.conformance.table import TRAPS, Outcome, exceptions, load
from tests.conformance.traps import NOT_PROVOKED

pytestmark = pytest.mark.deadline(240)


@pytest.mark.parametrize("name", load())
def test_both_engines_agree(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    if outcome.broken:
        pytest.fail(outcome.broken, pytrace=False)
    listing = "\n".join(
        f"{path}\n  ours:   {pformat(ours, width=160)}\n  theirs: {pformat(theirs, width=160)}"
        for path, ours, theirs in outcome.different
    )
    if listing:
        pytest.fail(listing, pytrace=False)


def test_no_exception_has_become_idle(outcomes: dict[str, Outcome]) -> None:
    needed = {excuse for outcome in outcomes.values() for excuse in outcome.excused}
    ran_all = {*outcomes} == {*load()}
    assert not [key for key in exceptions() if ran_all and key not in needed]


def test_every_trap_has_a_scenario_or_a_reason_why_not() -> None:
    covered = {trap for entry in load().values() for trap in entry.traps}
    assert sorted([*covered, *NOT_PROVOKED]) == [*TRAPS]
