"""Fixtures of the supervision tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.supervision.kit import WAIT, Journal, Kit


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = Kit()
    yield kit
    kit.loop.stop(0).result(WAIT)  # at once, by force: no test hangs in its end


@pytest.fixture
def journal() -> Journal:
    return Journal()
