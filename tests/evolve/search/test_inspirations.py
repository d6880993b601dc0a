from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.search.inspirations import INSPIRATIONS, InspirationChooser, choose_donor, choose_inspirations, gain_over
from evolve.search.islands import Elite
from tests.evolve.programs import a_member

PARENT = a_member(0, 0.5, wins=(0.9, 0.1))
BEST = a_member(1, 0.6, wins=(0.9, 0.3))
COMPLEMENT = a_member(2, 0.4, wins=(0.0, 0.8))
WORSE = a_member(3, 0.05, wins=(0.0, 0.1))
COMPLEMENTARY, UNIFORM = INSPIRATIONS["complementary"], INSPIRATIONS["uniform"]
POPULATION = [Elite(member) for member in (BEST, PARENT, COMPLEMENT, WORSE)]


def test_gain_counts_only_the_instances_won() -> None:
    assert gain_over(COMPLEMENT, PARENT) == 0.8 - 0.1
    assert gain_over(WORSE, PARENT) == 0.0


def test_donors_are_drawn_by_what_the_parent_lacks() -> None:
    drawn = Counter(
        choose_donor(COMPLEMENTARY, POPULATION, PARENT, np.random.default_rng(seed)) for seed in range(2000)
    )
    assert set(drawn) == {BEST, COMPLEMENT}
    assert 0.74 < drawn[COMPLEMENT] / 2000 < 0.82  # 0.7 of 0.9


def test_any_member_is_drawn_as_a_donor_by_the_uniform_choice() -> None:
    drawn = Counter(choose_donor(UNIFORM, POPULATION, PARENT, np.random.default_rng(seed)) for seed in range(2000))
    assert set(drawn) == {BEST, COMPLEMENT, WORSE}
    assert all(0.29 < times / 2000 < 0.38 for times in drawn.values())


def test_a_parent_alone_has_no_donor() -> None:
    assert choose_donor(COMPLEMENTARY, [Elite(PARENT)], PARENT, np.random.default_rng(0)) is None


def test_where_nobody_wins_anything_every_donor_is_alike() -> None:
    strongest = a_member(9, 1.0, wins=(1.0, 1.0))
    drawn = {choose_donor(COMPLEMENTARY, POPULATION, strongest, np.random.default_rng(seed)) for seed in range(100)}
    assert drawn == {BEST, PARENT, COMPLEMENT, WORSE}


def test_inspirations_are_the_chosen_the_best_and_the_most_complementary() -> None:
    rng = np.random.default_rng(0)
    assert choose_inspirations(COMPLEMENTARY, POPULATION, PARENT, (), 2, rng) == (BEST, COMPLEMENT)
    assert choose_inspirations(COMPLEMENTARY, POPULATION, PARENT, (WORSE,), 3, rng) == (WORSE, BEST, COMPLEMENT)


def test_the_uniform_choice_shows_the_worst_as_often_as_the_best() -> None:
    shown = [
        choose_inspirations(UNIFORM, POPULATION, PARENT, (), 1, np.random.default_rng(seed)) for seed in range(999)
    ]
    assert shown.count((WORSE,)) == pytest.approx(333, abs=60)
    assert shown.count((BEST,)) == pytest.approx(333, abs=60)


@pytest.mark.parametrize("chooser", INSPIRATIONS.values(), ids=list(INSPIRATIONS))
@given(limit=st.integers(0, 9), seed=st.integers(0, 99))
def test_inspirations_are_bounded_distinct_and_never_the_parent(
    chooser: InspirationChooser, limit: int, seed: int
) -> None:
    chosen = choose_inspirations(chooser, POPULATION, PARENT, (), limit, np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen)) == min(limit, 3)
    assert PARENT not in chosen
