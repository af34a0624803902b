"""DBOS over SQLite: `python -m benches.peer_dbos FOLDER delete|wal`.

`delete` is the database as DBOS makes it; `wal` is the best we know how to give it: a file that was
put into write-ahead-log mode beforehand. Both are `synchronous=FULL`, as ours is.
"""

import sqlite3
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dbos import DBOS

from benches.workload import (
    EMPTY_RUNS,
    IN_FLIGHT,
    LATENCY_RUNS,
    STEPS,
    WARM_UP,
    Figures,
    hand_over,
    p50_ms,
)


@DBOS.step()
def add_one(number: int) -> int:
    return number + 1


@DBOS.workflow()
def one_step(number: int) -> int:
    return add_one(number)


@DBOS.workflow()
def many_steps(steps: int) -> int:
    number = 0
    for _ in range(steps):
        number = add_one(number)
    return number


@DBOS.workflow()
def empty() -> None:
    return None


def latency() -> float:
    """Median milliseconds of a workflow with one step, one after the other."""
    samples: list[float] = []
    for number in range(WARM_UP + LATENCY_RUNS):
        started = time.perf_counter()
        one_step(number)
        samples.append(time.perf_counter() - started)
    return p50_ms(samples[WARM_UP:])


def sequential() -> float:
    """Seconds for one workflow with many steps in sequence."""
    started = time.perf_counter()
    assert many_steps(STEPS) == STEPS
    return time.perf_counter() - started


def throughput_by_handles(runs: int) -> float:
    """Empty workflows per second, started in the background and waited for by handle."""
    started = time.perf_counter()
    handles = deque(DBOS.start_workflow(empty) for _ in range(IN_FLIGHT))
    for number in range(runs):
        handles.popleft().get_result()
        if number < runs - IN_FLIGHT:
            handles.append(DBOS.start_workflow(empty))
    return runs / (time.perf_counter() - started)


def throughput_by_threads(runs: int) -> float:
    """The same, called directly from a hundred threads."""
    started = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(lambda _: empty(), range(runs)))
    return runs / (time.perf_counter() - started)


def main() -> None:
    """Measure, and hand over the better of the two ways to have a hundred in flight."""
    folder, journal = Path(sys.argv[1]), sys.argv[2]
    database = folder / f"dbos-{journal}.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
    connection.close()
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{database}",
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    few = EMPTY_RUNS // 4
    figures = Figures(
        peer=f"DBOS 3.4, journal_mode={journal}",
        one_step_p50_ms=latency(),
        steps_500_s=sequential(),
        empty_per_s=max(throughput_by_handles(few), throughput_by_threads(few)),
    )
    DBOS.destroy()
    hand_over(figures)


if __name__ == "__main__":
    main()
