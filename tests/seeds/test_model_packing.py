"""The programs of `seeds/model_packing`: valid on every cluster, under the bound, and each the method that it names."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import InstanceResult, Outcome, Split, Tier
from evaluators.placement.model_packing.cluster import Ints
from evaluators.placement.model_packing.placement import first_fit
from evaluators.placement.model_packing.report import adrs_score
from evaluators.placement.model_packing.scenario import Scenario
from evaluators.placement.model_packing.task import PROBLEM
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "model_packing"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
SEARCHES = ("local_search", "iterated_search", "initial")
SHORTER = {"CELLS = 2_000_000": "CELLS = 60_000", "CELLS = 3_000_000": "CELLS = 60_000", "\nNODES = 30": "\nNODES = 2"}


@lru_cache(maxsize=4)
def scenarios(split: Split, tier: Tier = Tier.SMOKE) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(tier, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=1)
def published() -> tuple[Scenario, ...]:
    problem = PROBLEM.configured({"suite": "published"})
    return tuple(problem.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(2), Split.SEARCH)))


def shortened(source: str) -> str:
    for long, short in SHORTER.items():
        source = source.replace(long, short)
    return source


def result(source: str, scenario: Scenario) -> InstanceResult:
    return scenario.play(InProcessCandidate(source), ClockPolicy())


def placed(source: str, scenario: Scenario) -> Ints:
    candidate = InProcessCandidate(source)
    scenario.play(candidate, ClockPolicy())
    _, arguments = candidate.calls[0]
    return np.asarray(candidate._names["place"](*arguments))


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_cluster_and_never_above_the_bound(name: str) -> None:
    large = scenarios(Split.HOLDOUT, Tier.QUICK)[:5]
    for scenario in (*scenarios(Split.SEARCH), *scenarios(Split.HOLDOUT), *large):
        played = result(shortened(SOURCES[name]), scenario)
        assert played.outcome is Outcome.SCORED
        assert played.metrics["room_gb"] <= scenario.bound


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    for scenario in scenarios(Split.SEARCH)[:5:2]:
        source = shortened(SOURCES[name])
        assert result(source, scenario) == result(source, scenario)


def test_first_fit_is_the_weak_baseline() -> None:
    for scenario in (*scenarios(Split.SEARCH), *scenarios(Split.HOLDOUT, Tier.QUICK)):
        weak = first_fit(scenario.cluster)
        assert weak is not None
        assert placed(SOURCES["first_fit"], scenario).tolist() == weak.tolist()
        assert result(SOURCES["first_fit"], scenario).score == 0.0


def test_the_greedy_of_prism_scores_as_published() -> None:
    results = [result(SOURCES["prism_greedy"], scenario) for scenario in published()]
    assert adrs_score(results) == pytest.approx(21.8916, abs=5e-5)


def test_searches_improve_on_where_they_start_and_search_longer_is_no_worse() -> None:
    drawn = scenarios(Split.SEARCH, Tier.QUICK)[:5]
    mean = {
        name: np.mean([result(shortened(SOURCES[name]), scenario).score for scenario in drawn])
        for name in ("three_orders", "local_search", "iterated_search")
    }
    assert mean["three_orders"] < mean["local_search"] <= mean["iterated_search"]


def test_an_integer_program_beats_the_greedy_on_small_clusters_and_is_not_asked_elsewhere() -> None:
    small = [one for one in published() if one.cluster.num_gpus < 7][:3]
    large = scenarios(Split.SEARCH, Tier.QUICK)[1:4]
    for chosen, better in ((small, True), (large, False)):
        exact, greedy = ([result(SOURCES[name], one).score for one in chosen] for name in ("milp", "three_orders"))
        assert (np.array(exact) >= np.array(greedy)).all()
        assert (exact != greedy) == better


@pytest.mark.parametrize("name", SEARCHES)
def test_searches_leave_no_more_than_the_budget(name: str) -> None:
    for scenario in (*scenarios(Split.SEARCH, Tier.QUICK)[4::5], *scenarios(Split.HOLDOUT, Tier.QUICK)[4::5]):
        moved = scenario.cluster.moved_gb(placed(shortened(SOURCES[name]), scenario))
        assert 0 < moved <= scenario.cluster.budget_gb + 1e-9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TRIES = 1", "TRIES = 6"),
        ("AIM = 0.6", "AIM = 0.9"),
        ("ORDER = 0.5", "ORDER = 2.0"),
        ("SNUG = 0.0", "SNUG = 2.0"),
        ("STEPS = 3", "STEPS = 0"),
        ("KICKS = 2", "KICKS = 8"),
        ("KICK_SWAPS = 2", "KICK_SWAPS = 5"),
        ("KICK_RETURNS = 1", "KICK_RETURNS = 3"),
        ("MOVE_PRICE = 0.0", "MOVE_PRICE = 5.0"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(old: str, new: str) -> None:
    source = shortened(SOURCES["initial"])
    changed = source.replace(f"\n{old} ", f"\n{new} ")
    assert changed != source
    drawn = scenarios(Split.SEARCH, Tier.QUICK)[:10]
    assert any(placed(changed, scenario).tolist() != placed(source, scenario).tolist() for scenario in drawn)


@pytest.mark.parametrize(
    "change",
    [
        ("STEPS = 3", "STEPS = -3.5"),
        ("TRIES = 1", "TRIES = 0"),
        ("ORDER = 0.5", "ORDER = -1e300"),
        ("SNUG = 0.0", "SNUG = float('nan')"),
        ("MOVE_PRICE = 0.0", "MOVE_PRICE = 1e300"),
        ("KICKS = 2", "KICKS = 100000"),
    ],
)
def test_no_constant_makes_the_initial_program_fail(change: tuple[str, str]) -> None:
    source = shortened(SOURCES["initial"]).replace(f"\n{change[0]} ", f"\n{change[1]} ")
    for scenario in scenarios(Split.SEARCH):
        assert result(source, scenario).outcome is Outcome.SCORED


def test_the_initial_program_has_one_block_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
