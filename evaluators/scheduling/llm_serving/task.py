"""The task `llm_serving`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.contract import ContractError, Descriptor, Limits, Split, Task, Tier
from evaluators.parameters import file_path
from evaluators.problem import Settings
from evaluators.scheduling.llm_serving import report
from evaluators.scheduling.llm_serving.parameters import PARAMETERS
from evaluators.scheduling.llm_serving.scenario import Scenario, build_scenario
from evaluators.scheduling.llm_serving.suite import Recipe, draw, recipes
from evaluators.scheduling.llm_serving.terms import METRICS, POLICY
from evaluators.scheduling.llm_serving.traces import TraceRow, read_trace
from evaluators.seeding import SeedSource
from evaluators.suite_problem import SuiteProblem

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
    # cause and the limits among the metrics; 5: prefixes are numbered as they come, answers stay with their model
    revision=5,
    limits={
        Tier.SMOKE: Limits.of_cpu(6.0),
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


def scenario_of(recipe: Recipe, tier: Tier, settings: Settings, seeds: SeedSource) -> Scenario:
    """The scenario that a recipe and its seed stand for, its requests and anchors included."""
    arrivals, fleet = draw(recipe, _rate(settings), np.random.default_rng(seeds.instance(recipe.name)))
    return build_scenario(
        recipe.name,
        recipe.regime.name,
        arrivals,
        fleet,
        seed=seeds.candidate(recipe.name),
        means=(recipe.service.mean_prompt, recipe.service.mean_output),
        finds_capacity=tier is Tier.REPORT,
    )


def _read(settings: Settings) -> Sequence[TraceRow] | None:
    trace = settings.get("trace", "")
    return read_trace(file_path(trace)) if trace else None


def _check(settings: Settings, trace: Sequence[TraceRow] | None) -> None:
    """A rate too low to compute with, and combinations that no scenario has."""
    rate = _rate(settings)
    if 0 < rate < LEAST_RATE:
        raise ContractError(f"rate: expected 0 (by load) or at least {LEAST_RATE:g} requests/s, found {rate:g}")
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        recipes(Tier.QUICK, split, settings, trace)


def _draw(
    settings: Settings, trace: Sequence[TraceRow] | None, tier: Tier, split: Split, seeds: SeedSource
) -> Sequence[Scenario]:
    return [scenario_of(recipe, tier, settings, seeds) for recipe in recipes(tier, split, settings, trace)]


def _rate(settings: Settings) -> float:
    return float(settings.get("rate", 0.0))


PROBLEM = SuiteProblem(
    task=TASK, read=_read, check=_check, draw=_draw, report=report, most=lambda scenario: scenario.score(scenario.bound)
)
