"""Every program of the task is scored in the real sandbox, and none passes the bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators import registry
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.run import score_program
from evaluators.seeding import secret_from_seed

FOLDER = Path(__file__).resolve().parents[1]
SEEDS = (FOLDER / "seeds" / "initial.py", *sorted((FOLDER / "seeds" / "baselines").glob("*.py")))
RANDOM_PLANS = """
import numpy as np

RNG = np.random.default_rng(0)


def assign(sizes, machines):
    return RNG.integers(machines, size=len(sizes))
"""
WRONG_PLAN = """
def assign(sizes, machines):
    return [machines] * len(sizes)
"""


def evaluated(source: str, split: Split = Split.SEARCH) -> Evaluation:
    """The score of a program on tier `quick`, as `evolve evaluate` would give it."""
    problem = registry.problem(str(FOLDER))
    return score_program(problem, source, Tier.QUICK, split, secret_from_seed(0), ClockPolicy(), allow_unsafe=False)


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_every_program_is_scored_on_search_and_holdout(path: Path) -> None:
    """No shipped program breaks the contract."""
    for split in (Split.SEARCH, Split.HOLDOUT):
        assert evaluated(path.read_text(), split).outcome is Outcome.SCORED


def test_round_robin_scores_zero_and_the_initial_program_more() -> None:
    """The scale starts at the weak baseline, and evolution above it."""
    weak = evaluated((FOLDER / "seeds" / "baselines" / "round_robin.py").read_text())
    initial = evaluated((FOLDER / "seeds" / "initial.py").read_text())
    assert weak.objective == pytest.approx(0)
    assert (initial.objective or 0) > 0


def test_random_plans_stay_below_the_bound() -> None:
    """The bound holds for plans that nobody made."""
    evaluation = evaluated(RANDOM_PLANS)
    assert all((instance.score or 0) <= 1 for instance in evaluation.instances)


def test_a_machine_that_is_not_there_is_invalid() -> None:
    """A plan outside the contract is an outcome with a sentence, not a score."""
    evaluation = evaluated(WRONG_PLAN)
    assert evaluation.outcome is Outcome.INVALID
    assert any("machines are 0 to" in instance.detail for instance in evaluation.instances)
