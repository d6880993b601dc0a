"""The programs of `seeds/pipeline_schedule`: valid on every pipeline, and each the method that it names."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.pipeline_schedule.scenario import Scenario
from evaluators.scheduling.pipeline_schedule.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.pipeline_schedule.pipelines import a_scenario, random_pipeline
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "pipeline_schedule"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}


@cache
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


def odd_ones() -> list[Scenario]:
    """Memory for one micro-batch and for all, several stages on a device, links of any length."""
    sizes = ((1, 3, 1), (2, 3, 2), (3, 5, 1), (4, 6, 3))
    return [a_scenario(random_pipeline(seed, *sizes[seed % 4])) for seed in range(20)]


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_pipeline_and_not_above_the_bound(name: str) -> None:
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *odd_ones()):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"


def test_one_f_one_b_is_the_weak_baseline() -> None:
    assert PROBLEM.task.weak_baseline == "one_f_one_b"
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *odd_ones()):
        assert scenario.play(InProcessCandidate(SOURCES["one_f_one_b"]), ClockPolicy()).score == 0.0
