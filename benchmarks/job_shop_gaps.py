"""How far the rules of `job_shop` stay from the best known makespans of public instances, under two builders.

``python -m benchmarks.job_shop_gaps --instances FILE`` reads a file as the task's parameter `instances` does, writes
``results/job_shop_gaps.json`` and the table between its markers in ``docs/tasks/job_shop.md``. No instance is part of
the project: models have seen the public ones, so they are for reporting only. Every program runs in this process: the
programs are ours.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import rounded, table
from evaluators.contract import Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.job_shop.dispatcher import Builder
from evaluators.scheduling.job_shop.scenario import Scenario
from evaluators.scheduling.job_shop.task import PROBLEM, TASK
from evaluators.seeding import SeedSource, report_secret
from tests.in_process import InProcessCandidate

PAGE = Path(__file__).parents[1] / "docs" / "tasks" / "job_shop.md"
START, END = "<!-- public gaps: start -->", "<!-- public gaps: end -->"
RULES = ("fifo", "spt", "lpt", "mwkr", "mopnr", "fdd_mwkr", "longest_tail", "two_feature")
BUILDERS = (Builder.NON_DELAY, Builder.GIFFLER_THOMPSON)
LARGEST_ACTIVE = 400  # operations of the shops that the slower builder is asked for
SETS = {
    "ft06": ("ft", 6, 6),
    "ft10": ("ft", 10, 10),
    "la01-40": ("la", 1, 40),
    "ta01-10 15x15": ("ta", 1, 10),
    "ta11-20 20x15": ("ta", 11, 20),
    "ta21-30 20x20": ("ta", 21, 30),
    "ta31-40 30x15": ("ta", 31, 40),
    "ta41-50 30x20": ("ta", 41, 50),
    "ta51-60 50x15": ("ta", 51, 60),
    "ta61-70 50x20": ("ta", 61, 70),
    "ta71-80 100x20": ("ta", 71, 80),
}


def scenarios(path: Path, builder: Builder) -> dict[str, Scenario]:
    """The file's shops as they are, by name."""
    problem = PROBLEM.configured({"instances": str(path), "builder": builder})
    seeds = SeedSource(report_secret(TASK.name, TASK.revision), Split.REPORT)
    return {scenario.name: scenario for scenario in problem.instances(Tier.REPORT, Split.REPORT, seeds)}


def members(shops: Mapping[str, Scenario], group: str) -> list[Scenario]:
    """The shops of a set that the file has."""
    prefix, first, last = SETS[group]
    names = [f"{prefix}{number:02d}" for number in range(first, last + 1)]
    return [shops[name] for name in names if name in shops]


def gap(played: Sequence[Scenario], rule: str) -> float:
    """Mean percent above the best known makespan."""
    source = (resources.files("seeds") / "job_shop" / "baselines" / f"{rule}.py").read_text(encoding="utf-8")
    results = [scenario.play(InProcessCandidate(source), ClockPolicy()) for scenario in played]
    return rounded(mean(result.metrics["gap_to_best"] for result in results))


def figures(path: Path) -> dict[str, Any]:
    """Gaps by builder, set and rule; the slower builder only where shops are small."""
    found: dict[str, Any] = {}
    for builder in BUILDERS:
        shops = scenarios(path, builder)
        sets = {group: chosen for group in SETS if (chosen := members(shops, group))}
        if builder is Builder.GIFFLER_THOMPSON:
            sets = {group: chosen for group, chosen in sets.items() if _operations(chosen) <= LARGEST_ACTIVE}
        found[str(builder)] = {
            group: {rule: gap(chosen, rule) for rule in RULES}
            | {"bound": rounded(mean(s.bound / s.best_known for s in chosen if s.best_known))}
            for group, chosen in sets.items()
        }
    return found


def _operations(chosen: Sequence[Scenario]) -> int:
    return max(scenario.shop.durations_JM.size for scenario in chosen)


def markdown(stored: Mapping[str, Any]) -> str:
    """A table per builder: a row per set, a column per rule, and the proven bound over the best known makespan."""
    parts = []
    for builder, sets in stored.items():
        header = [f"`{builder}`", *(f"`{rule}`" for rule in RULES), "bound / best"]
        body = [[group, *(f"{row[rule]:.1f}" for rule in RULES), f"{row['bound']:.3f}"] for group, row in sets.items()]
        parts.append(table(header, body))
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=Path, help="without it the table is written from the stored figures")
    arguments = parser.parse_args()
    if arguments.instances:
        write_result("job_shop_gaps", figures(arguments.instances))
    stored = json.loads((RESULTS / "job_shop_gaps.json").read_text(encoding="utf-8"))["figures"]
    page = PAGE.read_text(encoding="utf-8")
    head, tail = page.split(START)[0], page.split(END)[1]
    PAGE.write_text(f"{head}{START}\n{markdown(stored)}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
