"""The programs of `seeds/cluster_balance`: valid on every kind of load, and each the method that it names."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from evaluators.contract import InstanceResult, Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.cluster_balance.scenario import Scenario
from evaluators.scheduling.cluster_balance.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "cluster_balance"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}


@lru_cache(maxsize=4)
def some(tier: Tier, split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(tier, split, SeedSource(secret_from_seed(2), split)))[:8]


def play(source: str, scenario: Scenario) -> InstanceResult:
    return scenario.play(InProcessCandidate(source), ClockPolicy())


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_below_the_bound(name: str) -> None:
    for scenario in (*some(Tier.SMOKE, Split.SEARCH), *some(Tier.SMOKE, Split.HOLDOUT)):
        result = play(SOURCES[name], scenario)
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0
        assert result.metrics["cost_over_bound"] >= 1.0 - 1e-9


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_round_robin_scores_nothing() -> None:
    for scenario in some(Tier.SMOKE, Split.SEARCH):
        assert play(SOURCES["round_robin"], scenario).score == 0.0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TRUST = 200.0", "TRUST = 0.5"),
        ("SHORT = 1.0", "SHORT = 0.0"),
        ("HEAVY = 1.0", "HEAVY = 0.0"),
        ("AGE = 0.0", "AGE = 1.0"),
        ("FAST = 1.0", "FAST = 0.0"),
        ("CHEAP = 0.0", "CHEAP = 1.0"),
        ("TIGHT = 0.0", "TIGHT = 3.0"),
        ("TARGET = 0.5", "TARGET = 0.9"),
        ("PATIENCE = 20.0", "PATIENCE = 1.0"),
        ("SPARE = 1.0", "SPARE = 0.0"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(old: str, new: str) -> None:
    assert old in SOURCES["initial"]
    changed = SOURCES["initial"].replace(old, new)
    assert any(
        play(changed, s).metrics != play(SOURCES["initial"], s).metrics for s in some(Tier.QUICK, Split.SEARCH)[:5]
    )
