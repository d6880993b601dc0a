from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.contract import Outcome, Split
from evolve.comparison import ComparisonError, compare
from tests.evolve.evaluations import a_failed_evaluation, an_evaluation

BASE = np.random.default_rng(0).uniform(0, 1, 18)
SCORES = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=12, max_size=12)


def test_a_gain_on_every_instance_is_better_and_says_how_much() -> None:
    a = an_evaluation(BASE + np.array([0.04, 0.05, 0.06] * 6), split=Split.HOLDOUT)
    found = compare("new", a, "old", an_evaluation(BASE, split=Split.HOLDOUT))
    assert found.interval is not None
    assert found.difference == pytest.approx((a.objective or 0) - BASE.mean())
    assert found.interval.low < (found.difference or 0) < found.interval.high
    assert found.verdict.startswith("new is better than old on the hold-out: +0.05")
    assert found.verdict.endswith("18 instances")
    assert (found.p or 1) < 0.001


def test_noise_is_not_a_difference() -> None:
    noise = np.array([0.2, -0.2, 0.1, -0.3, 0.2, 0.05] * 3)
    a = an_evaluation(BASE + noise)
    assert "is not shown to differ" in compare("a", a, "b", an_evaluation(BASE)).verdict


def test_few_instances_are_not_enough() -> None:
    found = compare("a", an_evaluation([0.4, 0.5]), "b", an_evaluation([0.1, 0.2]))
    assert found.interval is None
    assert "too few instances" in found.verdict


def test_regimes_add_up_to_the_difference() -> None:
    found = compare("a", an_evaluation(BASE[::-1]), "b", an_evaluation(BASE))
    assert {regime.regime for regime in found.regimes} == {"odd", "even"}
    total = sum(regime.difference * regime.instances for regime in found.regimes)
    assert total / found.instances == pytest.approx(found.difference)


def test_a_program_without_a_score_gives_no_figures() -> None:
    found = compare("a", a_failed_evaluation(Outcome.CRASHED), "b", an_evaluation(BASE[:12]))
    assert found.difference is None
    assert "a ended as crashed" in found.verdict


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"task_identity": "other"}, "with task"),
        ({"environment_class": "another machine"}, "with environment class"),
        ({"seeds": "0" * 16}, "with seeds"),
    ],
)
def test_scores_on_other_terms_are_refused(change: dict[str, str], complaint: str) -> None:
    a = an_evaluation(BASE)
    with pytest.raises(ComparisonError, match=complaint):
        compare("a", a, "b", replace(a, **change))  # type: ignore[arg-type]


@given(SCORES, SCORES)
def test_exchanging_the_programs_changes_the_signs_only(first: list[float], second: list[float]) -> None:
    a, b = an_evaluation(first), an_evaluation(second)
    forth, back = compare("a", a, "b", b), compare("b", b, "a", a)
    assert forth.p == back.p
    assert forth.interval is not None
    assert back.interval is not None
    assert (forth.difference, forth.interval.low, forth.interval.high) == pytest.approx(
        (-(back.difference or 0), -back.interval.high, -back.interval.low), abs=1e-9
    )
    claims = {"better": "worse", "worse": "better"}
    words = next((word for word in claims if f"is {word}" in forth.verdict), None)
    assert words is None or f"is {claims[words]}" in back.verdict
