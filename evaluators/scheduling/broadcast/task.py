"""The task `broadcast`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import ContractError, Descriptor, Limits, Split, Task, Tier
from evaluators.problem import Settings
from evaluators.scheduling.broadcast import report
from evaluators.scheduling.broadcast.grid import Grid, read_grid
from evaluators.scheduling.broadcast.measured import caps_gbps
from evaluators.scheduling.broadcast.parameters import PARAMETERS
from evaluators.scheduling.broadcast.scenario import Scenario
from evaluators.scheduling.broadcast.suite import check_sizes, recipes, scenario
from evaluators.scheduling.broadcast.terms import METRICS, PLAN
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem, told_file

TASK = Task(
    name="broadcast",
    family="scheduling",
    summary=(
        "Send a data set from one cloud region to several others at the least cost: cut it into partitions and give "
        "each a tree of links, through other regions where that is cheaper or faster."
    ),
    entry_points=(PLAN,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="direct",
    limits={  # wide for trees grown one by one, some 0.1 s at most; narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(4.0),
        Tier.QUICK: Limits.of_cpu(4.0),
        Tier.FULL: Limits.of_cpu(6.0),
        Tier.REPORT: Limits.of_cpu(20.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="distinct_trees", low=0.1, high=0.9, bins=6),
        Descriptor(metric="depth", low=1.0, high=3.0, bins=6),
    ),
    trade_offs=("score", "time_over_direct"),
)


def _check(settings: Settings, grid: Grid | None) -> None:
    """Caps that nobody knows, or without effect, and more destinations than a network or its bound can take."""
    for cap in ("egress_gbps", "ingress_gbps"):
        if grid is not None:
            caps_gbps(grid, grid.providers, cap, settings)
        elif cap in settings:
            raise ContractError(f"{cap}: counts only with a grid; drawn regions have the caps of their providers")
    for split in (Split.SEARCH, Split.HOLDOUT):
        for tier in (Tier.SMOKE, Tier.QUICK):
            check_sizes(recipes(tier, split, settings, grid), grid)


def _draw(settings: Settings, grid: Grid | None, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
    return [scenario(recipe, settings, grid, seeds) for recipe in recipes(tier, split, settings, grid)]


PROBLEM = SuiteProblem(task=TASK, read=told_file("grid", read_grid), check=_check, draw=_draw, report=report)
