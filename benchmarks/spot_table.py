"""Costs of the classic policies of `spot_deadline` over the optimum, at the settings of the published table.

``python -m benchmarks.spot_table`` plays 48 h of work on one region at a time, ticks of 195 s, spot at 0.3 of the
on-demand price, the nine fitted zones, and writes ``results/spot_table.json`` and the table between its markers in
``docs/tasks/spot_deadline.md``. The reference was measured on the public 45-day traces, nine zones and four starts each
(36 runs a cell); ours are drawn, and so the differences are judged by the standard error of 36 runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from importlib import resources
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import rounded, table
from evaluators.scheduling.spot_deadline.availability import CALM, FITTED_ZONES, draw_availability
from evaluators.scheduling.spot_deadline.job import job_of_hours
from evaluators.scheduling.spot_deadline.scenario import Scenario, build_scenario
from tests.in_process import InProcessCandidate

PAGE = Path(__file__).parents[1] / "docs" / "tasks" / "spot_deadline.md"
START, END = "<!-- published table: start -->", "<!-- published table: end -->"
TICK_S, WORK_H, FRACTION = 195.0, 48.0, 0.3
POLICIES = ("on_demand", "greedy", "uniform_progress", "hysteresis")
RUNS_OF_THE_REFERENCE = 36
# (deadline, overhead) in hours -> cost over optimum of the policies, as measured on the traces
REFERENCE = {
    (52, 0.05): (2.39, 1.371, 1.035, 1.186),
    (52, 0.2): (2.16, 1.328, 1.199, 1.281),
    (60, 0.2): (2.12, 1.269, 1.139, 1.191),
    (70, 0.05): (2.55, 1.159, 1.163, 1.141),
    (70, 0.2): (2.40, 1.158, 1.205, 1.172),
    (92, 0.2): (2.67, 1.080, 1.300, 1.183),
}


def scenarios(deadline_h: float, overhead_h: float, starts: int, seed: int) -> list[Scenario]:
    """So many starts in each zone, whatever there is to save."""
    job = job_of_hours(
        work_h=WORK_H,
        deadline_h=deadline_h,
        overhead_h=overhead_h,
        tick_s=TICK_S,
        spot_usd_per_h=(FRACTION,),
        on_demand_usd_per_h=(1.0,),
        move_usd=0.0,
    )
    built = []
    for place, (name, zone) in enumerate(FITTED_ZONES.items()):
        rng = np.random.default_rng([seed, place])
        for start in range(starts):
            available_TR = draw_availability([zone], CALM, job.deadline, TICK_S, rng)
            built.append(build_scenario(f"{name}-{start}", name, job, available_TR, candidate_seed=0))
    return built


def ratios(policy: str, played: list[Scenario]) -> npt.NDArray[np.float64]:
    """Cost over optimum in each scenario. Runs in this process: the programs are ours."""
    source = (resources.files("seeds") / "spot_deadline" / "baselines" / f"{policy}.py").read_text(encoding="utf-8")
    return np.array([cost_usd(scenario, source) / scenario.optimum_usd for scenario in played])


def cost_usd(scenario: Scenario, source: str) -> float:
    """What the job costs."""
    return sum(tick.usd for tick in scenario.run(InProcessCandidate(source)))


def figures(starts: int, seed: int) -> dict[str, Any]:
    """Mean and standard deviation in every cell."""
    cells = []
    for (deadline_h, overhead_h), reference in REFERENCE.items():
        played = scenarios(deadline_h, overhead_h, starts, seed)
        for policy, published in zip(POLICIES, reference, strict=True):
            found = ratios(policy, played)
            cells.append(
                {
                    "deadline_h": deadline_h,
                    "overhead_h": overhead_h,
                    "policy": policy,
                    "mean": rounded(found.mean()),
                    "sd": rounded(found.std()),
                    "reference": published,
                }
            )
    return {"starts_per_zone": starts, "seed": seed, "cells": cells}


def difference(cell: Mapping[str, Any]) -> float:
    """Ours minus the reference."""
    return float(cell["mean"] - cell["reference"])


def reference_error(cell: Mapping[str, Any]) -> float:
    """Standard error of a mean over as many runs as the reference has."""
    return float(cell["sd"] / sqrt(RUNS_OF_THE_REFERENCE))


def markdown(stored: Mapping[str, Any]) -> str:
    """A row per setting, a column per policy: ours, the difference to the reference and the error of that."""
    rows: dict[str, list[str]] = {}
    for cell in stored["cells"]:
        row = rows.setdefault(f"{cell['deadline_h']} h, {cell['overhead_h']} h", [])
        row.append(f"{cell['mean']:.3f} ({difference(cell):+.3f}, error {reference_error(cell):.3f})")
    header = ["deadline, overhead", *(f"`{policy}`" for policy in POLICIES)]
    told = f"{stored['starts_per_zone']} starts in each of nine zones, seed {stored['seed']}."
    return f"{told}\n\n{table(header, [[name, *cells] for name, cells in rows.items()])}"


def with_table(page: str, stored: Mapping[str, Any]) -> str:
    """`page` with the table between its markers."""
    head, tail = page.split(START)[0], page.split(END)[1]
    return f"{head}{START}\n{markdown(stored)}\n{END}{tail}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=24, help="in each zone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from-result", action="store_true", help="write the table from the stored figures")
    arguments = parser.parse_args()
    if not arguments.from_result:
        write_result("spot_table", figures(arguments.starts, arguments.seed))
    stored = json.loads((RESULTS / "spot_table.json").read_text(encoding="utf-8"))["figures"]
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), stored), encoding="utf-8")


if __name__ == "__main__":
    main()
