"""What is measured, the same for every peer, and how a peer hands its figures over."""

import json
import statistics
import sys
from dataclasses import asdict, dataclass
from typing import Any

WARM_UP = 20
LATENCY_RUNS = 200
STEPS = 500
IN_FLIGHT = 100
EMPTY_RUNS = 2_000


@dataclass
class Figures:
    """One peer's results. Lower is better for the first two, higher for the last."""

    peer: str
    one_step_p50_ms: float
    steps_500_s: float
    empty_per_s: float


def p50_ms(samples: list[float]) -> float:
    """Return the median of samples in seconds, in milliseconds."""
    return statistics.median(samples) * 1e3


def hand_over(figures: Any) -> None:
    """Print the figures as the last line, for `benches.run`."""
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")
