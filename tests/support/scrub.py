"""Make what two engines said comparable: what can't be equal is replaced by a name."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hourglass._bridge import Payload

VOLATILE = {
    "eventTime",
    "historySizeBytes",
    "taskId",
    "taskToken",
    "version",
}
"""Present or not: that is compared; what is in it is not."""
LEFT_OUT = {"requestId"}
"""A newer server than the one compared with writes it on signals, too; so do we."""
EMPTY: tuple[object, ...] = (None, {}, [], "", "0s", 0, False)
STICKY = "TASK_QUEUE_KIND_STICKY"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class Scrubber:
    """Replaces ids by the order in which they first appear, and names as it is told."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._ids: dict[str, str] = {}

    def scrub(self, value: Any) -> Any:
        """Return the value scrubbed; what is empty is dropped: saying nothing says the default."""
        if isinstance(value, dict):
            return self._scrub_dict(value)
        if isinstance(value, list | tuple):
            return [self.scrub(item) for item in value]
        if isinstance(value, str):
            return self._scrub_text(value)
        if isinstance(value, Payload):
            return {"data": value.data, "metadata": value.metadata}
        if isinstance(value, datetime):
            return "<time>"
        return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else value

    def _scrub_dict(self, fields: dict[Any, Any]) -> dict[Any, Any]:
        """Scrub a message; of core's own markers, the times in them too."""
        if fields.get("markerName") == "core_local_activity":
            fields = {**fields, "details": {**fields["details"], "data": "<times>"}}
        inner = {
            key: f"<{key}>" if key in VOLATILE and item else self.scrub(item)
            for key, item in ((_camel_case(key), item) for key, item in fields.items())
            if key not in LEFT_OUT
        }
        if "coreUsedFlags" in inner:
            inner["coreUsedFlags"] = sorted(inner["coreUsedFlags"])
        if inner.get("kind") == STICKY:
            inner["name"] = "<sticky queue>"
        return {key: item for key, item in inner.items() if item not in EMPTY}

    def _scrub_text(self, text: str) -> str:
        for name, instead in self._names.items():
            text = text.replace(name, instead)
        text = UUID.sub(lambda found: self._id(found[0]), text)
        return TIME.sub("<time>", text)

    def _id(self, found: str) -> str:
        return self._ids.setdefault(found, f"<id {len(self._ids) + 1}>")


def _camel_case(key: Any) -> Any:
    """Turn a field's proto name into its JSON name; other keys stay what they are."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), key) if isinstance(key, str) else key


def differences(ours: Any, theirs: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Compare two scrubbed values; where they differ (as a path), and what each has there."""
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted({*ours, *theirs}, key=str)
        pairs = [(key, ours.get(key), theirs.get(key)) for key in keys]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(index, *both) for index, both in enumerate(zip(ours, theirs, strict=True))]
    else:
        return [(path, ours, theirs)]
    return [
        found
        for key, mine, other in pairs
        for found in differences(mine, other, f"{path}/{key}" if path else str(key))
    ]
