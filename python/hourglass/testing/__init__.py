"""Testing workflows and activities.

::

    async with await WorkflowEnvironment.start_time_skipping() as env:
        async with Worker(env.client, task_queue="tests", workflows=[Billing]):
            await env.client.execute_workflow(Billing.run, id="b", task_queue="tests")

A workflow that sleeps for a month is done at once there. `ActivityEnvironment` runs an activity
without a workflow.
"""

from hourglass._public import publish
from hourglass.testing._activity import ActivityEnvironment
from hourglass.testing._workflow import WorkflowEnvironment

__all__ = ["ActivityEnvironment", "WorkflowEnvironment"]

publish(globals())
