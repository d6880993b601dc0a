from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.expert_topology.bound import bound_us, least_compute_us
from evaluators.placement.expert_topology.journey import Routing, layer_times, play_layer
from evaluators.placement.expert_topology.scenario import rounded_down, total_us
from evaluators.placement.expert_topology.system import Residency, System
from evaluators.placement.expert_topology.together import (
    Parts,
    fewest_copies,
    most_kept_from_experts,
    most_kept_from_sources,
    most_meetings,
)
from evaluators.placement.expert_topology.traffic import Whole
from tests.evaluators.placement.expert_topology.scenes import (
    a_network,
    a_system,
    draw_placement,
    draw_routing,
    systems,
)


@given(system=systems(), seed=st.integers(0, 2**32), boost=st.sampled_from([0.0, 3.0, 8.0]))
@settings(max_examples=120, deadline=None)
def test_no_random_placement_beats_the_bound_of_any_layer(system: System, seed: int, boost: float) -> None:
    workload = draw_routing(system, seed, boost=boost)
    bounds_L = bound_us(workload.scored, system)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        played = layer_times(draw_placement(system, rng), workload.scored, system)
        for times, bound in zip(played, bounds_L, strict=True):
            assert times.total_I.mean() >= bound * (1 - 1e-9)


def partitions(experts: int, gpus: int) -> Iterator[tuple[int, ...]]:
    """All rows of a placement that differ by more than the order of a GPU's slots."""
    size = experts // gpus

    def of(rest: frozenset[int]) -> Iterator[tuple[int, ...]]:
        if not rest:
            yield ()
            return
        for own in combinations(sorted(rest), size):
            for others in of(rest - set(own)):
                yield own + others

    return of(frozenset(range(experts)))


def optimum_us(routing: Routing, system: System) -> float:
    """The least time over all placements without spare slots, by a walk over the layers.

    At home the layers are apart. Following, a layer's time depends on its row and the one before.
    """
    rows = [np.array(row) for row in partitions(system.experts, system.network.gpus)]
    best: dict[int, float] = {-1: 0.0}
    seats_T: dict[int, Whole] = {-1: routing.source_T.astype(np.int64)}
    for layer in range(system.layers):
        ids_TK = routing.ids_TLK[:, layer].astype(np.int64)
        reached: dict[int, float] = {}
        after: dict[int, Whole] = {}
        for index, row in enumerate(rows):
            for before, spent in best.items():
                times, next_T = play_layer(row, ids_TK, seats_T[before], routing.iterations, system)
                place = index if system.residency is Residency.FOLLOW else -1
                total = spent + float(times.total_I.mean())
                if total < reached.get(place, np.inf):
                    reached[place], after[place] = total, next_T
        best, seats_T = reached, after
    return min(best.values())


@pytest.mark.parametrize(
    ("residency", "hierarchical", "top_k", "experts", "gpus", "tightest"),
    [
        (Residency.HOME, False, 1, 6, 3, 1.12),
        (Residency.HOME, True, 2, 8, 4, 1.45),
        (Residency.FOLLOW, False, 1, 6, 3, 1.15),
        (Residency.FOLLOW, False, 2, 4, 2, 1.5),
        (Residency.FOLLOW, True, 1, 4, 4, 1.2),
    ],
)
def test_the_bound_is_below_the_enumerated_optimum_and_near_it(
    residency: Residency, hierarchical: bool, top_k: int, experts: int, gpus: int, tightest: float
) -> None:
    nodes = 2 if gpus % 2 == 0 else 1
    ratios = []
    for seed in range(4):
        system = a_system(
            a_network(gpus, nodes, hierarchical=hierarchical),
            experts=experts,
            slots=experts,
            layers=2,
            top_k=top_k,
            tokens=8192,
            residency=residency,
        )
        workload = draw_routing(system, seed, tokens=64, iterations=1, boost=3.0)
        ratios.append(optimum_us(workload.scored, system) / float(bound_us(workload.scored, system).sum()))
    assert min(ratios) >= 1 - 1e-9
    assert np.mean(ratios) < tightest


