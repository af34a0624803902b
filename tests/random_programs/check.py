"""Holds what a program did to the model, and its histories to its code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Iterable
from itertools import zip_longest

from hourglass.client import WorkflowHistory
from hourglass.worker import Replayer
from tests.random_programs.driver import Real, run_really
from tests.random_programs.generate import generate
from tests.random_programs.interpreter import Entry
from tests.random_programs.program import Program
from tests.random_programs.seen import LATENESS, Seen, is_definite, modelled
from tests.random_programs.workflow_world import RUNS, RandomProgram

PATIENCE = 30.0
"""Real seconds after which a program counts as hanging."""
EXPECTED = {
    "WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND",  # something arrived while the run ended
    "WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND",  # it was terminated meanwhile
}
"""The reasons for which workflow tasks may fail."""
HANGS = "it does not end"


def _is_same(one: Entry | None, other: Entry | None, ties: bool) -> bool:
    """Compare what two lives did. Local activities are not recorded to the last bit of time; and a
    replay takes two tasks for one, with the later time, if the second was about a rejected update
    and a timer fired in that moment."""
    if one is None or other is None:
        return one is other
    same_time = ties or abs(one[1] - other[1]) < 0.001
    return (one[0], one[2]) == (other[0], other[2]) and same_time


def _has_failed_tasks(history: WorkflowHistory) -> bool:
    return '"EVENT_TYPE_WORKFLOW_TASK_FAILED"' in history.to_json()


def _task_failures(history: WorkflowHistory) -> list[str]:
    found: list[str] = []
    for event in json.loads(history.to_json())["events"]:
        kind = event["eventType"]
        if kind == "EVENT_TYPE_WORKFLOW_TASK_FAILED":
            details = event["workflowTaskFailedEventAttributes"]
            if details["cause"] not in EXPECTED:
                message = details.get("failure", {}).get("message", "")
                found.append(f"a workflow task failed: {details['cause']} {message}")
        elif kind == "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT":
            found.append("a workflow task timed out")
    return found


async def _replay_failures(real: Real, ties: bool) -> list[str]:
    found: list[str] = []
    replayer = Replayer(workflows=[RandomProgram])
    for history in real.histories:
        made = real.runs[history.run_id]
        lives = list(made)
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            found.append(f"{history.workflow_id} does not replay: {result.replay_failure!r}")
            continue
        # What was done in a task that came to nothing need not come again.
        is_cut = '"EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"' in history.to_json()
        if _has_failed_tasks(history):
            del lives[:-1]
        for number, life in enumerate(lives):
            found += [
                f"{history.workflow_id}: life {number}: {one}, in the replay: {other}"
                for one, other in zip_longest(life.trace, made[-1].trace)
                if not _is_same(one, other, ties)
                and (one is not None or life is lives[-1])
                and (other is not None or not is_cut)
            ]
    return found


def _differences(real: Seen, versions: list[Seen]) -> list[str]:
    expected = versions[0]
    found: list[str] = []
    if real.outcome != expected.outcome:
        found.append(f"outcome: {real.outcome}, the model's: {expected.outcome}")
    found += [
        f"stimulus {number}: {got}, the model's: {wanted}"
        for number, (got, wanted) in enumerate(zip(real.said, expected.said, strict=True))
        if got != wanted
    ]
    for world in sorted(real.traces.keys() | expected.traces.keys()):
        # A child that is ended before its first task has done nothing, and was never seen here.
        of_real = [trace for trace in real.traces.get(world, []) if trace]
        of_model = [trace for trace in expected.traces.get(world, []) if trace]
        if len(of_real) != len(of_model):
            found.append(f"{world}: {len(of_real)} runs, the model's: {len(of_model)}")
            continue
        for number, trace in enumerate(of_real):
            late = [[*filter(None, version.traces[world])][number] for version in versions]
            found += [f"{world} run {number}: {text}" for text in _differences_of(trace, late)]
    return found


def _differences_of(real: list[Entry], versions: list[list[Entry]]) -> list[str]:
    got = {node: said for node, _, said in real}
    wanted = {node: said for node, _, said in versions[0]}
    found = [
        f"node {node}: {got.get(node, 'not run')}, the model's: {wanted.get(node, 'not run')}"
        for node in sorted(got.keys() | wanted.keys())
        if got.get(node) != wanted.get(node)
    ]
    times = [{node: time for node, time, _ in version} for version in versions]
    for node, time, _ in real:
        of_model = [known[node] for known in times if node in known]
        if of_model and not min(of_model) - LATENESS <= time <= max(of_model) + 3 * LATENESS:
            found.append(f"node {node}: after {time:.0f} s, the model's: {of_model[0]:.0f} s")
    return found


async def check(program: Program, name: str, patience: float = PATIENCE) -> list[str]:
    """Run a program and hold it to the model; what is wrong."""
    versions = await asyncio.to_thread(modelled, program)
    try:
        real = await run_really(program, name, patience)
    except asyncio.TimeoutError:
        return [HANGS]
    try:
        wrong = [text for history in real.histories for text in _task_failures(history)]
        wrong += await _replay_failures(real, program.ties)
        if not program.ties and is_definite(versions):
            differences = _differences(real.seen, versions)
            if differences and is_definite(
                versions + await asyncio.to_thread(modelled, program, 300)
            ):
                wrong += differences
        return wrong
    finally:
        for run_id in real.runs:
            RUNS.pop(run_id, None)


async def run_many(
    seeds: Iterable[int],
    without: Collection[str] = (),
    at_once: int = 4,
    report: Callable[[int, list[str]], None] = lambda _seed, _wrong: None,
) -> dict[int, list[str]]:
    """Run the programs of the seeds; all that is wrong, by seed."""
    failed: dict[int, list[str]] = {}
    todo = iter(seeds)

    async def work() -> None:
        for seed in todo:
            try:
                wrong = await check(generate(seed, without), f"seed-{seed}")
            except Exception as error:
                wrong = [repr(error)]
            if wrong:
                failed[seed] = wrong
                report(seed, wrong)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return failed
