"""The exact check against rational arithmetic, the bound against random packings, the programs on many sizes."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluators import registry
from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, Outcome, Split, Tier
from evaluators.packing.circle_packing.exact import breach, sum_of_radii
from evaluators.packing.circle_packing.task import PUBLISHED_SUM, Square, bound, grid_sum, score
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

Packing = npt.NDArray[np.float64]

SEEDS = Path(__file__).parents[3] / "seeds" / "circle_packing"
PROGRAMS = {path.stem: path.read_text() for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
TWO_TOUCHING = [[0.25, 0.25, 0.25], [0.75, 0.25, 0.25]]


def fits(circles: Packing) -> bool:
    """The conditions as they are written, over rational numbers."""
    rows = [[Fraction(value) for value in row] for row in circles.tolist()]
    inside = all(r >= 0 and r <= x <= 1 - r and r <= y <= 1 - r for x, y, r in rows)
    return inside and all(
        (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 >= (a[2] + b[2]) ** 2 for a, b in combinations(rows, 2)
    )


def packed(circles: int, rng: np.random.Generator) -> Packing:
    """Some valid packing of at most so many: random centres outside earlier circles, radii given out greedily."""
    rows: list[list[float]] = []
    for x, y in rng.uniform(size=(circles, 2)).tolist():
        room = min([x, y, 1 - x, 1 - y, *(float(np.hypot(x - a, y - b)) - r for a, b, r in rows)])
        if room > 0:
            rows.append([x, y, room * rng.uniform(0.5, 1 - 1e-9)])
    return np.array(rows)


def square(circles: int) -> Square:
    return Square("a-0", "some", circles, 7)


@pytest.mark.parametrize("slack", [1.2e-16, 1e-12, 1e-9, 1e-6])
def test_no_overlap_is_small_enough_to_be_accepted(slack: float) -> None:
    """Public evaluators of this problem allow 1e-6 and the like, which is where their last digits come from."""
    assert breach(np.array(TWO_TOUCHING)) == ""
    assert "overlap" in breach(np.array(TWO_TOUCHING) - [[0, 0, 0], [slack, 0, 0]])
    assert "leaves the unit square" in breach(np.array([[0.25 - slack, 0.25, 0.25]]))


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=3))
@example([(-1.7e308, 0.5, 1.7e308)])
def test_any_finite_numbers_are_judged(rows: list[tuple[float, float, float]]) -> None:
    fault = breach(np.array(rows))
    if np.abs(rows).max() > 1:
        assert fault.startswith("circle")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-17, 1e-16, 1e-9]), st.integers(2, 9))
def test_the_check_agrees_with_rational_arithmetic(seed: int, nudge: float, circles: int) -> None:
    rng = np.random.default_rng(seed)
    packing = packed(circles, rng)
    i, j = rng.choice(len(packing), 2, replace=len(packing) < 2)
    packing[i, 2] = max(0.0, np.hypot(*(packing[i, :2] - packing[j, :2])) - packing[j, 2]) + nudge
    assert (breach(packing) == "") == fits(packing)


def test_negative_radii_and_subnormal_numbers_are_judged_too() -> None:
    assert "negative radius" in breach(np.array([[0.5, 0.5, -1e-300]]))
    assert breach(np.array([[5e-324, 0.5, 5e-324]])) == ""
    assert "leaves" in breach(np.array([[5e-324, 0.5, 1e-323]]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_no_packing_exceeds_the_bound(seed: int, circles: int) -> None:
    packing = packed(circles, np.random.default_rng(seed))
    assert breach(packing) == ""
    assert sum_of_radii(packing) < bound(len(packing))
    assert score(sum_of_radii(packing), len(packing)) < 1


@pytest.mark.parametrize("circles", [1, 4, 9, 16, 25, 100])
def test_the_bound_is_above_full_grids_and_the_published_sum(circles: int) -> None:
    assert grid_sum(circles) < bound(circles)
    assert bound(26) > PUBLISHED_SUM > grid_sum(26)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_shipped_program_packs_every_size(name: str) -> None:
    for circles in (2, 3, 5, 10, 17):
        result = square(circles).play(InProcessCandidate(PROGRAMS[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score < 1


def test_the_grid_scores_zero_and_the_optimiser_beats_it() -> None:
    scores = {name: square(12).play(InProcessCandidate(PROGRAMS[name]), ClockPolicy()).score for name in PROGRAMS}
    assert scores["grid"] == pytest.approx(0, abs=1e-9)
    assert max(scores, key=lambda name: scores[name] or 0) == "slsqp"
    assert (scores["initial"] or 0) > 0


def test_an_overlap_is_invalid_and_says_where() -> None:
    program = "def pack(circles, seed):\n    return [[0.5, 0.5, 0.5]] * circles"
    with pytest.raises(CandidateFailure, match="circles 0 and 1 overlap") as caught:
        square(2).play(InProcessCandidate(program), ClockPolicy())
    assert caught.value.outcome is Outcome.INVALID


def test_splits_have_twelve_sizes_and_the_holdout_has_others() -> None:
    problem = registry.problem("circle_packing")
    sizes = {}
    for split in Split:
        made = problem.instances(Tier.QUICK, split, SeedSource(secret_from_seed(1), split))
        assert len({instance.name for instance in made}) == 12
        sizes[split] = {instance.name.partition("-")[0] for instance in made}
    assert sizes[Split.SEARCH] == sizes[Split.VALIDATION]
    assert "26" in sizes[Split.SEARCH]
    assert not sizes[Split.SEARCH] & sizes[Split.HOLDOUT]


def test_one_size_can_be_asked_for_and_is_compared_with_the_published_sum() -> None:
    problem = registry.problem("circle_packing").configured({"circles": "26"})
    assert problem.task.identity != registry.problem("circle_packing").task.identity
    seeds = SeedSource(secret_from_seed(1), Split.HOLDOUT)
    made = problem.instances(Tier.QUICK, Split.HOLDOUT, seeds)
    assert len(made) == 12
    result = made[0].play(InProcessCandidate(PROGRAMS["hexagonal"]), ClockPolicy())
    assert result.metrics["ratio_to_published"] == pytest.approx(result.metrics["sum_radii"] / PUBLISHED_SUM)
    assert "published 2.635983" in problem.feedback([result])
    with pytest.raises(ContractError, match="circles"):
        problem.configured({"circles": "26.5"})


def test_other_sizes_name_no_published_sum() -> None:
    result = square(12).play(InProcessCandidate(PROGRAMS["grid"]), ClockPolicy())
    assert set(result.metrics) == {"sum_radii"}
