from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.broadcast.plan import (
    Ints,
    bill_of,
    depths,
    direct_plan,
    link_gb,
    read_trees,
    seconds,
)
from tests.evaluators.scheduling.broadcast.transfers import a_network, a_transfer, random_plan, random_transfer

CHAIN = np.array([[-1, 0, 1, -1], [-1, 0, 1, -1]])


def test_straight_links_are_billed_by_the_rules() -> None:
    bill = bill_of(direct_plan(a_transfer()), a_transfer())
    assert bill.egress_usd == pytest.approx(2 * 450 * 0.1)
    assert bill.time_s == pytest.approx(8 * 450 / 10)
    assert bill.machines_usd == pytest.approx(3 * 0.1)  # source and two destinations, a tenth of an hour
    assert bill.waiting_usd == pytest.approx(10 * 0.1)
    assert bill.usd == pytest.approx(90 + 0.3 + 1.0)


def test_partitions_share_a_link() -> None:
    """Both halves over one link take as long as the whole; over two links, half as long."""
    transfer = a_transfer(destinations=(1,))
    together = np.array([[-1, 0, -1, -1], [-1, 0, -1, -1]])
    apart = np.array([[-1, 0, -1, -1], [-1, 2, 0, -1]])
    assert bill_of(together, transfer).time_s == pytest.approx(360)
    assert bill_of(apart, transfer).time_s == pytest.approx(180)


@pytest.mark.parametrize(
    ("cap", "plan", "time_s"),
    [
        ("egress_gbps_R", direct_plan(a_transfer()), 2 * 8 * 450 / 5),  # the source sends all of it twice
        ("egress_gbps_R", CHAIN, 8 * 450 / 5),  # it and the first destination send it once
        ("ingress_gbps_R", CHAIN, 8 * 450 / 5),
    ],
)
def test_partitions_and_links_share_what_a_region_can_send_and_receive(cap: str, plan: Ints, time_s: float) -> None:
    network = replace(a_network(), **{cap: np.full(4, 5.0)})
    assert bill_of(plan, a_transfer(network)).time_s == pytest.approx(time_s)


def test_a_relay_is_paid_with_all_its_machines_while_the_transfer_lasts() -> None:
    over_relay = np.array([[-1, 3, 3, 0], [-1, 0, 0, -1]])
    bill = bill_of(over_relay, a_transfer())
    assert bill.machines_usd == pytest.approx(4 * bill.time_s / 3600)
    assert bill.egress_usd == pytest.approx(225 * 0.1 * (3 + 2))


@given(seed=st.integers(0, 2**32 - 1))
def test_the_time_is_the_least_in_which_all_loads_fit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    transfer = random_transfer(rng, regions=6, destinations=3, partitions=4)
    gb_RR = link_gb(random_plan(transfer, rng), transfer)
    network, time_s = transfer.network, seconds(gb_RR, transfer.network)
    loads = np.concatenate([gb_RR.ravel(), gb_RR.sum(axis=1), gb_RR.sum(axis=0)]) * 8
    caps = np.concatenate([network.gbps_RR.ravel(), network.egress_gbps_R, network.ingress_gbps_R])
    assert (loads <= caps * time_s * (1 + 1e-12)).all()
    assert (loads > caps * time_s * (1 - 1e-9)).any()


@given(seed=st.integers(0, 2**32 - 1))
def test_random_trees_are_read_as_they_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    transfer = random_transfer(rng, regions=int(rng.integers(2, 12)), destinations=1, partitions=3)
    plan = random_plan(transfer, rng)
    assert (read_trees(plan, transfer) == plan).all()
    deep_PR = depths(plan, transfer.source)
    for tree, deep in zip(plan, deep_PR, strict=True):
        for region, parent in enumerate(tree.tolist()):
            assert deep[region] == (0 if parent < 0 else deep[parent] + 1)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[-1, 0, 4, -1]] * 2, "partition 0, parent of region 2: expected a region from 0 to 3, or -1 .* found 4"),
        ([[-1, 0, 0, -1], [-1, -2, 0, -1]], "partition 1, parent of region 1: expected a region from 0 to 3"),
        ([[-1, 0, 2, -1]] * 2, "parent of region 2: expected another region than itself, found 2"),
        ([[1, 0, 0, -1]] * 2, "parent of region 0: expected -1, since it is the source, found 1"),
        ([[-1, 0, 0, -1], [-1, 0, -1, -1]], "partition 1, parent of region 2: expected a region, since it is a dest"),
        ([[-1, 2, 1, -1]] * 2, "parent of region 1: expected a way from the source, not round in a circle, found 2"),
        ([[-1, 0, 3, -1]] * 2, "parent of region 2: expected a way from the source"),  # its parent is not there
        ([[-1, 0, 0, 3]] * 2, "parent of region 3: expected another region than itself"),
    ],
)
def test_what_is_no_tree_is_invalid(rows: list[list[int]], sentence: str) -> None:
    with pytest.raises(CandidateFailure, match=sentence) as failure:
        read_trees(np.array(rows), a_transfer())
    assert failure.value.outcome is Outcome.INVALID


def test_a_relay_in_a_circle_of_its_own_is_invalid_too() -> None:
    transfer = a_transfer(a_network(5))
    with pytest.raises(CandidateFailure, match="parent of region 3: expected a way from the source"):
        read_trees(np.array([[-1, 0, 0, 4, 3]] * 2), transfer)
