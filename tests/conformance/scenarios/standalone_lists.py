"""Lists and counts of activities without a workflow (trap 29)."""

import asyncio

from tests.conformance.activity_runs import ONCE
from tests.conformance.alone import MOMENTS, SIZES, begun
from tests.conformance.commands import Wire, failure
from tests.conformance.driver import World
from tests.conformance.table import scenario


async def seen(w: World, query: str, count: int) -> list[Wire]:
    """List until there are as many: the server's lists come a little later."""
    while True:
        answer = await w.call("ListActivityExecutions", query=query)
        found: list[Wire] = answer.get("executions", [])
        if len(found) == count:
            return found
        await asyncio.sleep(0.1)


@scenario(29)
async def activities_are_listed_and_counted(w: World) -> None:
    mine = f"TaskQueue = '{w.queue}'"
    for name in ("a", "b"):
        await begun(w, name)
        await (await w.activity()).complete()
    await begun(w, "c", retry_policy=ONCE)
    await (await w.activity()).fail(failure=failure("it"))
    running = await begun(w, "d", activity_type={"name": "Other"}, start_delay=30)
    for label, query, count in [
        ("all", mine, 4),
        ("by id", f"ActivityId = '{w.id('a')}'", 1),
        ("by type", f"{mine} AND ActivityType = 'Other'", 1),
        ("completed", f"{mine} AND ExecutionStatus = 'Completed'", 2),
        ("failed", f"{mine} AND ExecutionStatus = 'Failed'", 1),
        ("closed", f"{mine} AND CloseTime IS NOT NULL", 3),
        ("by another name", f"WorkflowId = '{w.id('a')}'", 1),
        ("run", f"RunId = '{running.target['run_id']}'", 1),
        ("started", f"{mine} AND StartTime > '2020-01-01T00:00:00Z'", 4),
        ("of prefix", f"{mine} AND ActivityId STARTS_WITH 'd-'", 1),
    ]:
        await seen(w, mine + " AND ExecutionStatus = 'Failed'", 1)
        found = await seen(w, query, count)
        for each in found:
            each.pop("state_size_bytes", None)
            for name in (*MOMENTS, *SIZES):
                each[name] = each.get(name) is not None
        w.note(label, sorted(found, key=lambda each: each["activity_id"]))
        w.note(f"{label} counted", await w.call("CountActivityExecutions", query=query))
    grouped = await w.call("CountActivityExecutions", query=f"{mine} GROUP BY ExecutionStatus")
    w.note("all of them", grouped["count"])
    groups = [(each["group_values"], each["count"]) for each in grouped["groups"]]
    w.note("grouped", sorted(groups, key=lambda group: group[0][0].data))
    page = await w.call("ListActivityExecutions", query=mine, page_size=3)
    w.note("first page", len(page["executions"]))
    token = page["next_page_token"]
    page = await w.call("ListActivityExecutions", query=mine, page_size=3, next_page_token=token)
    w.note("second page", (len(page["executions"]), bool(page.get("next_page_token"))))
    w.note("no workflows", await w.call("CountWorkflowExecutions", query=mine))
    for query in (
        "ExecutionStatus = 'ContinuedAsNew'",
        "ExecutionStatus = 'Nope'",
        "Bogus = 1",
        "GROUP BY ActivityType",
    ):
        await w.answer(query, w.call("ListActivityExecutions", query=query))
        await w.answer(f"count {query}", w.call("CountActivityExecutions", query=query))
