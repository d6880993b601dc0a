"""The task `broadcast`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import (
    ContractError,
    Descriptor,
    InstanceResult,
    Limits,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.parameters import read_settings
from evaluators.scheduling.broadcast import report
from evaluators.scheduling.broadcast.grid import Grid, read_grid
from evaluators.scheduling.broadcast.measured import caps_gbps
from evaluators.scheduling.broadcast.parameters import PARAMETERS
from evaluators.scheduling.broadcast.scenario import Scenario
from evaluators.scheduling.broadcast.suite import check_sizes, recipes, scenario
from evaluators.scheduling.broadcast.terms import METRICS, PLAN
from evaluators.seeding import SeedSource

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
        Tier.SMOKE: Limits.of_cpu(1.0),
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


@dataclass(frozen=True, slots=True)
class BroadcastProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> BroadcastProblem:
        """The problem for the user's own network and transfers.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, a malformed grid, caps that nobody knows, settings
                without effect, or more destinations than a network or its bound can take.
        """
        problem = BroadcastProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        told, grid = problem.task.parameters, problem._grid()
        for cap in ("egress_gbps", "ingress_gbps"):
            if grid is not None:
                caps_gbps(grid, grid.providers, cap, told)
            elif cap in told:
                raise ContractError(f"{cap}: counts only with a grid; drawn regions have the caps of their providers")
        for split in (Split.SEARCH, Split.HOLDOUT):
            for tier in (Tier.SMOKE, Tier.QUICK):
                check_sizes(recipes(tier, split, told, grid), grid)
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The transfers, bounds included."""
        settings, grid = self.task.parameters, self._grid()
        return [scenario(recipe, settings, grid, seeds) for recipe in recipes(tier, split, settings, grid)]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and shapes of trees per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and shapes of trees per regime."""
        return report.pictures(results)

    def _grid(self) -> Grid | None:
        value = str(self.task.parameters.get("grid", ""))
        return read_grid(value) if value else None


PROBLEM = BroadcastProblem()
