from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.significance import EXACT_UP_TO, FLIPS, holm, sign_flip_p

DIFFERENCES = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=24)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8))
def test_few_pairs_are_enumerated(differences: list[int]) -> None:
    observed = abs(sum(differences))
    patterns = list(itertools.product((1, -1), repeat=len(differences)))
    sums = [sum(sign * d for sign, d in zip(signs, differences, strict=True)) for signs in patterns]
    expected = sum(abs(found) >= observed for found in sums) / len(patterns)
    assert sign_flip_p([float(d) for d in differences]) == pytest.approx(expected)


@given(DIFFERENCES)
def test_p_is_a_probability_that_is_never_zero_and_the_same_for_both_directions(differences: list[float]) -> None:
    p = sign_flip_p(differences)
    assert 0 < p <= 1
    assert sign_flip_p([-difference for difference in differences]) == p


@given(DIFFERENCES)
def test_pairs_that_are_alike_say_nothing(differences: list[float]) -> None:
    assert sign_flip_p([*differences, 0.0, 0.0]) == sign_flip_p(differences)


def test_no_difference_at_all_is_no_evidence() -> None:
    assert sign_flip_p([0.0] * 12) == 1.0


def test_the_smallest_p_of_twelve_pairs() -> None:
    assert sign_flip_p([0.1] * 12) == 2 / 2**12
    assert sign_flip_p([0.1] * 12, one_sided=True) == 1 / 2**12
    assert sign_flip_p([-0.1] * 12, one_sided=True) == 1.0


def test_many_pairs_count_the_observed_pattern_too() -> None:
    assert sign_flip_p([0.1] * 40) == 1 / (FLIPS + 1)


def test_the_random_test_agrees_with_the_exact_one() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1, EXACT_UP_TO).tolist()
    exact = sign_flip_p(differences)
    assert sign_flip_p([*differences, 1e-9]) == pytest.approx(exact, abs=0.01)


def test_under_the_null_p_is_at_most_five_percent_in_five_percent_of_all_cases() -> None:
    rng = np.random.default_rng(7)
    found = [sign_flip_p(rng.standard_t(4, 12).tolist()) for _ in range(2000)]
    assert 0.035 <= float(np.mean(np.array(found) <= 0.05)) <= 0.065


REGIMES = [f"regime {i}" for i in range(6) for _ in range(3)]


def _by_regime(rng: np.random.Generator, means: list[float], spreads: list[float]) -> list[float]:
    """Differences of a hold-out: three instances in each of six regimes, which differ in who wins."""
    noise = rng.normal(0, 1, (6, 3)) * np.array(spreads)[:, None]
    return [float(x) for x in (np.array(means)[:, None] + noise).ravel()]


@given(DIFFERENCES)
def test_one_regime_is_the_test_of_the_plain_mean(differences: list[float]) -> None:
    assert sign_flip_p(differences, ["all"] * len(differences)) == sign_flip_p(differences)


@given(st.lists(st.tuples(st.floats(-1, 1, allow_subnormal=False), st.sampled_from("abc")), min_size=1, max_size=24))
def test_within_regimes_too_p_is_never_zero_and_the_same_for_both_directions(pairs: list[tuple[float, str]]) -> None:
    differences, regimes = [difference for difference, _ in pairs], [regime for _, regime in pairs]
    p = sign_flip_p(differences, regimes)
    assert 0 < p <= 1
    assert sign_flip_p([-difference for difference in differences], regimes) == p


def test_within_regimes_few_pairs_are_enumerated_by_hand() -> None:
    differences, regimes = [3.0, 2.0, -1.0, 1.0], ["a", "a", "b", "b"]

    def studentised(signs: tuple[int, ...]) -> float:
        flipped = np.array(differences) * signs
        error = np.sqrt(2 * np.var(flipped[:2], ddof=1) + 2 * np.var(flipped[2:], ddof=1))
        return abs(float(flipped.sum())) / max(float(error), 1e-9)

    patterns = [studentised(signs) for signs in itertools.product((1, -1), repeat=4)]
    expected = sum(found >= patterns[0] - 1e-9 for found in patterns) / len(patterns)
    assert sign_flip_p(differences, regimes) == pytest.approx(expected)


def test_a_program_that_gains_much_here_and_little_there_is_found_out() -> None:
    rng = np.random.default_rng(3)
    found = [_by_regime(rng, [2.0, 1.5, 1.0, 0.0, -0.5, -0.7], [0.3] * 6) for _ in range(100)]
    assert np.mean([sign_flip_p(one, REGIMES) < 0.05 for one in found]) > 0.95
    assert np.mean([sign_flip_p(one) < 0.05 for one in found]) < 0.6  # the plain mean takes regimes for noise


@pytest.mark.parametrize(
    ("means", "spreads"),
    [([0.0] * 6, [1.0, 2.0] * 3), ([-3.0, 3.0] * 3, [1.0] * 6), ([-5.0, 1, 1, 1, 1, 1], [0.1, 0.3, 1, 1, 3, 3])],
)
def test_regimes_that_gain_and_lose_alike_are_no_evidence(means: list[float], spreads: list[float]) -> None:
    rng = np.random.default_rng(11)
    found = [sign_flip_p(_by_regime(rng, means, spreads), REGIMES) for _ in range(300)]
    assert float(np.mean(np.array(found) <= 0.05)) <= 0.08


def test_holm_adjusts_as_published() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, len(p_values) * raw) + 1e-12
    by_raw = [corrected for _, corrected in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)
