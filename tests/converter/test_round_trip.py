"""A value comes back equal as its declared type, or the call that sends it refuses it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from hourglass.converter import PayloadConverter
from hourglass.exceptions import EncodingError
from tests.converter.types_of_programs import typed, unions

converter = PayloadConverter.default
EXAMPLES = settings(max_examples=400, deadline=None, derandomize=True, database=None)


def round_trip(value: Any, hint: Any) -> Any:
    """Send and receive a value as its declared type."""
    converter.check_values([value], [hint])
    return converter.from_payloads(converter.to_payloads([value]), [hint])[0]


def is_same(back: Any, value: Any) -> bool:
    """Compare, telling apart what Python takes for equal: 1 and True, and a text and an enum."""
    if isinstance(value, (list, tuple)):
        return (
            back == value
            and len(back) == len(value)
            and all(is_same(one, other) for one, other in zip(back, value, strict=True))
        )
    return bool(back == value)


@EXAMPLES
@given(typed())
def test_a_value_of_a_type_comes_back_equal(drawn: tuple[Any, Any]) -> None:
    hint, value = drawn
    back = round_trip(value, hint)
    assert is_same(back, value)


@EXAMPLES
@given(unions())
def test_a_value_of_a_union_comes_back_equal_or_is_refused(drawn: tuple[Any, Any]) -> None:
    hint, value = drawn
    try:
        back = round_trip(value, hint)
    except EncodingError as refused:
        assert "would be read as" in str(refused)
    else:
        assert is_same(back, value)