def test_the_bound_is_reached_where_every_chain_of_experts_fits_a_gpu() -> None:
    system = a_system(top_k=1, tokens=4096)
    gpu_T = np.arange(64) % 4
    ids_TLK = np.stack([np.stack([2 * gpu_T + np.arange(64) // 4 % 2] * 3, axis=1)], axis=2)
    routing = Routing(ids_TLK=ids_TLK, source_T=gpu_T, iterations=1)
    placement = np.tile(np.arange(8), (3, 1))
    assert total_us(layer_times(placement, routing, system)) == pytest.approx(bound_us(routing, system).sum())


@given(seed=st.integers(0, 2**32), size=st.integers(1, 3), count=st.integers(2, 3))
@settings(max_examples=60, deadline=None)
def test_what_can_be_together_is_no_less_than_in_any_partition(seed: int, size: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    experts = size * count
    parts = Parts(count, size, 0)
    moves = rng.poisson(rng.exponential(3.0, (experts, experts))).astype(np.float64)
    pairs = np.triu(moves, 1) + np.triu(moves, 1).T
    tokens = moves[:count]
    kept, met, kept_here = 0.0, 0.0, 0.0
    rows = [np.array(row).reshape(count, size) for row in partitions(experts, count)]
    for row in rows:
        met = max(met, sum(pairs[np.ix_(one, one)].sum() / 2 for one in row))
        kept_here = max(kept_here, sum(tokens[part, one].sum() for part, one in enumerate(row)))
    for row, other in product(rows[:: max(1, len(rows) // 12)], rows):
        kept = max(kept, sum(moves[np.ix_(one, two)].sum() for one, two in zip(row, other, strict=True)))
    assert met <= most_meetings(pairs, parts) + 1e-9
    assert kept_here == pytest.approx(most_kept_from_sources(tokens, parts))
    assert kept <= most_kept_from_experts(moves, parts) + 1e-9


def test_visited_parts_are_counted_exactly_where_no_token_picks_twice_in_one() -> None:
    assert fewest_copies(picks=100.0, kept=30.0, met=0.0) == 70.0
    assert fewest_copies(picks=100.0, kept=100.0, met=0.0) == 0.0


@given(picks=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_no_token_visits_fewer_parts_than_picks_and_meetings_allow(picks: list[int]) -> None:
    visited = sum(count > 0 for count in picks)
    met = sum(count * (count - 1) / 2 for count in picks)
    assert visited >= fewest_copies(float(sum(picks)), 0.0, met) - 1e-9


def test_compute_is_bounded_by_the_pigeonhole() -> None:
    """Five equal hot experts on four GPUs of two slots: two of them meet."""
    system = a_system(top_k=1, tokens=5 * 4096)
    ids_TK = (np.arange(320) % 5)[:, None]
    hot_us = float(system.curve.time_us(np.array(4096.0)))
    assert least_compute_us(ids_TK, 1, system) == pytest.approx(2 * hot_us)


def test_permuted_experts_and_gpus_have_the_same_bound() -> None:
    system = a_system(residency=Residency.HOME)
    routing = draw_routing(system, 3).scored
    found = {tuple(np.round(bound_us(routing, system), 6))}
    for relabelled in list(permutations(range(8)))[5:4000:1500]:
        renamed = Routing(
            ids_TLK=np.array(relabelled)[routing.ids_TLK],
            source_T=(routing.source_T + 2) % 4,
            iterations=routing.iterations,
        )
        found.add(tuple(np.round(bound_us(renamed, system), 6)))
    assert len(found) == 1


def test_the_bound_is_rounded_down_so_that_the_last_bits_of_eigenvalues_do_not_count() -> None:
    assert rounded_down(1859.123456789) == pytest.approx(1859.12345, rel=1e-8)
    assert rounded_down(1859.123456789) == rounded_down(1859.123456789 * (1 + 1e-14))
    assert rounded_down(0.25) <= 0.25
