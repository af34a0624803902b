"""Cron schedules: when the first run is due, and what is refused."""

from datetime import datetime, timedelta, timezone

import pytest

from hourglass.client import Client, RPCError, RPCStatusCode
from tests.support import history_events, unique

KATHMANDU = timezone(timedelta(hours=5, minutes=45))  # all year round


@pytest.mark.parametrize("prefix", ["CRON_TZ=", "TZ="])
async def test_a_schedule_goes_by_the_clocks_of_its_time_zone(client: Client, prefix: str) -> None:
    handle = await client.start_workflow(
        "Nightly",
        id=unique("nightly"),
        task_queue=unique("nobody"),
        cron_schedule=f"{prefix}Asia/Kathmandu 30 2 * * *",
    )
    started = (await history_events(handle))[0]
    await handle.terminate()
    attributes = started["workflowExecutionStartedEventAttributes"]
    backoff = timedelta(seconds=float(attributes["firstWorkflowTaskBackoff"].removesuffix("s")))
    at = datetime.fromisoformat(started["eventTime"][:19] + "+00:00")
    due = (at + backoff).astimezone(KATHMANDU)
    assert (due.hour, due.minute) == (2, 30)
    assert timedelta(0) < backoff <= timedelta(days=1)


async def test_a_time_zone_that_does_not_exist_is_refused(client: Client) -> None:
    with pytest.raises(RPCError, match=r"invalid CronSchedule\.") as refused:
        await client.start_workflow(
            "Nightly",
            id=unique("nightly"),
            task_queue=unique("nobody"),
            cron_schedule="CRON_TZ=Mars/Olympus 0 9 * * *",
        )
    assert refused.value.status is RPCStatusCode.INVALID_ARGUMENT
