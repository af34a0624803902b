"""What earlier runs left for this one."""

from __future__ import annotations

from typing import Any

from hourglass import workflow
from tests.workflow.harness import Run, payload, result_of


@workflow.defn
class Looks:
    @workflow.run
    async def run(self) -> list[Any]:
        failure = workflow.get_last_failure()
        return [
            workflow.has_last_completion_result(),
            workflow.get_last_completion_result(),
            workflow.get_last_completion_result(tuple) == (1, 2),
            type(failure).__name__,
            str(failure),
        ]


def test_a_first_run_has_no_past() -> None:
    assert result_of(Run(Looks).start()) == [False, None, False, "NoneType", "None"]


def test_the_result_and_the_failure_of_earlier_runs_are_there() -> None:
    info = {
        "last_completion_result": {"payloads": [payload([1, 2])]},
        "continued_failure": {"message": "boom", "application_failure_info": {"type": "Boom"}},
    }
    assert result_of(Run(Looks, info=info).start()) == [
        True,
        [1, 2],
        True,
        "ApplicationError",
        "Boom: boom",
    ]
