"""What `import hourglass` adds to a bare interpreter: `python -m benches.import_time`."""

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from benches.workload import hand_over

RUNS = 15


@dataclass
class ImportTime:
    """Milliseconds, medians; what counts is the difference."""

    bare_ms: float
    import_ms: float


def run_ms(code: str) -> float:
    """Median milliseconds for an interpreter to run the code and leave."""
    samples: list[float] = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        samples.append((time.perf_counter() - started) * 1e3)
    return statistics.median(samples)


if __name__ == "__main__":
    run_ms("import hourglass")
    hand_over(ImportTime(bare_ms=run_ms("pass"), import_ms=run_ms("import hourglass")))
