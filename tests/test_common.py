"""Options and their wire form."""

from datetime import timedelta

import pytest

from hourglass.common import Priority, RetryPolicy
from hourglass.exceptions import InvalidArgumentError


def test_a_retry_policy_leaves_out_what_is_not_set() -> None:
    assert RetryPolicy().to_wire() == {
        "initial_interval": timedelta(seconds=1),
        "backoff_coefficient": 2.0,
    }


def test_a_retry_policy_survives_the_wire() -> None:
    policy = RetryPolicy(
        initial_interval=timedelta(milliseconds=5),
        backoff_coefficient=1.5,
        maximum_interval=timedelta(seconds=9),
        maximum_attempts=4,
        non_retryable_error_types=["A"],
    )
    assert RetryPolicy.from_wire(policy.to_wire()) == policy


@pytest.mark.parametrize(
    ("policy", "culprit"),
    [
        (RetryPolicy(initial_interval=timedelta(0)), "initial_interval"),
        (RetryPolicy(backoff_coefficient=0.5), "backoff_coefficient"),
        (RetryPolicy(backoff_coefficient=float("nan")), "backoff_coefficient"),
        (RetryPolicy(maximum_interval=timedelta(milliseconds=1)), "maximum_interval"),
        (RetryPolicy(maximum_attempts=-1), "maximum_attempts"),
        (RetryPolicy(non_retryable_error_types="A"), "non_retryable_error_types"),
    ],
)
def test_a_retry_policy_that_can_not_be_followed_names_its_field(
    policy: RetryPolicy, culprit: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=culprit):
        policy.to_wire()


def test_a_priority_that_says_nothing_is_not_sent() -> None:
    assert Priority.default.to_wire() is None
    assert Priority(priority_key=2).to_wire() == {"priority_key": 2}
    assert Priority.from_wire({"priority_key": 2}) == Priority(priority_key=2)
