"""Arrays and objects of JSON, whose parts have decoders of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from hourglass.converter.json_mismatch import Mismatch, refuse
from hourglass.converter.json_scalars import Decoder, anything

Make: TypeAlias = "Callable[[Any], Any] | None"
"""Makes the wanted class of a list or a dict; None where that is the class."""


def of_sequence(make: Make, item: Decoder, *, takes_text: bool = False) -> Decoder:
    """Decode an array, each item by one decoder, then `make` of the list."""

    def decode(value: Any) -> Any:
        items: list[Any] = value
        if type(items) is not list:
            if takes_text and type(value) is str:
                return value
            raise refuse(value, "a list")
        if item is not anything:
            try:
                items = [item(one) for one in items]
            except Mismatch:
                raise _at_index(item, items) from None
        return items if make is None else make(items)

    return decode


def _at_index(item: Decoder, items: list[Any]) -> Mismatch:
    """Find which item it was: only when one failed."""
    for index, one in enumerate(items):
        try:
            item(one)
        except Mismatch as mismatch:
            return mismatch.inside(f"[{index}]")
    return Mismatch("an item decoded differently the second time")


def of_fixed(make: Callable[[list[Any]], Any], decoders: Sequence[Decoder], least: int) -> Decoder:
    """Decode an array with a type for each place, of which `least` have to be there."""

    def decode(value: Any) -> Any:
        items: list[Any] = value
        if type(items) is not list:
            raise refuse(value, "a list")
        if not least <= len(items) <= len(decoders):
            raise Mismatch(f"expected {len(decoders)} items, found {len(items)}")
        decoded: list[Any] = []
        for decoder, one in zip(decoders, items, strict=False):
            try:
                decoded.append(decoder(one))
            except Mismatch as mismatch:
                raise mismatch.inside(f"[{len(decoded)}]") from None
        return make(decoded)

    return decode


def of_mapping(make: Make, key: Decoder, item: Decoder) -> Decoder:
    """Decode an object, keys and values by one decoder each, then `make` of the dict."""

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise refuse(value, "an object")
        decoded: dict[Any, Any] = {}
        for name, one in cast("dict[str, Any]", value).items():
            try:
                decoded[key(name)] = item(one)
            except Mismatch as mismatch:
                raise mismatch.inside(f"[{name!r}]") from None
        return decoded if make is None else make(decoded)

    return decode
