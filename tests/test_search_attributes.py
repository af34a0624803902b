"""Search attributes: typed, checked before they are sent, read back as they were."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from hourglass._bridge import Payload
from hourglass.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from hourglass.exceptions import InvalidArgumentError

TEXT = SearchAttributeKey.for_text("T")
KEYWORD = SearchAttributeKey.for_keyword("K")
INT = SearchAttributeKey.for_int("I")
DOUBLE = SearchAttributeKey.for_float("D")
BOOL = SearchAttributeKey.for_bool("B")
WHEN = SearchAttributeKey.for_datetime("W")
LIST = SearchAttributeKey.for_keyword_list("L")
NOON = datetime(2030, 1, 2, 12, tzinfo=timezone(timedelta(hours=2)))


def every() -> TypedSearchAttributes:
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(TEXT, "some words"),
        SearchAttributePair(KEYWORD, "k"),
        SearchAttributePair(INT, 3),
        SearchAttributePair(DOUBLE, 1.5),
        SearchAttributePair(BOOL, False),
        SearchAttributePair(WHEN, NOON),
        SearchAttributePair(LIST, ["a", "b"]),
    ]
    return TypedSearchAttributes(pairs)


def test_every_type_survives_the_wire() -> None:
    fields = every().to_wire()["indexed_fields"]
    assert fields["K"].data == b'"k"'
    assert fields["W"].metadata == {"encoding": b"json/plain", "type": b"Datetime"}
    assert TypedSearchAttributes.from_fields(fields) == every()


def test_they_are_a_collection_that_never_changes() -> None:
    found = every()
    assert len(found) == 7
    assert (found[INT], found.get(BOOL), found.get(DOUBLE, 9.0)) == (3, False, 1.5)
    assert KEYWORD in found
    assert SearchAttributeKey.for_int("K") not in found
    assert found.get(SearchAttributeKey.for_int("other")) is None
    with pytest.raises(KeyError, match="other"):
        _ = found[SearchAttributeKey.for_int("other")]
    changed = found.updated(SearchAttributePair(INT, 4))
    assert (changed[INT], found[INT]) == (4, 3)
    assert INT not in found.with_updates([INT.value_unset()])
    assert [pair.key.name for pair in changed] == sorted("TKIDBWL")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (TEXT, 1),
        (KEYWORD, ["a"]),
        (INT, True),
        (INT, 1.5),
        (DOUBLE, float("nan")),
        (BOOL, 1),
        (WHEN, datetime(2030, 1, 2)),
        (LIST, "text"),
        (LIST, [1]),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(key: Any, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"search attribute '{key.name}' is a"):
        key.value_set(value).to_payload()


def test_one_attribute_has_one_value() -> None:
    with pytest.raises(InvalidArgumentError, match="'K' is given twice"):
        TypedSearchAttributes(
            [SearchAttributePair(KEYWORD, "a"), SearchAttributePair(KEYWORD, "b")]
        )


def json_payload(kind: bytes, data: bytes) -> Payload:
    return Payload(metadata={"encoding": b"json/plain", "type": kind}, data=data)


def test_what_the_service_says_is_read_as_far_as_it_is_known() -> None:
    found = TypedSearchAttributes.from_fields(
        {
            "W": json_payload(b"Datetime", b'"2030-01-02T10:00:00.123456789Z"'),
            "I": json_payload(b"Int", b"[3]"),
            "L": json_payload(b"KeywordList", b'"one"'),
            "several": json_payload(b"Int", b"[1,2]"),
            "unknown": json_payload(b"Polygon", b"1"),
            "untyped": Payload(metadata={}, data=b"1"),
            "unset": Payload(metadata={"encoding": b"binary/null", "type": b"Int"}),
        }
    )
    assert found[WHEN] == datetime(2030, 1, 2, 10, 0, 0, 123456, tzinfo=timezone.utc)
    assert (found[INT], found[LIST], len(found)) == (3, ["one"], 3)
