"""Names for processes."""

from __future__ import annotations

import pytest

from hourglass.supervision import AlreadyStarted, Exited, NotFound, NotStarted, Registry
from tests.supervision.kit import Journal, Kit, Witness


@pytest.fixture
def names(kit: Kit) -> Registry[Witness]:
    return kit.start(Registry[Witness]())


@pytest.fixture
def process(kit: Kit, journal: Journal) -> Witness:
    return kit.start(Witness(journal))


def test_a_process_is_found_by_its_names(names: Registry[Witness], process: Witness) -> None:
    names.register("a", process)
    names.register(("b", 2), process)
    names.register("a", process)
    assert names.whereis("a") is names.lookup(("b", 2)) is process
    assert names.names() == ["a", ("b", 2)]


def test_a_name_that_nobody_has_is_not_found(names: Registry[Witness]) -> None:
    assert names.lookup("a") is None
    with pytest.raises(NotFound, match="has no 'a'"):
        names.whereis("a")


def test_a_name_has_one_owner_at_a_time(
    kit: Kit, journal: Journal, names: Registry[Witness], process: Witness
) -> None:
    other = kit.start(Witness(journal))
    names.register("a", process)
    with pytest.raises(AlreadyStarted) as caught:
        names.register("a", other)
    assert caught.value.process is process
    assert names.whereis("a") is process


def test_an_exit_frees_the_name(
    kit: Kit, journal: Journal, names: Registry[Witness], process: Witness
) -> None:
    names.register("a", process)
    kit.kill(process)
    assert names.lookup("a") is None
    assert names.names() == []
    names.register("a", kit.start(Witness(journal)))


def test_the_late_news_of_an_old_owner_does_not_take_the_name_from_the_new(
    kit: Kit, journal: Journal, names: Registry[Witness], process: Witness
) -> None:
    names.register("a", process)
    names.unregister("a")
    other = kit.start(Witness(journal))
    names.register("a", other)
    kit.kill(process)
    assert names.whereis("a") is other


def test_a_name_is_freed_only_by_its_owner_if_one_is_given(
    kit: Kit, journal: Journal, names: Registry[Witness], process: Witness
) -> None:
    """B-28: whoever fails to get a name must not free it for the one who has it."""
    names.register("a", process)
    names.unregister("a", kit.start(Witness(journal)))
    assert names.whereis("a") is process
    names.unregister("a", process)
    names.unregister("a", process)
    assert names.lookup("a") is None


def test_a_process_that_is_dead_already_gets_no_name(
    kit: Kit, names: Registry[Witness], process: Witness
) -> None:
    kit.kill(process)
    names.register("a", process)
    assert names.lookup("a") is None
    assert names.names() == []


def test_a_registry_that_is_gone_knows_nobody(
    kit: Kit, names: Registry[Witness], process: Witness
) -> None:
    names.register("a", process)
    kit.kill(names)
    assert names.lookup("a") is None
    with pytest.raises(Exited):
        names.whereis("a")
    with pytest.raises(Exited):
        names.register("b", process)


def test_a_registry_that_was_not_started_says_so(process: Witness) -> None:
    names = Registry[Witness]()
    assert names.lookup("a") is None
    with pytest.raises(NotStarted):
        names.register("a", process)
