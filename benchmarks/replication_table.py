"""What the table of `expert_replication` has beyond the others: the oracle's line, and figures comparable with ADRS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.table_parts import ORACLE, ranked, table
from evaluators.contract import Split
from evaluators.placement.expert_replication.oracle import oracle_us
from evaluators.placement.expert_replication.scenario import Scenario
from evaluators.scoring import Workload

COLUMNS = (("gpu_balance", 3), ("planner_ms_per_call", 1))
SPLITS = (Split.SEARCH, Split.HOLDOUT)


def clairvoyant_greedy(played: Workload) -> Sequence[tuple[str, float]]:
    """Regime and score of the clairvoyant greedy plan in each scenario."""
    return [(s.regime, oracle_score(s)) for s in played.instances if isinstance(s, Scenario)]


def oracle_score(scenario: Scenario) -> float:
    """Planned from each window's own loads, nothing moved."""
    course = scenario.course
    return scenario.score(float(np.mean([oracle_us(course.loads(w), course.system_at(w)) for w in course.windows])))


def adrs(stored: Mapping[str, Any]) -> str:
    """GPU balance of the next window (ADRS: balGPU) and CPU milliseconds per call, of every program."""
    body = []
    for name in (n for n in ranked(stored[str(Split.SEARCH)]) if n != ORACLE):
        rows = [stored[str(split)][name] for split in SPLITS]
        cells = [f"{row.get(key, float('nan')):.{digits}f}" for row in rows for key, digits in COLUMNS]
        body.append([f"`{name}`", *cells])
    heading = ["program", *(f"{label} ({split})" for split in SPLITS for label in ("balGPU", "ms"))]
    return "### ADRS-compatible figures\n\n" + table(heading, body)
