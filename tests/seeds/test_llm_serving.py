"""The programs of `seeds/llm_serving`: valid on every kind of fleet, what they say they are, and cited."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from evaluators.contract import InstanceResult, Outcome, PlannerClock, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.llm_serving.regimes import HOLDOUT_REGIMES, SEARCH_REGIMES
from evaluators.scheduling.llm_serving.scenario import Scenario
from evaluators.scheduling.llm_serving.suite import Recipe, recipes
from evaluators.scheduling.llm_serving.task import PROBLEM, scenario_of
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "llm_serving"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
EVERY_PROGRAM = pytest.mark.parametrize("name", FILES)
MODELLED = ClockPolicy(clock=PlannerClock.MODELLED)


@lru_cache(maxsize=2)
def small_scenarios(split: Split) -> tuple[Scenario, ...]:
    """Every regime of the split, thirty requests each, and the edges."""
    source = SeedSource(secret_from_seed(0), split)
    every = recipes(Tier.QUICK, split, {}, None)
    assert [recipe.regime.name for recipe in every] == [
        regime.name for regime in (HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES)
    ]
    return (*(scenario_of(_shortened(recipe), Tier.SMOKE, {}, source) for recipe in every), *_edges(split, source))


def _shortened(recipe: Recipe) -> Recipe:
    return Recipe(name=recipe.name, regime=recipe.regime, service=recipe.service, requests=30, fleet=recipe.fleet)


def _edges(split: Split, source: SeedSource) -> list[Scenario]:
    return [s for s in PROBLEM.instances(Tier.SMOKE, split, source) if s.regime in ("one", "pair")]


def results(name: str, split: Split) -> list[InstanceResult]:
    source = FILES[name].read_text(encoding="utf-8")
    return [scenario.play(InProcessCandidate(source), MODELLED) for scenario in small_scenarios(split)]


@EVERY_PROGRAM
@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_a_program_keeps_the_contract_on_every_fleet(name: str, split: Split) -> None:
    for result in results(name, split):
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1


def test_the_initial_program_decides_as_least_outstanding() -> None:
    for split in (Split.SEARCH, Split.HOLDOUT):
        initial, named = results("initial", split), results("least_outstanding", split)
        assert [r.score for r in initial] == [r.score for r in named]


def test_what_evolves_sees_the_fleet_and_remembers_the_instance() -> None:
    """A routing score that needs both, put in the place of the initial program's."""
    told = "def route_score(request, replica, config, memory):"
    counts = (
        f"{told}\n"
        "    memory['routed'] = memory.get('routed', 0) + 1\n"
        "    assert len(config['linear_s']) == len(config['role']) == len(replica.running)\n"
        "    return 0.0 * replica.running + (memory['routed'] + np.arange(len(replica.running))) % 2\n\n\n"
        "def unused(request, replica, config, memory):"
    )
    source = FILES["initial"].read_text(encoding="utf-8")
    assert source.count(told) == 1
    scenario = small_scenarios(Split.SEARCH)[0]
    changed, first = (scenario.play(InProcessCandidate(s), MODELLED) for s in (source.replace(told, counts), source))
    assert changed.outcome is Outcome.SCORED
    assert changed.score != first.score


@EVERY_PROGRAM
def test_a_program_cites_its_source_and_stands_in_the_table(name: str) -> None:
    told = ast.get_docstring(ast.parse(FILES[name].read_text(encoding="utf-8")))
    assert told is not None
    assert "Source:" in told or "Method:" in told
    assert f"{name}.py`" in (SEEDS / "README.md").read_text(encoding="utf-8")
