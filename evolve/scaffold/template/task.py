"""The task my_task: which machine runs which job, so that all are done as early as possible.

This file and its neighbours are trusted and run outside the sandbox. Programs run inside it and see only what `play`
hands to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.candidate import Candidate, CandidateFailure, ReplyField
from evaluators.contract import (
    FLOOR,
    Direction,
    EntryPoint,
    InstanceResult,
    Limits,
    MetricSpec,
    Outcome,
    Parameter,
    ParameterKind,
    ParameterValue,
    Picture,
    Split,
    Task,
    Tier,
)
from evaluators.parameters import read_settings
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource

from .score import Sizes, bound, fault, makespan, score
from .workload import HOLDOUT_REGIMES, SEARCH_REGIMES, draw_sizes

NUM_JOBS = 40
NUM_INSTANCES = {Tier.SMOKE: 1, Tier.QUICK: 12, Tier.FULL: 24, Tier.REPORT: 48}  # 12 are needed for intervals

TASK = Task(
    name="my_task",
    family="example",
    revision=1,  # raise it when scores change their meaning
    summary="Assign jobs to machines so that the busiest machine is done as early as possible.",
    entry_points=(
        EntryPoint(
            name="assign",
            signature="assign(sizes: float64[jobs], machines: int) -> int64[jobs]",
            description="The machine, 0 to machines - 1, of each job; sizes are seconds.",
        ),
    ),
    metrics=(
        MetricSpec(
            name="score",
            unit="1",
            direction=Direction.MAXIMIZE,
            description="(round robin - makespan) / (round robin - bound): 0 is round robin, 1 a proven bound",
        ),
        MetricSpec(name="over_bound", unit="1", direction=Direction.MINIMIZE, description="makespan / bound"),
    ),
    objective="score",
    bound=1.0,  # None where nothing is proven
    weak_baseline="round_robin",
    limits=dict.fromkeys(Tier, Limits(wall_s=10.0, cpu_s=10.0, call_wall_s=2.0, memory_bytes=512 << 20)),
    parameters={"machines": 4},
    parameter_specs=(
        Parameter(
            name="machines",
            kind=ParameterKind.INTEGER,
            default=4,
            minimum=2,
            maximum=NUM_JOBS,
            description="machines, all alike",
        ),
    ),
    libraries=("numpy",),  # what programs may import
    stateful=False,  # one child plays all instances of an evaluation
)


@dataclass(frozen=True, slots=True)
class Jobs:
    """One instance."""

    name: str
    regime: str
    sizes: Sizes
    machines: int

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Ask the program for a plan and score it here, outside its reach."""
        del clock  # this task charges no planner time
        field = ReplyField(name="plan", dtype="int64", shape=self.sizes.shape)
        plan = candidate.function("assign", [self.sizes, self.machines], (field,)).arrays["plan"].astype(np.int64)
        wrong = fault(plan, self.machines)
        if wrong:
            raise CandidateFailure(Outcome.INVALID, wrong)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=max(FLOOR, score(self.sizes, plan, self.machines)),
            metrics={"over_bound": makespan(self.sizes, plan, self.machines) / bound(self.sizes, self.machines)},
        )


@dataclass(frozen=True, slots=True)
class MyProblem:
    """The task with its parameters filled in."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> MyProblem:
        """The task for the user's own number of machines."""
        return MyProblem(replace(self.task, parameters=read_settings(self.task, settings)))

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Jobs]:
        """Regimes by turns; search and validation differ by their seeds, the hold-out has a regime of its own."""
        regimes = HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES
        return [self._jobs(regimes[i % len(regimes)], i, seeds) for i in range(NUM_INSTANCES[tier])]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """What a proposer learns: the mean score of each regime, never an instance."""
        regimes = dict.fromkeys(result.regime for result in results)
        means = {r: np.mean([result.counted_score for result in results if result.regime == r]) for r in regimes}
        return "\n".join(f"{regime}: mean score {mean:.3f}" for regime, mean in means.items())

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """None."""
        del results
        return ()

    def _jobs(self, regime: str, index: int, seeds: SeedSource) -> Jobs:
        name = f"{regime}-{index}"
        rng = np.random.default_rng(seeds.instance(name))
        return Jobs(name, regime, draw_sizes(regime, NUM_JOBS, rng), int(self.task.parameters["machines"]))


PROBLEM = MyProblem()
