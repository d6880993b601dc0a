from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.contract import Split, Tier
from evaluators.scheduling.sequence_split.bound import (
    area_bound,
    best_shard_us,
    least_micro_batches,
    rest_bound,
    step_bound_us,
)
from evaluators.scheduling.sequence_split.first_fit import first_fit, micro_batches_of
from evaluators.scheduling.sequence_split.machine import Batch, Sync
from evaluators.scheduling.sequence_split.task import PROBLEM
from evaluators.scheduling.sequence_split.timing import time_plan
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.sequence_split.batches import (
    all_plans,
    batch_of,
    fits,
    machine,
    random_batch,
    random_plan,
)


def best_step_us(batch: Batch) -> float:
    """Over all valid plans."""
    return min(time_plan(batch, plan).step_us for plan in all_plans(batch) if fits(batch, plan))


def tiny_batch(seed: int) -> Batch:
    """Few enough sequences to try every plan."""
    rng = np.random.default_rng(seed)
    ranks, size, groups = ((2, 4, 2), (3, 3, 2), (3, 4, 1), (2, 6, 1))[seed % 4]
    on = machine(
        ranks,
        int(rng.integers(1, ranks + 1)),
        sync=list(Sync)[seed // 4 % 2],
        overlap=bool(seed // 8 % 2),
        hop_us=float(rng.choice([0.0, 20.0])),
        overhead_us=float(rng.choice([0.0, 30.0])),
    )
    lengths = rng.integers(5, 300, size).tolist()
    cap = max(int(1.2 * sum(lengths) / ranks / groups), -(-max(lengths) // ranks))
    while micro_batches_of(first_fit(batch_of(*lengths, on=on, cap=cap))) > groups:
        cap += 10
    return batch_of(*lengths, on=on, cap=cap, micro_batches=groups)


@pytest.mark.parametrize("seed", range(16))
def test_no_plan_of_all_is_below_the_bound_and_it_is_near(seed: int) -> None:
    batch = tiny_batch(seed)
    best_us, bound_us = best_step_us(batch), step_bound_us(batch)
    assert bound_us <= best_us
    assert best_us < 1.7 * bound_us


def test_the_bound_is_the_optimum_where_nothing_is_in_the_way() -> None:
    whole = batch_of(100, 100, 100, 100)
    assert step_bound_us(whole) == pytest.approx(best_step_us(whole)) == pytest.approx(400)
    for sync in Sync:
        cut = batch_of(200, on=machine(sync=sync, overhead_us=5.0), cap=100)
        assert step_bound_us(cut) == pytest.approx(best_step_us(cut)) == pytest.approx(100 + 200 + 10 + 5)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_no_random_plan_is_below_the_bound(seed: int, size: int) -> None:
    batch = random_batch(seed, size)
    bound_us, rng = step_bound_us(batch), np.random.default_rng(seed)
    plans = [first_fit(batch), *(random_plan(batch, rng) for _ in range(8))]
    assert all(time_plan(batch, plan).step_us >= bound_us for plan in plans if plan is not None)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_the_bound_contains_the_simple_ones(seed: int, size: int) -> None:
    batch = random_batch(seed, size)
    shard_us_NG = best_shard_us(batch)
    widths = np.arange(1, batch.machine.ranks + 1)
    found = area_bound(shard_us_NG)
    assert found >= shard_us_NG.min(axis=1).max()
    assert found >= (shard_us_NG * widths).min(axis=1).sum() / batch.machine.ranks * (1 - 1e-12)
    assert rest_bound(batch, shard_us_NG) >= shard_us_NG.min(axis=1).max()


def test_a_short_step_forces_wide_cuts_whose_rings_count() -> None:
    batch = batch_of(1000, 1000, on=machine(4, 4, hop_us=100.0))
    shard_us_NG = best_shard_us(batch)
    work = float((shard_us_NG * np.arange(1, 5)).min(axis=1).sum())
    assert area_bound(shard_us_NG) > 1.005 * work / 4  # above work over ranks, and above the longest


def test_a_sequence_longer_than_the_cap_pays_its_ring() -> None:
    short, long = (best_shard_us(batch_of(200, cap=cap, on=machine(4, 2))) for cap in (200, 60))
    assert np.isfinite(short[0]).tolist() == [True] * 4
    assert np.isfinite(long[0]).tolist() == [False, False, False, True]


def test_the_cap_forces_micro_batches() -> None:
    batch = batch_of(90, 90, 90, on=machine(overhead_us=1000.0), cap=100, micro_batches=2)
    assert least_micro_batches(batch) == 2
    assert best_step_us(batch) >= step_bound_us(batch) > 2000


def test_what_does_not_fit_beside_the_longest_comes_before_or_after() -> None:
    on = machine(2, 1, hop_us=1e6)  # nothing is worth cutting
    batch = batch_of(100, 90, 90, 90, on=on, cap=100, micro_batches=2)
    shard_us_NG = best_shard_us(batch)
    whole = [200.0, 171.0]
    assert rest_bound(batch, shard_us_NG) == pytest.approx(whole[0] + whole[1] * (170 / 90) / 2)
    assert step_bound_us(batch) <= best_step_us(batch)


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_bounds_of_the_suite_are_below_first_fit_and_not_far(split: Split) -> None:
    scenarios = PROBLEM.instances(Tier.QUICK, split, SeedSource(secret_from_seed(3), split))
    ratios = [scenario.weak_us / scenario.bound_us for scenario in scenarios]
    assert min(ratios) > 1.05
    assert max(ratios) < 10.0
