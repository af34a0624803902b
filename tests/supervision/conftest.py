"""Fixtures of the supervision tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.supervision.kit import WAIT, Journal, Kit


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = Kit()
    yield kit
    kit.loop.stop(1.0)
    kit.clock.advance(1.0)  # what resists is killed: no test hangs in its end
    kit.loop.stop().result(WAIT)


@pytest.fixture
def journal() -> Journal:
    return Journal()
