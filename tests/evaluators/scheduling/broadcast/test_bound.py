from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.broadcast.bound import cost_bound_usd, shortest_h
from evaluators.scheduling.broadcast.plan import bill_of, read_trees
from evaluators.scheduling.broadcast.transfer import SECONDS_PER_H, Transfer
from tests.evaluators.scheduling.broadcast.transfers import (
    a_network,
    a_transfer,
    every_tree,
    random_plan,
    random_transfer,
)


def optimum_usd(transfer: Transfer) -> float:
    """The least cost over all plans; the order of the partitions makes no difference."""
    trees = every_tree(transfer)
    plans = combinations_with_replacement(range(len(trees)), transfer.partitions)
    return min(bill_of(trees[list(places)], transfer).usd for places in plans)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), regions=st.integers(2, 9), partitions=st.integers(1, 5))
def test_no_plan_is_below_the_bound(seed: int, regions: int, partitions: int) -> None:
    rng = np.random.default_rng(seed)
    transfer = random_transfer(rng, regions=regions, destinations=int(rng.integers(1, regions)), partitions=partitions)
    bound, shortest = cost_bound_usd(transfer), shortest_h(transfer)
    for _ in range(10):
        bill = bill_of(read_trees(random_plan(transfer, rng), transfer), transfer)
        assert bill.usd >= bound * (1 - 1e-12)
        assert bill.time_s >= shortest * SECONDS_PER_H * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_the_bound_is_at_most_the_least_cost_of_all_plans_and_near_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    transfer = random_transfer(rng, regions=4, destinations=int(rng.integers(1, 4)), partitions=int(rng.integers(1, 3)))
    bound, optimum = cost_bound_usd(transfer), optimum_usd(transfer)
    assert 0.5 * optimum < bound <= optimum * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_where_time_is_free_the_bound_is_nearly_the_cheapest_tree(seed: int) -> None:
    transfer = random_transfer(np.random.default_rng(seed), regions=5, destinations=3, partitions=1, time_usd_per_h=0.0)
    transfer.network.machines_usd_per_h_R[:] = 1e-9
    assert cost_bound_usd(transfer) == pytest.approx(optimum_usd(transfer), rel=1e-6)


def test_many_partitions_come_near_the_bound_that_one_cannot() -> None:
    network = a_network(3, egress_gbps_R=np.array([10.0, 10.0, 10.0]), usd_per_gb_RR=np.zeros((3, 3)))
    transfer = a_transfer(network, partitions=2, time_usd_per_h=1000.0)
    split = np.array([[-1, 0, 1], [-1, 2, 0]])  # each half to one destination, which sends it on
    assert bill_of(split, transfer).usd == pytest.approx(cost_bound_usd(transfer), rel=1e-6)
    one = a_transfer(network, partitions=1, time_usd_per_h=1000.0)
    assert cost_bound_usd(one) == pytest.approx(cost_bound_usd(transfer))
    assert optimum_usd(one) == pytest.approx(bill_of(np.array([[-1, 0, 1]]), one).usd)


def test_a_relay_that_must_be_passed_is_paid_for() -> None:
    dear_RR = 10.0 * (1.0 - np.eye(3))
    dear_RR[0, 2] = dear_RR[2, 1] = 0.01
    network = a_network(3, usd_per_gb_RR=dear_RR, machines_usd_per_h_R=np.array([1.0, 1.0, 5.0]))
    transfer = a_transfer(network, destinations=(1,), partitions=1, time_usd_per_h=0.0)
    optimum = bill_of(np.array([[-1, 2, 0]]), transfer)
    assert optimum.machines_usd == pytest.approx(7.0 * 0.1)
    shortest_only = 2.0 * 0.1 + 5.0 * shortest_h(transfer)
    assert cost_bound_usd(transfer) == pytest.approx(optimum.egress_usd + shortest_only)
