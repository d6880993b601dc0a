from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import Split, Tier
from evaluators.scheduling.transaction_order.admission import makespan
from evaluators.scheduling.transaction_order.batch import NO_DELAY, make_batch
from evaluators.scheduling.transaction_order.bound import best_makespan, makespan_bound, path_bound
from evaluators.scheduling.transaction_order.cliques import apart_cliques, extended
from evaluators.scheduling.transaction_order.search import best_found
from evaluators.scheduling.transaction_order.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.transaction_order.batches import (
    batch_of,
    least_by_slots,
    random_batch,
    random_transactions,
)


@pytest.mark.parametrize("seed", range(40))
def test_up_to_seven_transactions_have_their_optimum_as_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    transactions = random_transactions(rng, int(rng.integers(1, 6)), keys=int(rng.integers(1, 6)))
    assert makespan_bound(make_batch(transactions)) == least_by_slots(transactions)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 30), keys=st.integers(1, 12), writes=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_no_order_is_below_the_bound(seed: int, size: int, keys: int, writes: float) -> None:
    batch = random_batch(seed, size, longest=8, keys=keys, writes=writes)
    bound = makespan_bound(batch)
    rng = np.random.default_rng(seed)
    assert all(makespan(batch, rng.permutation(size).tolist()) >= bound for _ in range(20))
    assert best_found(batch, 60) >= bound
    assert bound >= batch.lengths_N.max()


@given(seed=st.integers(0, 10**6), size=st.integers(2, 6), keys=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_the_path_bound_of_a_clique_is_no_more_than_its_optimum(seed: int, size: int, keys: int) -> None:
    batch = random_batch(seed, size, keys=keys, writes=0.8)
    for clique in apart_cliques(batch, np.random.default_rng(0)):
        assert path_bound(batch, clique) <= best_makespan(batch, clique) <= best_makespan(batch, range(size))


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_cliques_are_cliques(seed: int) -> None:
    batch = random_batch(seed, 25, keys=6)
    conflict_NN = batch.delays_NN > NO_DELAY
    np.fill_diagonal(conflict_NN, True)
    found = list(apart_cliques(batch, np.random.default_rng(seed)))
    for clique in [*found, extended(batch, [0])]:
        assert len(set(clique)) == len(clique)
        assert conflict_NN[np.ix_(clique, clique)].all()


def test_the_path_bound_asks_for_a_clique() -> None:
    with pytest.raises(ValueError, match="every two conflict"):
        path_bound(batch_of("wa", "wb"), [0, 1])


def test_writers_of_one_key_are_bounded_by_their_number() -> None:
    assert makespan_bound(batch_of(*["ra wa"] * 30)) == 60  # each reads after the one before has written
    assert makespan_bound(batch_of(*["wa"] * 30)) == 30
    assert makespan_bound(batch_of(*["ra"] * 30)) == 1


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_the_bound_is_within_three_and_a_half_times_what_a_short_search_finds(split: Split) -> None:
    problem = PROBLEM.configured({"transactions": 60, "known_moves": 100})
    scenarios = problem.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(3), split))
    ratios = [(scenario.best_known or 0) / scenario.bound for scenario in scenarios]
    assert min(ratios) >= 1.0
    assert max(ratios) < 3.5
    assert np.mean(ratios) < 2.0
