"""What supervision tells about itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from hourglass.supervision import (
    EVENTS,
    ChildExited,
    ChildIgnored,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
    Event,
    Ignore,
    ProcessAbandoned,
    RestartIntensityExceeded,
    StartFailed,
    Supervisor,
    Thread,
    subscribe,
)
from tests.supervision.kit import WAIT, Journal, Kit


def start(kit: Kit, journal: Journal) -> None:
    kit.start(Supervisor([journal.spec("a")]))


def ignore(kit: Kit, journal: Journal) -> None:
    journal.fail("a", Ignore())
    start(kit, journal)


def fail_to_start(kit: Kit, journal: Journal) -> None:
    journal.fail("a", ValueError("no"))
    with pytest.raises(StartFailed):
        start(kit, journal)


def restart(kit: Kit, journal: Journal) -> None:
    kit.kill(kit.process(kit.start(Supervisor([journal.spec("a")])), "a"))


def give_up(kit: Kit, journal: Journal) -> None:
    kit.kill(kit.process(kit.start(Supervisor([journal.spec("a")], max_restarts=0)), "a"))


def abandon(kit: Kit, journal: Journal) -> None:
    gate = threading.Event()
    kit.kill(kit.start(Thread(lambda process: gate.wait(WAIT))))
    gate.set()


WAYS: dict[type[Event], tuple[Callable[[Kit, Journal], None], list[type[Event]]]] = {
    ChildStarted: (start, [ChildStarted]),
    ChildIgnored: (ignore, [ChildIgnored]),
    ChildStartFailed: (fail_to_start, [ChildStartFailed]),
    ChildExited: (restart, [ChildStarted, ChildExited, ChildRestarting, ChildStarted]),
    ChildRestarting: (restart, [ChildStarted, ChildExited, ChildRestarting, ChildStarted]),
    RestartIntensityExceeded: (give_up, [ChildStarted, ChildExited, RestartIntensityExceeded]),
    ProcessAbandoned: (abandon, [ProcessAbandoned]),
}


@pytest.mark.parametrize("declared", EVENTS)
def test_every_declared_event_is_emitted(kit: Kit, journal: Journal, declared: type[Event]) -> None:
    way, expected = WAYS[declared]
    told: list[Event] = []
    with subscribe(told.append):
        way(kit, journal)
    assert [type(event) for event in told] == expected
    assert declared in expected


def test_a_subscriber_that_fails_is_logged_and_the_others_hear_on(
    kit: Kit, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("subscriber")

    with caplog.at_level(logging.ERROR), subscribe(broken), subscribe(told.append):
        start(kit, journal)
    assert "a subscriber of supervision events failed" in caplog.text
    assert len(told) == 1


def test_a_cancelled_subscription_hears_no_more(kit: Kit, journal: Journal) -> None:
    told: list[Event] = []
    subscription = subscribe(told.append)
    subscription.cancel()
    subscription.cancel()
    start(kit, journal)
    assert told == []
