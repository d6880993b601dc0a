"""The task `llm_serving`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

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
from evaluators.parameters import file_path, read_settings
from evaluators.scheduling.llm_serving import report
from evaluators.scheduling.llm_serving.parameters import PARAMETERS
from evaluators.scheduling.llm_serving.scenario import Scenario, build_scenario
from evaluators.scheduling.llm_serving.suite import Recipe, draw, recipes
from evaluators.scheduling.llm_serving.terms import METRICS, POLICY
from evaluators.scheduling.llm_serving.traces import TraceRow, read_trace
from evaluators.seeding import SeedSource

LEAST_RATE = 1e-3  # requests per second; with fewer, a clock that counts from 0 loses what a token takes
TASK = Task(
    name="llm_serving",
    family="scheduling",
    summary=(
        "Schedule requests on a fleet of language-model replicas: which replica serves each, in what order, with how "
        "many prompt tokens per iteration. Scored on a token-level simulator: requests within their latency SLOs, "
        "speed, and the slowest twentieth; in some scenarios energy, fine-tuning in idle time, or quality, too."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="round_robin",
    # 2: bursts of the code traffic as recorded; energy, fine-tuning and two models as goals; 3: nothing is left of what
    # an idle replica held when it fails, no prompts where only decodes run, hits of first admissions; 4: misses by
    # cause and the limits among the metrics
    revision=4,
    limits={
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(6.0),
        Tier.FULL: Limits.of_cpu(40.0),
        Tier.REPORT: Limits.of_cpu(400.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="tpot_ms", low=20.0, high=110.0, bins=6),
        Descriptor(metric="kv_peak", low=0.0, high=0.6, bins=6),
    ),
    trade_offs=("score", "attainment", "speed", "tail"),
)


@dataclass(frozen=True, slots=True)
class ServingProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> ServingProblem:
        """The problem for the user's own fleet, traffic and SLOs.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, a malformed trace, or an impossible combination.
        """
        problem = ServingProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        rate, trace = problem._rate(), problem._trace()
        if 0 < rate < LEAST_RATE:
            raise ContractError(f"rate: expected 0 (by load) or at least {LEAST_RATE:g} requests/s, found {rate:g}")
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
            recipes(Tier.QUICK, split, problem.task.parameters, trace)
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The scenarios, requests and anchors included."""
        trace = self._trace()
        return [self.scenario(recipe, tier, seeds) for recipe in recipes(tier, split, self.task.parameters, trace)]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and their parts per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and their parts per regime."""
        return report.pictures(results)

    def scenario(self, recipe: Recipe, tier: Tier, seeds: SeedSource) -> Scenario:
        """The scenario that a recipe and its seed stand for."""
        arrivals, fleet = draw(recipe, self._rate(), np.random.default_rng(seeds.instance(recipe.name)))
        return build_scenario(
            recipe.name,
            recipe.regime.name,
            arrivals,
            fleet,
            seed=seeds.candidate(recipe.name),
            means=(recipe.service.mean_prompt, recipe.service.mean_output),
            finds_capacity=tier is Tier.REPORT,
        )

    def _rate(self) -> float:
        return float(self.task.parameters.get("rate", 0.0))

    def _trace(self) -> Sequence[TraceRow] | None:
        trace = self.task.parameters.get("trace", "")
        return read_trace(file_path(trace)) if trace else None


PROBLEM = ServingProblem()
