"""The memo and the search attributes of the run: kept beside it, for others to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hourglass._bridge import OtherCommand
from hourglass._search_attributes import indexed
from hourglass.workflow._api.current import current
from hourglass.workflow._runtime.arguments import UNSET

if TYPE_CHECKING:
    from hourglass._bridge import Payload
    from hourglass.common import SearchAttributeUpdate


def memo() -> Mapping[str, Any]:
    """The memo, as it is now, decoded without type hints."""
    converter = current().payload_converter
    return {
        key: converter.from_payloads([payload], None)[0]
        for key, payload in current().info.raw_memo.items()
    }


def memo_value(key: str, default: Any = UNSET, *, type_hint: Any = None) -> Any:
    """Decode one value of the memo; `default` if it is not there, KeyError without one."""
    payload = current().info.raw_memo.get(key)
    if payload is not None:
        hints = None if type_hint is None else [type_hint]
        return current().payload_converter.from_payloads([payload], hints)[0]
    if default is UNSET:
        raise KeyError(f"the memo has no value {key!r}")
    return default


def upsert_memo(updates: Mapping[str, Any]) -> None:
    """Change the memo: values are set, None takes one away. `EncodingError` before anything is."""
    running = current()
    running.loop.check_writable("change the memo")
    if not updates:
        return
    payloads = running.payload_converter.to_payloads(list(updates.values()))
    fields: dict[str, Payload] = dict(zip(updates, payloads, strict=True))
    memo = {**running.info.raw_memo, **fields}
    kept = {key: payload for key, payload in memo.items() if updates.get(key, UNSET) is not None}
    running.info = replace(running.info, raw_memo=kept)
    running.commands.append(
        OtherCommand("modify_workflow_properties", {"upserted_memo": {"fields": fields}})
    )


def upsert_search_attributes(attributes: Sequence[SearchAttributeUpdate[Any]]) -> None:
    """Change search attributes: what ``key.value_set`` and ``key.value_unset`` say, in order.

    `InvalidArgumentError` for a value that does not fit its key; nothing is changed then.
    """
    running = current()
    running.loop.check_writable("change search attributes")
    if not attributes:
        return
    wire = {"search_attributes": indexed(attributes)}
    found = running.info.typed_search_attributes.with_updates(attributes)
    running.info = replace(running.info, typed_search_attributes=found)
    running.commands.append(OtherCommand("upsert_workflow_search_attributes", wire))
