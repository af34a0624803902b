"""What is on record: asked of an engine, or read from the files of one that stands still."""

import json
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hourglass.client import Client
from hourglass.service import RPCError, RPCStatusCode
from tests.support import short_name

Place = tuple[str, int]
"""An event: the id of its run, its number."""


async def histories(client: Client, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Fetch every run of the workflows, as far as they are there: id, run id, events."""
    runs: list[dict[str, Any]] = []
    for workflow_id in ids:
        run_id: str | None = await first_run(client, workflow_id)
        while run_id:
            handle = client.get_workflow_handle(workflow_id, run_id=run_id)
            events = json.loads((await handle.fetch_history()).to_json())["events"]
            runs.append({"id": workflow_id, "run_id": run_id, "events": events})
            ended = events[-1].get("workflowExecutionContinuedAsNewEventAttributes", {})
            run_id = ended.get("newExecutionRunId")
    return runs


async def first_run(client: Client, workflow_id: str) -> str | None:
    """Find out the first run's id; None if nothing of that id was started."""
    try:
        events = (await client.get_workflow_handle(workflow_id).fetch_history()).events
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return None
        raise
    first: str = events[0]["workflow_execution_started_event_attributes"]["first_execution_run_id"]
    return first


def places(database: Path) -> list[Place]:
    """List the events that a process would find which opens the database now.

    It is looked at as such a process does, by recovery from the log, in a copy: whoever has the
    database open holds still at the gate, perhaps between the log and the note that it has grown.
    """
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        for suffix in ("", "-wal"):
            source = database.with_name(database.name + suffix)
            if source.exists():
                shutil.copyfile(source, Path(folder, "copy" + suffix))
        with closing(sqlite3.connect(Path(folder, "copy"))) as connection:
            if not connection.execute(
                "SELECT 1 FROM sqlite_schema WHERE name = 'history'"
            ).fetchall():
                return []
            rows = connection.execute(
                "SELECT run_id, history.id, events FROM history"
                " JOIN runs ON run_key = history.id >> 22 ORDER BY history.id"
            )
            return [
                (str(uuid.UUID(bytes=run_id)), (key & 0x3FFFFF) + offset)
                for run_id, key, batch in rows
                for offset in range(count_of_messages(batch))
            ]


def count_of_messages(batch: bytes) -> int:
    """Count the messages in an encoded message that has nothing but them: `History`."""
    found, at = 0, 0
    while at < len(batch):
        found += 1
        length, start = varint(batch, at + 1)
        at = start + length
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number in the protocol's form; it and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def named(runs: list[dict[str, Any]]) -> Iterator[tuple[Place, str]]:
    """The name of every event, by its place."""
    for run in runs:
        for event in run["events"]:
            yield (run["run_id"], int(event["eventId"])), short_name(event)


def names(runs: list[dict[str, Any]], workflow_id: str) -> list[str]:
    """Name the events of one of the workflows, one run after the other."""
    events = [run["events"] for run in runs if run["id"] == workflow_id]
    return [short_name(event) for run in events for event in run]
