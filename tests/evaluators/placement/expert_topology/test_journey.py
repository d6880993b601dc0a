from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.expert_topology.journey import layer_times
from evaluators.placement.expert_topology.system import Residency, System
from evaluators.placement.expert_topology.traffic import Copies, Whole, links
from tests.evaluators.placement.expert_topology.scenes import (
    a_network,
    a_system,
    as_routing,
    draw_placement,
    draw_routing,
    systems,
)


def counted_by_hand(seats: list[int], needed: list[set[int]], system: System) -> tuple[int, int]:
    """Copies on the busiest near and far link, token by token and copy by copy."""
    network = system.network
    m = network.gpus_per_node
    near = np.zeros((2, network.gpus), dtype=int)
    far = np.zeros((2, network.gpus), dtype=int)

    def send(start: int, end: int) -> None:
        kind = near if start // m == end // m else far
        kind[0, start] += 1
        kind[1, end] += 1

    for seat, gpus in zip(seats, needed, strict=True):
        if not network.hierarchical:
            for gpu in gpus - {seat}:
                send(seat, gpu)
            continue
        for node in {gpu // m for gpu in gpus}:
            relay = node * m + seat % m
            if relay != seat:
                send(seat, relay)
            for gpu in gpus - {relay}:
                if gpu // m == node:
                    send(relay, gpu)
    return int(near.max()), int(far.max())


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_links_carry_what_a_count_by_hand_says(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    placement_P = draw_placement(system, rng)[0]
    routing = draw_routing(system, seed, tokens=24, iterations=1).scored
    seats_T = rng.integers(0, system.network.gpus, 24)
    copies = Copies.of(placement_P, system.experts, system.network)
    gpus_TK = copies.gpus(routing.ids_TLK[:, 0].astype(np.int64), seats_T, np.arange(24), system.network)
    needed = [set(row) for row in gpus_TK.tolist()]
    found = links(seats_T, gpus_TK, system.network, 1)
    assert (found.near_I[0], found.far_I[0]) == counted_by_hand(seats_T.tolist(), needed, system)


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_choice_is_computed_where_its_expert_is_and_as_near_as_that_can_be(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    placement_P = draw_placement(system, rng)[0]
    by_gpu = placement_P.reshape(system.network.gpus, -1)
    ids_TK = draw_routing(system, seed, tokens=24, iterations=1).scored.ids_TLK[:, 0].astype(np.int64)
    seats_T = rng.integers(0, system.network.gpus, 24)
    gpus_TK = Copies.of(placement_P, system.experts, system.network).gpus(
        ids_TK, seats_T, np.arange(24), system.network
    )
    m = system.network.gpus_per_node
    for seat, experts, gpus in zip(seats_T, ids_TK, gpus_TK, strict=True):
        for expert, gpu in zip(experts, gpus, strict=True):
            holders = {g for g in range(system.network.gpus) if expert in by_gpu[g]}
            near = {g for g in holders if g // m == seat // m}
            assert gpu in ({seat} if seat in holders else near or holders)


def test_copies_of_an_expert_share_its_tokens_evenly() -> None:
    network = a_network(4, 1)
    copies = Copies.of(np.array([0, 0, 1, 2]), 3, network)
    gpus_TK = copies.gpus(np.zeros((4000, 1), dtype=np.int64), np.full(4000, 3), np.arange(4000), network)
    shares = np.bincount(gpus_TK.ravel(), minlength=4) / 4000
    assert shares[:2] == pytest.approx(0.5, abs=0.03)


def place(rows: list[list[int]]) -> Whole:
    return np.array(rows, dtype=np.int64)


def test_following_tokens_travel_nowhere_where_their_experts_are_together() -> None:
    system = a_system(top_k=1, layers=2)
    ids_TLK = np.tile(np.arange(8)[:, None, None], (4, 2, 1))
    routing = as_routing(ids_TLK, np.tile(np.arange(8) // 2, 4))
    apart = place([[0, 1, 2, 3, 4, 5, 6, 7], [2, 3, 4, 5, 6, 7, 0, 1]])
    together = place([[0, 1, 2, 3, 4, 5, 6, 7]] * 2)
    first, second = layer_times(together, routing, system)
    assert first.away == second.away == 0.0
    assert second.exchange_I[0] == system.network.latency_us / 2
    assert layer_times(apart, routing, system)[1].away == 1.0


def test_at_home_the_layer_before_counts_for_nothing() -> None:
    system = a_system(residency=Residency.HOME)
    routing = draw_routing(system, 5).scored
    rng = np.random.default_rng(0)
    one, two = draw_placement(system, rng), draw_placement(system, rng)
    two[2] = one[2]
    last = [layer_times(rows, routing, system)[2].total_I for rows in (one, two)]
    assert (last[0] == last[1]).all()


def test_hierarchical_sends_one_copy_to_a_node_where_flat_sends_two() -> None:
    times = {}
    for hierarchical in (False, True):
        system = a_system(a_network(4, 2, hierarchical=hierarchical), layers=2, residency=Residency.HOME)
        ids_TLK = np.tile(np.array([[[4, 6]]]), (8, 2, 1))  # GPUs 2 and 3
        routing = as_routing(ids_TLK, np.zeros(8, dtype=np.int64))
        times[hierarchical] = layer_times(place([[0, 1, 2, 3, 4, 5, 6, 7]] * 2), routing, system)[0]
    assert times[False].abroad == 1.0
    assert times[True].abroad == 0.5


def test_relabelled_experts_cost_the_same() -> None:
    system = a_system(slots=8)
    routing = draw_routing(system, 9).scored
    rng = np.random.default_rng(1)
    placement = draw_placement(system, rng)
    renamed = rng.permutation(8)
    other = as_routing(renamed[routing.ids_TLK], routing.source_T, routing.iterations)
    before = [times.total_I for times in layer_times(placement, routing, system)]
    after = [times.total_I for times in layer_times(renamed[placement], other, system)]
    assert np.array(before) == pytest.approx(np.array(after))
