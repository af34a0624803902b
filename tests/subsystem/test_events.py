"""The registry of events: every one that is declared is emitted somewhere, logged and heard."""

import ast
import dataclasses
import logging
import re
from pathlib import Path

import pytest

from hourglass import Subsystem
from hourglass.subsystem import events
from hourglass.subsystem.events import OWN_EVENTS, SubsystemEvent
from hourglass.supervision import NORMAL
from tests.conftest import ROOT

SAMPLES: dict[str, object] = {
    "epoch": 1,
    "pid": 1,
    "name": "w",
    "reason": NORMAL,
    "error": ValueError("x"),
    "retry_in": 0.1,
    "kind": "run",
    "task": "t",
    "call_site": "here",
}


def emitted(path: Path) -> set[str]:
    """Names of the events that a file makes."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    functions = [call.func for call in calls]
    return {f.id for f in functions if isinstance(f, ast.Name)} | {
        f.attr for f in functions if isinstance(f, ast.Attribute)
    }


def field_names(kind: type[SubsystemEvent]) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def test_every_declared_event_is_emitted_by_the_code_and_asked_for_by_a_test() -> None:
    code = set[str]().union(*map(emitted, (ROOT / "python" / "hourglass").rglob("*.py")))
    tests = "".join(
        path.read_text() for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)
    )
    names = {event.__name__ for event in OWN_EVENTS}
    assert names - code == set()
    heard = set(re.findall(r"(?:came|len\(heard\.of)\(events\.(\w+)", tests))
    assert names - heard == set()


def test_the_registry_names_every_class_of_event() -> None:
    declared = {cls for cls in vars(events).values() if isinstance(cls, type)}
    subclasses = {cls for cls in declared if issubclass(cls, SubsystemEvent)}
    assert subclasses - {SubsystemEvent} == set(OWN_EVENTS)
    assert set(OWN_EVENTS) < set(events.EVENTS)


@pytest.mark.parametrize("kind", OWN_EVENTS, ids=lambda kind: kind.__name__)
def test_an_event_is_logged_at_its_level_and_heard(
    kind: type[SubsystemEvent], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "hourglass.subsystem")
    event = kind(**{name: SAMPLES[name] for name in field_names(kind)})
    heard: list[object] = []
    with Subsystem.subscribe(heard.append):
        events.emit(event)
    assert heard == [event]
    (line,) = caplog.records
    assert (line.levelno, line.getMessage()) == (kind.level, str(event))
    assert "{" not in line.getMessage()


def test_a_callback_that_fails_is_logged_and_stays(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[object] = []

    def fails(event: object) -> None:
        calls.append(event)
        raise ValueError("in the callback")

    with Subsystem.subscribe(fails):
        events.emit(events.RuntimeStarted(1))
        events.emit(events.RuntimeStarted(2))
    assert len(calls) == 2
    assert "in the callback" in caplog.text
