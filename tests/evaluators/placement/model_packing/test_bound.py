"""The bound: above every valid placement, equal to the best one where that is claimed, and not far above elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.model_packing import exact
from evaluators.placement.model_packing.bound import is_refuted, relaxed_bound, room_bound, volume_bound
from evaluators.placement.model_packing.cluster import NOWHERE, Cluster
from evaluators.placement.model_packing.draw import Regime, draw_cluster, roomiest_fit
from evaluators.placement.model_packing.suite import HOLDOUT_REGIMES, SEARCH_REGIMES
from tests.evaluators.placement.model_packing.clusters import (
    best_by_enumeration,
    random_cluster,
    random_placements,
)


def with_room(cluster: Cluster) -> bool:
    return bool(cluster.size_N.sum() < cluster.memory_G.sum())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), gpus=st.integers(2, 6), models=st.integers(2, 9), homes=st.booleans())
def test_no_valid_placement_is_above_it(seed: int, gpus: int, models: int, homes: bool) -> None:
    rng = np.random.default_rng(seed)
    cluster = random_cluster(rng, gpus=gpus, models=models, homes=homes)
    if not with_room(cluster):
        return
    bound = room_bound(cluster)
    assert bound <= volume_bound(cluster)
    for gpu_N in random_placements(cluster, rng, 40):
        room = cluster.room(gpu_N)
        assert room <= bound
        assert not is_refuted(cluster, room)


def looseness(clusters: list[Cluster], bound: Callable[[Cluster], float]) -> list[float]:
    """How far above the best room the bound is, as a ratio, wherever something can be placed with room."""
    pairs = [(best_by_enumeration(cluster), bound(cluster)) for cluster in clusters if with_room(cluster)]
    return [limit / best for best, limit in pairs if best]


def test_it_is_the_best_room_of_small_clusters_where_models_are_whole_and_nothing_has_a_home() -> None:
    rng = np.random.default_rng(1)
    clusters = [random_cluster(rng, gpus=3, models=int(rng.integers(3, 7)), wide=False) for _ in range(40)]
    ratios = looseness(clusters, room_bound)
    assert len(ratios) > 20
    assert min(ratios) >= 1.0
    assert max(ratios) < 1 + 1e-6


@pytest.mark.parametrize("homes", [False, True])
def test_it_is_above_the_best_room_with_parts_apart_and_homes(homes: bool) -> None:
    rng = np.random.default_rng(2)
    ratios = looseness([random_cluster(rng, gpus=3, models=4, homes=homes) for _ in range(24)], room_bound)
    assert len(ratios) > 8
    assert min(ratios) >= 1.0
    assert np.median(ratios) < 1.5


def test_every_condition_lowers_the_bound_of_some_cluster_below_the_volume() -> None:
    def lowered(**changes: object) -> float:
        cluster = Cluster(
            memory_G=np.full(4, 80.0),
            size_N=np.full(5, 20.0),
            rate_N=np.full(5, 5.0),
            slo_N=np.full(5, 5.0),
            model_N=np.arange(5),
            home_N=np.full(5, NOWHERE),
            budget_gb=0.0,
        )
        changed = replace(cluster, **changes)  # type: ignore[arg-type]
        return relaxed_bound(changed) / volume_bound(changed)

    assert lowered() == pytest.approx(20 / 44, abs=1e-6)  # five parts, four GPUs: two are together
    small = np.array([80.0, 10.0, 10.0, 10.0])
    assert lowered(memory_G=small, size_N=np.full(5, 12.0)) < 0.5  # all need the one large GPU
    two_large = np.array([200.0, 200.0, 30.0, 30.0])
    assert lowered(memory_G=two_large, model_N=np.array([0, 0, 0, 1, 2])) < 0.2  # three parts apart, one on a small GPU
    homes = np.array([0, 0, 1, 2, 3])
    assert lowered(home_N=homes, budget_gb=0.0) == pytest.approx(20 / 44, abs=1e-6)
    crowded = np.array([0, 0, 0, 1, 2])
    assert lowered(home_N=crowded, budget_gb=0.0) == pytest.approx(20 / 3 / 44, abs=1e-6)  # nothing may leave
    assert lowered(home_N=crowded, budget_gb=20.0) == pytest.approx(20 / 44, abs=1e-6)


def test_more_budget_never_lowers_it() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        cluster = random_cluster(rng, gpus=4, models=8, homes=True)
        if with_room(cluster):
            bounds = [relaxed_bound(replace(cluster, budget_gb=gb)) for gb in (0.0, 10.0, 40.0, 1000.0)]
            assert bounds == sorted(bounds)


@pytest.mark.parametrize("regime", [*SEARCH_REGIMES, *HOLDOUT_REGIMES], ids=lambda regime: regime.name)
def test_it_holds_for_what_the_regimes_draw(regime: Regime) -> None:
    rng = np.random.default_rng(4)
    drawn = [cluster for cluster in (draw_cluster(regime, rng) for _ in range(30)) if cluster is not None]
    for cluster in drawn[:2]:
        gpu_N = roomiest_fit(replace(cluster, home_N=np.full(cluster.num_parts, NOWHERE)))
        if gpu_N is not None and not regime.drift_sd:
            assert cluster.room(gpu_N) <= room_bound(cluster)
    assert drawn


def test_a_search_that_is_given_up_leaves_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    cluster = random_cluster(rng, gpus=4, models=8, wide=False)
    finished = room_bound(cluster)
    monkeypatch.setattr(exact, "MOST_NODES", 3)
    assert room_bound(cluster) >= finished
