"""The closed set of errors."""

import pickle
from typing import TYPE_CHECKING

import pytest

from hourglass import _bridge
from hourglass._bridge import BRIDGE_ERROR_KINDS, BridgeError, StaleHandleError

if TYPE_CHECKING:
    from hourglass._bridge import ErrorKind


def test_a_call_reaches_the_module() -> None:
    assert _bridge.ping() == "pong"


@pytest.mark.parametrize("kind", BRIDGE_ERROR_KINDS)
def test_every_kind_is_raised_as_itself(kind: "ErrorKind") -> None:
    with pytest.raises(BridgeError) as raised:
        _bridge.fail(kind, "why")
    assert raised.value.kind == kind
    assert raised.value.message == "why"
    assert raised.value.status is None
    assert raised.value.details == []
    assert str(raised.value) == f"{kind}: why"


@pytest.mark.parametrize("kind", BRIDGE_ERROR_KINDS)
def test_b05_nothing_but_a_stale_handle_raises_stale_handle_error(kind: "ErrorKind") -> None:
    """B-05: callers tell a stale handle from everything else by its class alone."""
    with pytest.raises(BridgeError) as raised:
        _bridge.fail(kind, "why")
    assert isinstance(raised.value, StaleHandleError) == (kind == "stale_handle")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BridgeError, match="not an error kind"):
        _bridge.fail("surprise", "why")  # type: ignore[arg-type]


def test_an_error_survives_pickling() -> None:
    error = BridgeError("rpc", "gone", 5, [{"@type": "x"}])
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.kind, copy.message, copy.status, copy.details) == (
        "rpc",
        "gone",
        5,
        [{"@type": "x"}],
    )


def test_status_codes_have_names() -> None:
    assert _bridge.status_name(0) == "OK"
    assert _bridge.status_name(5) == "NOT_FOUND"
    assert _bridge.status_name(16) == "UNAUTHENTICATED"
    with pytest.raises(BridgeError, match="99"):
        _bridge.status_name(99)
