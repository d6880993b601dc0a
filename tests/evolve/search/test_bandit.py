from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.search.bandit import POLICIES, AsymmetricUpperConfidence, Bandit
from evolve.search.request import Arm, Operator, SearchError

GOOD, BAD, DEAR = (Arm(model, Operator.DIFF) for model in ("good", "bad", "dear"))


def shares(policy: str, gains: dict[Arm, float | None], costs: dict[Arm, float], price_weight: float) -> Counter[Arm]:
    """How often each arm is chosen in the last 300 of 600 rounds, when arms always bring the same."""
    bandit, rng, chosen = Bandit(POLICIES[policy], tuple(gains), price_weight), np.random.default_rng(3), Counter[Arm]()
    for index in range(600):
        arm = bandit.choose(tuple(gains), {}, rng)
        bandit.learn(arm, gains[arm], costs[arm])
        chosen[arm] += index >= 300
    return chosen


@pytest.mark.parametrize("policy", POLICIES)
def test_the_arm_that_brings_gains_wins(policy: str) -> None:
    chosen = shares(policy, {GOOD: 0.1, BAD: None}, {GOOD: 0.0, BAD: 0.0}, 0.5)
    assert chosen[GOOD] > 200


@pytest.mark.parametrize("policy", POLICIES)
def test_of_equal_arms_the_cheap_one_wins_if_prices_count(policy: str) -> None:
    gains: dict[Arm, float | None] = {GOOD: 0.1, DEAR: 0.1}
    costs = {GOOD: 0.001, DEAR: 0.1}
    assert shares(policy, gains, costs, 1.0)[GOOD] > 225
    assert shares(policy, gains, costs, 0.0)[GOOD] < 225


@pytest.mark.parametrize("policy", POLICIES)
def test_a_free_model_does_not_shut_out_one_that_brings_far_more(policy: str) -> None:
    chosen = shares(policy, {GOOD: 0.1, BAD: None}, {GOOD: 0.01, BAD: 0.0}, 0.5)
    assert chosen[GOOD] > 60


@pytest.mark.parametrize("policy", POLICIES)
def test_every_arm_is_tried_though_the_first_brings_gains(policy: str) -> None:
    arms = tuple(Arm(f"model {number}", Operator.DIFF) for number in range(12))
    bandit, rng = Bandit(POLICIES[policy], arms), np.random.default_rng(5)
    for _ in range(100):
        arm = bandit.choose(arms, {}, rng)
        bandit.learn(arm, 0.1 if arm == arms[0] else None, 0.0)
    assert all(state.told > 0 for state in bandit.states.values())


def test_an_operator_that_was_not_possible_at_first_has_the_price_of_its_model() -> None:
    dear, cheap, late = Arm("dear", Operator.DIFF), Arm("cheap", Operator.DIFF), Arm("cheap", Operator.CROSSOVER)
    bandit = Bandit(AsymmetricUpperConfidence(uniform_share=0.0), (dear, cheap, late))
    for _ in range(10):
        bandit.learn(dear, 0.1, 1.0)
        bandit.learn(cheap, 0.1, 0.01)
    assert bandit.choose((dear, cheap, late), {}, np.random.default_rng(0)) == late


def test_an_arm_told_once_is_not_taken_for_a_new_one_when_its_count_fades() -> None:
    bandit, rng = Bandit(POLICIES["ucb1"], (GOOD, BAD), 0.0), np.random.default_rng(0)
    bandit.learn(BAD, None, 0.0)
    for _ in range(3):
        bandit.learn(GOOD, 1.0, 0.0)
    assert bandit.states[BAD].pulls < 1
    assert bandit.choose((BAD, GOOD), {}, rng) == GOOD


def test_the_uniform_share_does_not_see_prices() -> None:
    bandit = Bandit(AsymmetricUpperConfidence(uniform_share=1.0), (GOOD, DEAR), 1.0)
    for _ in range(50):
        bandit.learn(GOOD, 0.1, 0.001)
        bandit.learn(DEAR, 0.1, 0.1)
    rng = np.random.default_rng(0)
    chosen = Counter(bandit.choose((GOOD, DEAR), {}, rng) for _ in range(400))
    assert 160 < chosen[DEAR] < 240


def test_asks_that_wait_push_the_next_one_elsewhere() -> None:
    bandit = Bandit(POLICIES["ucb1"], (GOOD, BAD))
    rng = np.random.default_rng(0)
    assert bandit.choose((GOOD, BAD), {}, rng) == GOOD
    assert bandit.choose((GOOD, BAD), {GOOD: 1}, rng) == BAD


def test_only_what_is_allowed_is_chosen_and_strangers_teach_nothing() -> None:
    bandit = Bandit(POLICIES["thompson"], (GOOD, BAD))
    bandit.learn(DEAR, 0.5, 1.0)
    assert {bandit.choose((BAD,), {}, np.random.default_rng(seed)) for seed in range(5)} == {BAD}
    assert [state.told for state in bandit.states.values()] == [0, 0]


def test_a_bandit_without_arms_is_refused() -> None:
    with pytest.raises(SearchError, match="needs an arm"):
        Bandit(POLICIES["ucb1"], ())


@given(
    gains=st.lists(st.one_of(st.none(), st.floats(-10, 10)), max_size=60),
    cost=st.floats(0, 10),
    policy=st.sampled_from(sorted(POLICIES)),
)
def test_sums_stay_in_bounds_and_choices_are_repeatable(gains: list[float | None], cost: float, policy: str) -> None:
    bandit = Bandit(POLICIES[policy], (GOOD, BAD))
    for place, gain in enumerate(gains):
        bandit.learn((GOOD, BAD)[place % 2], gain, cost)
    for state in bandit.states.values():
        assert 0.0 <= state.reward <= state.pulls <= state.told
    choices = [bandit.choose((GOOD, BAD), {GOOD: 2}, np.random.default_rng(5)) for _ in range(2)]
    assert choices[0] == choices[1]
