"""Whether an activity may be given to its worker along with the answer to a workflow task."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hourglass import workflow
from hourglass._bridge import ScheduleActivity
from hourglass.workflow._runtime.runner import WorkflowRunner
from tests.workflow.harness import CONVERTER, QUEUE, Run


@workflow.defn
class Schedules:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("any", start_to_close_timeout=timedelta(seconds=1))


@pytest.mark.parametrize("disabled", [True, False])
def test_a_worker_can_have_all_of_its_activities_go_through_their_queue(disabled: bool) -> None:
    runner = WorkflowRunner(
        [Schedules],
        task_queue=QUEUE,
        namespace="default",
        data_converter=CONVERTER,
        disable_eager_activities=disabled,
    )
    [command] = Run(Schedules, runner=runner).start().commands
    assert isinstance(command, ScheduleActivity)
    assert command.do_not_eagerly_execute is disabled
