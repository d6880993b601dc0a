"""The task `expert_topology`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.placement.expert_topology import report
from evaluators.placement.expert_topology.parameters import PARAMETERS
from evaluators.placement.expert_topology.scenario import Scenario, build_scenario
from evaluators.placement.expert_topology.suite import Recipe, recipes
from evaluators.placement.expert_topology.terms import METRICS, PLACE
from evaluators.placement.expert_topology.trace import RecordedTrace, read_trace
from evaluators.placement.expert_topology.workload import Regime, Workload, draw_workload
from evaluators.placement.profile import curve_of, named_profile, with_measured_expert
from evaluators.seeding import SeedSource

RECORDED = Regime(name="recorded")  # a name only: the tokens come from the user's file

TASK = Task(
    name="expert_topology",
    family="placement",
    summary=(
        "Choose on which GPU the experts of every layer of a mixture-of-experts model sit, from traced tokens: GPUs "
        "must be balanced, and the tokens' way from layer to layer should cross few of the slow links."
    ),
    entry_points=(PLACE,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="contiguous",
    limits={
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(5.0),
        Tier.REPORT: Limits.of_cpu(40.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="away", low=0.3, high=0.9, bins=6),
        Descriptor(metric="gpu_balance", low=0.5, high=1.0, bins=6),
    ),
    trade_offs=("score", "imbalance_us", "exchange_us"),
    libraries=("numpy", "scipy"),
)


@dataclass(frozen=True, slots=True)
class TopologyProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> TopologyProblem:
        """The problem for the user's own model, machine, service or recorded routing.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, a malformed file, or an impossible combination.
        """
        problem = TopologyProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        trace = problem._trace()
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
            problem._recipes(Tier.QUICK, split, trace)
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The scenarios, tokens and anchors included."""
        trace = self._trace()
        return [_scenario(recipe, split, seeds, trace) for recipe in self._recipes(tier, split, trace)]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and causes per regime and service, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores, causes and copies per regime."""
        return report.pictures(results)

    def _trace(self) -> RecordedTrace | None:
        value = self.task.parameters.get("trace", "")
        return read_trace(str(value), self.task.parameters) if value else None

    def _recipes(self, tier: Tier, split: Split, trace: RecordedTrace | None) -> Sequence[Recipe]:
        profile = named_profile(self.task.parameters)
        settings, curve = with_measured_expert(self.task.parameters, profile), curve_of(profile)
        if trace is None:
            return recipes(tier, split, settings, curve)
        return recipes(tier, split, {**trace.settings(), **settings}, curve, regimes=(RECORDED,))


def _scenario(recipe: Recipe, split: Split, seeds: SeedSource, trace: RecordedTrace | None) -> Scenario:
    return build_scenario(
        recipe.name,
        recipe.regime.name,
        recipe.system,
        _workload(recipe, split, np.random.default_rng(seeds.instance(recipe.name)), trace),
        seeds.candidate(recipe.name),
    )


def _workload(recipe: Recipe, split: Split, rng: np.random.Generator, trace: RecordedTrace | None) -> Workload:
    if trace is None:
        return draw_workload(recipe.regime, recipe.trace, rng)
    return trace.workload(recipe.trace, split, rng)


PROBLEM = TopologyProblem()
