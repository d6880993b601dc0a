from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.search.islands import Elite
from evolve.search.request import SearchError
from evolve.search.sampling import (
    SAMPLERS,
    BeamSampling,
    BestFirstSampling,
    ParentSampler,
    PowerLawSampling,
    RepeatedSampling,
    TournamentSampling,
    WeightedSampling,
    draw_index,
    robust_z,
)
from tests.evolve.programs import a_member

SCORES = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20)


def a_population(scores: list[float], children: list[int] | None = None) -> list[Elite]:
    counts = children or [0] * len(scores)
    elites = [
        Elite(a_member(place, score), count) for place, (score, count) in enumerate(zip(scores, counts, strict=True))
    ]
    return sorted(elites, key=lambda elite: -elite.member.score)


def share_of_best(sampler: ParentSampler, population: list[Elite], draws: int = 4000) -> float:
    rng = np.random.default_rng(0)
    drawn = Counter(sampler.sample(population, rng).member.candidate_id for _ in range(draws))
    return drawn[population[0].member.candidate_id] / draws


@given(scores=SCORES, seed=st.integers(0, 99))
@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "best_of_n"])
def test_every_sampler_draws_a_member_and_repeats_itself(name: str, scores: list[float], seed: int) -> None:
    population = a_population(scores)
    drawn = SAMPLERS[name].sample(population, np.random.default_rng(seed))
    assert drawn in population
    assert drawn == SAMPLERS[name].sample(population, np.random.default_rng(seed))


@given(scores=SCORES)
def test_weights_follow_the_score_and_never_vanish(scores: list[float]) -> None:
    weights = WeightedSampling().weights(a_population(scores))
    assert (weights > 0).all()
    assert (np.diff(weights) <= 1e-12).all()


def test_weight_is_sigmoid_of_robust_z_over_children_plus_one() -> None:
    population = a_population([3.0, 2.0, 1.0], [3, 0, 0])
    expected = [1 / (1 + np.exp(-10.0)) / 4, 0.5, 1 / (1 + np.exp(10.0))]
    np.testing.assert_allclose(WeightedSampling().weights(population), expected)


def test_members_are_drawn_in_proportion_to_their_weights() -> None:
    population = a_population([1.0, 1.0], [0, 2])
    drawn = [WeightedSampling().sample(population, np.random.default_rng(seed)).num_children for seed in range(4000)]
    assert np.mean(np.array(drawn) == 0) == pytest.approx(0.75, abs=0.03)


def test_robust_z_of_equal_scores_is_zero() -> None:
    assert robust_z(np.array([2.0, 2.0, 2.0])).tolist() == [0.0, 0.0, 0.0]


def test_robust_z_survives_a_majority_of_equal_scores() -> None:
    assert robust_z(np.array([0.0, 0.0, 0.0, 4.0])).tolist() == [0.0, 0.0, 0.0, 4.0]


def test_robust_z_of_scores_that_hardly_differ_is_finite() -> None:
    assert robust_z(np.array([0.0, 5e-324, 1e-323, 0.5])).max() == 1e6


def test_power_law_goes_by_rank() -> None:
    assert share_of_best(PowerLawSampling(), a_population([0.9, 0.1])) == pytest.approx(2 / 3, abs=0.03)


def test_tournament_of_two_prefers_the_better() -> None:
    assert share_of_best(TournamentSampling(size=2), a_population([0.9, 0.1])) == pytest.approx(3 / 4, abs=0.03)


def test_uniform_and_hill_climbing_are_the_extremes() -> None:
    population = a_population([0.9, 0.1])
    assert share_of_best(SAMPLERS["uniform"], population) == pytest.approx(0.5, abs=0.03)
    assert share_of_best(SAMPLERS["hill_climbing"], population) == 1.0


def test_best_first_draws_the_best_for_its_share_and_by_rank_else() -> None:
    population = a_population([0.9, 0.5])
    by_rank = 1 / (1 + 1 / 2)
    assert share_of_best(BestFirstSampling(best_share=0.6), population) == pytest.approx(0.6 + 0.4 * by_rank, abs=0.03)
    assert share_of_best(BestFirstSampling(best_share=1.0), population) == 1.0


def test_instance_winners_are_drawn_by_the_instances_they_win() -> None:
    scores = {"best": (0.6, 0.6, 0.0, 0.6), "specialist": (0.0, 0.0, 0.9, 0.0), "dominated": (0.5, 0.6, 0.0, 0.5)}
    population = [
        Elite(replace(a_member(place, sum(each) / 4), candidate_id=name, instance_scores=each))
        for place, (name, each) in enumerate(scores.items())
    ]
    sampler = SAMPLERS["instance_winners"]
    rng = np.random.default_rng(0)
    drawn = Counter(sampler.sample(population, rng).member.candidate_id for _ in range(2000))
    assert set(drawn) == {"best", "specialist"}
    assert drawn["specialist"] / 2000 == pytest.approx(0.25, abs=0.03)


def test_instance_winners_of_members_without_instances_are_the_best() -> None:
    population = [Elite(replace(a_member(place, 0.5), instance_scores=())) for place in range(3)]
    assert SAMPLERS["instance_winners"].sample(population, np.random.default_rng(0)) == population[0]


def test_beam_takes_its_members_in_turn() -> None:
    population = a_population([0.9, 0.5, 0.1], [2, 1, 0])
    assert BeamSampling(width=2).sample(population, np.random.default_rng(0)).num_children == 1


def test_best_of_n_never_draws_a_child() -> None:
    founder = Elite(a_member(7, -0.5, founder=True), 100)
    assert RepeatedSampling().sample([*a_population([0.9, 0.1]), founder], np.random.default_rng(0)) is founder


@pytest.mark.parametrize(
    "build",
    [lambda: TournamentSampling(size=0), lambda: BeamSampling(width=0)],
)
def test_senseless_sizes_are_refused(build: Callable[[], ParentSampler]) -> None:
    with pytest.raises(SearchError, match="at least 1"):
        build()


@given(weights=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=9).filter(any), seed=st.integers(0, 99))
def test_a_weight_of_zero_is_never_drawn(weights: list[float], seed: int) -> None:
    assert weights[draw_index(np.array(weights), np.random.default_rng(seed))] > 0


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(SearchError, match="best_share"):
        BestFirstSampling(best_share=2.0)
