"""The task `job_shop`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.scheduling.job_shop import report
from evaluators.scheduling.job_shop.instances_file import NamedShop, read_instances
from evaluators.scheduling.job_shop.parameters import PARAMETERS
from evaluators.scheduling.job_shop.reference import reference_makespan, require_solver
from evaluators.scheduling.job_shop.scenario import Scenario, Variant
from evaluators.scheduling.job_shop.suite import check_shapes, from_file, generated, recipes
from evaluators.scheduling.job_shop.terms import METRICS, POLICY
from evaluators.seeding import SeedSource

TASK = Task(
    name="job_shop",
    family="scheduling",
    summary=(
        "Choose which job each machine takes next, so that the last job of the shop ends early: with durations known, "
        "without buffers between machines, and with durations that are known only afterwards."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="fifo",
    revision=2,  # 2: validation has shops of its own
    limits={  # wide for rules, which need some 50 us per call; narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(1.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(4.0),
        Tier.REPORT: Limits.of_cpu(60.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="delayed", low=0.0, high=24.0, bins=6),
        Descriptor(metric="blocked", low=10.0, high=19.0, bins=6),
    ),
    trade_offs=("score", "blocked"),
)


@dataclass(frozen=True, slots=True)
class JobShopProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> JobShopProblem:
        """The problem for the user's own shops.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, too many operations, a malformed file, or a solver
                that is not installed.
        """
        problem = JobShopProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        problem._shops()
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
            check_shapes(recipes(Tier.QUICK, split, problem.task.parameters))
        if problem._reference_s():
            require_solver()
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The shops, anchors included."""
        settings, shops = self.task.parameters, self._shops()
        if shops:
            scenarios = from_file(shops, tier, split, settings, seeds)
        else:
            scenarios = [generated(recipe, seeds) for recipe in recipes(tier, split, settings)]
        seconds = self._reference_s()
        return [_with_reference(scenario, seconds) for scenario in scenarios] if seconds else scenarios

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and machine time per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and machine time per regime."""
        return report.pictures(results)

    def _shops(self) -> tuple[NamedShop, ...]:
        value = str(self.task.parameters.get("instances", ""))
        return read_instances(value) if value else ()

    def _reference_s(self) -> float:
        return float(self.task.parameters.get("reference_s", 0.0))


def _with_reference(scenario: Scenario, seconds: float) -> Scenario:
    blocking = scenario.setting.variant is Variant.BLOCKING
    found = reference_makespan(scenario.shop.routes, scenario.realised, seconds, blocking=blocking)
    return replace(scenario, reference=found)


PROBLEM = JobShopProblem()
