from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluators.measure import Interval, lower_bound, mean_interval, paired_interval, unpaired_interval, upper_bound

SCORES = [0.1, 0.3, 0.2, 0.4, 0.5, 0.35, 0.15, 0.25, 0.45, 0.55, 0.3, 0.2]


def test_one_stratum_of_symmetric_scores_has_the_textbook_interval() -> None:
    scores = [*SCORES, *(1 - score for score in SCORES)]
    low, high = stats.t.interval(0.95, len(scores) - 1, loc=np.mean(scores), scale=stats.sem(scores))
    found = mean_interval(scores, ["r"] * len(scores))
    assert found is not None
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_a_long_tail_draws_the_interval_to_its_side() -> None:
    scores = [0.0, 0.01, 0.02, 0.03, 0.01, 0.02, 0.0, 0.01, 0.02, 0.03, 0.1, 0.6]
    found = mean_interval(scores, ["r"] * 12)
    mirrored = mean_interval([-score for score in scores], ["r"] * 12)
    assert found is not None
    assert mirrored is not None
    assert found.high - np.mean(scores) > np.mean(scores) - found.low
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_one_sided_bounds_are_the_ends_of_the_ninety_percent_interval() -> None:
    strata = ["a"] * 5 + ["b"] * 7
    interval = mean_interval(SCORES, strata, confidence=0.9)
    assert interval is not None
    assert lower_bound(SCORES, strata) == pytest.approx(interval.low)
    assert upper_bound(SCORES, strata) == pytest.approx(interval.high)
    assert lower_bound(SCORES[:11], strata[:11]) is None


def test_differences_between_strata_are_not_noise() -> None:
    strata = ["easy"] * 6 + ["hard"] * 6
    shifted = [score + (10 if stratum == "hard" else 0) for score, stratum in zip(SCORES, strata, strict=True)]
    plain, apart = mean_interval(SCORES, strata), mean_interval(shifted, strata)
    assert plain is not None
    assert apart is not None
    assert apart.high - apart.low == pytest.approx(plain.high - plain.low)


def test_too_few_scores_have_no_interval() -> None:
    assert mean_interval(SCORES[:11], ["r"] * 11) is None


def test_equal_scores_have_an_interval_of_no_width() -> None:
    assert mean_interval([0.5] * 12, ["r"] * 12) == Interval(0.5, 0.5)


def test_strata_of_one_are_pooled() -> None:
    assert mean_interval(SCORES, [str(i) for i in range(12)]) == mean_interval(SCORES, ["r"] * 12)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one stratum per score"):
        mean_interval(SCORES, ["r"])


@given(st.lists(st.floats(-1, 1), min_size=12, max_size=30), st.floats(-1, 1))
def test_a_constant_paired_difference_is_certain(scores: list[float], gain: float) -> None:
    strata = ["a" if i % 2 else "b" for i in range(len(scores))]
    found = paired_interval([score + gain for score in scores], scores, strata)
    assert found is not None
    assert found.low == pytest.approx(gain, abs=1e-9)
    assert found.high == pytest.approx(gain, abs=1e-9)


@given(st.permutations(range(12)))
def test_the_order_of_instances_does_not_matter(order: list[int]) -> None:
    strata = ["a"] * 5 + ["b"] * 7
    expected = mean_interval(SCORES, strata)
    found = mean_interval([SCORES[i] for i in order], [strata[i] for i in order])
    assert expected is not None
    assert found is not None
    assert found.low == pytest.approx(expected.low)
    assert found.high == pytest.approx(expected.high)


def test_two_symmetric_samples_have_welchs_interval() -> None:
    first = [*SCORES, *(1 - score for score in SCORES)]
    second = [0.2, 0.4, 0.6, 0.8, 0.1, 0.9, 0.3, 0.7]
    found = unpaired_interval(first, ["r"] * len(first), second, ["r"] * len(second))
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
