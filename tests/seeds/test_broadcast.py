"""The programs of `seeds/broadcast`: valid on every transfer, below the bound, and each the method that it names."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.broadcast.plan import Ints
from evaluators.scheduling.broadcast.scenario import Scenario
from evaluators.scheduling.broadcast.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "broadcast"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
EVERY_PROGRAM = pytest.mark.parametrize("name", FILES)


@lru_cache(maxsize=4)
def scenarios(tier: Tier, split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(tier, split, SeedSource(secret_from_seed(2), split)))


def trees(source: str, scenario: Scenario) -> Ints:
    return scenario.ask(InProcessCandidate(source))


@EVERY_PROGRAM
def test_every_program_is_scored_on_every_kind_of_transfer_and_stays_below_the_bound(name: str) -> None:
    played = *scenarios(Tier.SMOKE, Split.SEARCH), *scenarios(Tier.QUICK, Split.HOLDOUT)[:5]
    for scenario in played:
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@EVERY_PROGRAM
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_initial_program_is_the_shortest_path_heuristic_with_room_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    for scenario in scenarios(Tier.SMOKE, Split.SEARCH):
        assert (trees(SOURCES["initial"], scenario) == trees(SOURCES["steiner"], scenario)).all()
