"""Search attributes: declared, given, changed; what finds workflows by them (3.9, traps 47, 48)."""

import asyncio
from typing import Any

from hourglass._bridge import BridgeError, Payload
from tests.conformance.commands import Wire, command, complete, continue_as_new, start_child
from tests.conformance.driver import PATIENCE, Run, World, finished
from tests.conformance.table import scenario

OPERATOR = "temporal.api.operatorservice.v1.OperatorService"
KINDS = {
    "ScText": 1,
    "ScKeyword": 2,
    "ScInt": 3,
    "ScDouble": 4,
    "ScBool": 5,
    "ScTime": 6,
    "ScList": 7,
}
ALL = {
    "ScText": '"Hello big World"',
    "ScKeyword": '"key"',
    "ScInt": "7",
    "ScDouble": "2.5",
    "ScBool": "true",
    "ScTime": '"2026-01-02T03:04:05Z"',
    "ScList": '["a","b"]',
}
QUERIES = """
ScKeyword = 'key' | ScKeyword = 'Key' | ScKeyword != 'key' | ScKeyword > 'a' | `ScKeyword` = 'key'
ScKeyword IN ('key', 'x') | ScKeyword NOT IN ('key') | ScKeyword BETWEEN 'a' AND 'z'
ScKeyword STARTS_WITH 'ke' | ScKeyword NOT STARTS_WITH 'ke' | ScKeyword IS NULL
NOT ScKeyword = 'key'
ScKeyword IS NOT NULL | ScKeyword = 7 | ScText = 'hello' | ScText = 'World nope' | ScText = 'nope'
ScText != 'hello' | ScText > 'a' | ScText IN ('hello') | ScText STARTS_WITH 'hel' | ScText IS NULL
ScInt = 7 | ScInt = '7' | ScInt > 6 | ScInt >= 7.5 | ScInt = 'x' | ScInt BETWEEN 1 AND 9
ScInt != 7
ScInt IN (7, 8) | ScInt = 7.0 | ScDouble = 2.5 | ScDouble > 2 | ScDouble = '2.5' | ScDouble = 'x'
ScBool = true | ScBool = 'true' | ScBool = false | ScBool != true | ScBool = 1
ScTime > '2026-01-01T00:00:00Z' | ScTime > '2026-01-01' | ScTime = 'x'
ScTime < '2026-01-02T00:00:00Z'
ScList = 'a' | ScList = 'c' | ScList != 'a' | ScList IN ('b', 'c') | ScList NOT IN ('b')
ScList > 'a'
ScList IS NULL | ScList IS NOT NULL | ScList STARTS_WITH 'a' | ScNobody = 'x' | ScKeyword = ScText
ScKeyword = 'key' AND (ScInt = 7 OR ScInt = 8) | ScKeyword = 'x' OR ScBool = true
ScKeyword = 'key' ORDER BY ScInt | ScKeyword = 'key' LIMIT 1
"""


def fields(**values: str | Payload) -> Wire:
    """Make search attributes of JSON that does not say its kind, or of payloads."""
    encoding = {"encoding": b"json/plain"}
    payloads = {
        name: Payload(metadata=encoding, data=given.encode()) if isinstance(given, str) else given
        for name, given in values.items()
    }
    return {"indexed_fields": payloads}


async def operate(w: World, rpc: str, **request: Any) -> Wire:
    """Call the operator service."""
    request = {"namespace": "default", **request}
    call = w.client.call(rpc, request, service=OPERATOR, timeout=PATIENCE, retry=False)
    return await finished(call)


async def start(w: World, name: str, **values: str | Payload) -> Run:
    """Start a workflow with search attributes, as soon as a server knows them."""
    await operate(w, "AddSearchAttributes", search_attributes=KINDS)
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        try:
            return await w.start(name, search_attributes=fields(**values))
        except BridgeError as error:
            if "no mapping defined" not in str(error) or loop.time() > end:
                raise
        await asyncio.sleep(0.2)


async def note_attributes(w: World, label: str, name: str = "w") -> None:
    """Note what Describe says of a workflow's search attributes."""
    answer = await w.call("DescribeWorkflowExecution", execution={"workflow_id": w.id(name)})
    info = answer["workflow_execution_info"].get("search_attributes", {})
    found: Wire = info.get("indexed_fields", {})
    w.note(label, {name: value for name, value in found.items() if name != "BuildIds"})


async def found(w: World, query: str) -> list[str]:
    """List this world's workflows that a query finds."""
    if not ("BY" in query or "LIMIT" in query):
        query = f"WorkflowType = '{w.token}' AND ({query})"
    answer = await w.call("ListWorkflowExecutions", query=query)
    ids = [each["execution"]["workflow_id"] for each in answer.get("executions", [])]
    return sorted(ids)


@scenario(47)
async def attributes_that_nobody_declared(w: World) -> None:
    unknown = fields(ScNobody='"x"')
    await w.answer("start", w.start(search_attributes=unknown))
    await w.answer("own", w.start(search_attributes=fields(WorkflowId='"x"')))
    await w.start()
    task = await w.poll()
    upsert = command("upsert_workflow_search_attributes", search_attributes=unknown)
    await w.answer("upsert", task.complete(upsert))
    task = await w.poll()
    child = start_child(w.id("child"), task_queue={"name": w.queue}, search_attributes=unknown)
    await task.complete(complete())
    await w.start("parent")
    task = await w.poll()
    await w.answer("child", task.complete(child))
    await (await w.poll()).complete(complete())
    await w.start("again")
    task = await w.poll()
    await w.answer("as new", task.complete(continue_as_new(search_attributes=unknown)))
    await (await w.poll()).complete(complete())


@scenario(47)
async def declaring_attributes(w: World) -> None:
    requests: dict[str, Wire] = {
        "none": {},
        "reserved": {"search_attributes": {"WorkflowId": 2}},
        "reserved for later": {"search_attributes": {"TemporalSomething": 2}},
        "no kind": {"search_attributes": {"ScNone": 0}},
        "unknown kind": {"search_attributes": {"ScNone": 9}},
        "nowhere": {"namespace": "nowhere", "search_attributes": {"ScNone": 2}},
    }
    for label, request in requests.items():
        await w.answer(label, operate(w, "AddSearchAttributes", **request))
    await w.answer("remove none", operate(w, "RemoveSearchAttributes"))
    await w.answer("own", operate(w, "RemoveSearchAttributes", search_attributes=["RunId"]))
    await w.answer("unknown", operate(w, "RemoveSearchAttributes", search_attributes=["ScX"]))
    answer = await operate(w, "ListSearchAttributes")
    w.note("system", sorted(answer["system_attributes"].items()))


@scenario(47)
async def values_of_every_kind(w: World) -> None:
    await start(w, "w", **ALL)
    await note_attributes(w, "all")
    removed = Payload(metadata={"encoding": b"binary/null"}, data=b"")
    changed = fields(ScInt="8", ScKeyword=removed, ScList='["c"]')
    upsert = command("upsert_workflow_search_attributes", search_attributes=changed)
    await (await w.poll()).complete(upsert, complete())
    await note_attributes(w, "changed")
    for name, wrong in {
        "ScInt": '"x"',
        "ScBool": "3",
        "ScTime": '"yesterday"',
        "ScKeyword": "3",
        "ScList": '"a"',
        "ScDouble": '"x"',
    }.items():
        given = w.start("wrong", search_attributes=fields(**{name: wrong}))
        await w.answer(f"{name} {wrong}", given)


@scenario(48)
async def workflows_are_found_by_attributes(w: World) -> None:
    kind = {"workflow_type": {"name": w.token}}
    await start(w, "ready", **ALL)
    await w.start("all", **kind, search_attributes=fields(**ALL))
    await w.start("one", **kind, search_attributes=fields(ScKeyword='["other"]', ScInt="-1"))
    await w.start("none", **kind)
    for expected in ["ScInt = 7", "ScInt = -1", "ScInt IS NULL"]:
        while not await found(w, expected):  # noqa: ASYNC110 - an index has no event
            await asyncio.sleep(0.1)
    for query in QUERIES.replace("\n", " | ").split(" | "):
        if query.strip():
            try:
                w.note(query, await found(w, query.strip()))
            except BridgeError as error:
                w.note(query, error.message.partition(" in `")[0])
    of_this = f"WorkflowType = '{w.token}'"
    for ending in "AND ScInt > 0", "AND ScInt IS NULL GROUP BY ExecutionStatus", "GROUP BY ScInt":
        try:
            counted = await w.call("CountWorkflowExecutions", query=f"{of_this} {ending}")
            w.note(ending, counted)
        except BridgeError as error:
            w.note(ending, error.message)
