"""The public instances: the numbers known of them come out, and their optimum is what two methods say."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest

from evaluators.contract import Split, Tier
from evaluators.placement.model_packing.bound import room_bound, volume_bound
from evaluators.placement.model_packing.cluster import Cluster, pressure
from evaluators.placement.model_packing.published import published_clusters
from evaluators.placement.model_packing.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed


@lru_cache(maxsize=1)
def clusters() -> tuple[Cluster, ...]:
    return tuple(published_clusters())


def adrs(room: Callable[[Cluster], float]) -> float:
    return 1 / float(np.mean([pressure(room(cluster)) for cluster in clusters()])) + 1


def public_seed(cluster: Cluster) -> float:
    """Most demand first, to the GPU with memory that is under the least pressure so far."""
    free, load = cluster.memory_G.copy(), np.zeros(cluster.num_gpus)
    for model in np.argsort(-cluster.demand_N, kind="stable"):
        pressures = np.where(free >= cluster.size_N[model], load / np.maximum(free, 1e-9), np.inf)
        gpu = int(pressures.argmin())
        free[gpu] -= cluster.size_N[model]
        load[gpu] += cluster.demand_N[model]
    return float((free / np.maximum(load, 1e-12)).min())


def first_fit_as_given(cluster: Cluster) -> float:
    free, load = cluster.memory_G.copy(), np.zeros(cluster.num_gpus)
    for size, demand in zip(cluster.size_N, cluster.demand_N, strict=True):
        gpu = int((free >= size).argmax())
        free[gpu] -= size
        load[gpu] += demand
    return float((free / np.maximum(load, 1e-12)).min())


def test_known_scores_of_the_public_instances_come_out() -> None:
    assert adrs(public_seed) == pytest.approx(21.8916, abs=5e-5)
    assert adrs(first_fit_as_given) == pytest.approx(1.000003, abs=5e-7)
    assert adrs(volume_bound) == pytest.approx(29.404, abs=5e-4)


def test_no_honest_score_is_above_26_2560() -> None:
    source = SeedSource(secret_from_seed(0), Split.SEARCH)
    scenarios = PROBLEM.configured({"suite": "published"}).instances(Tier.QUICK, Split.SEARCH, source)
    bounds = {id(cluster): scenario.bound for cluster, scenario in zip(clusters(), scenarios, strict=True)}
    assert adrs(lambda cluster: bounds[id(cluster)]) == pytest.approx(26.25597, abs=1e-5)


def best_by_subsets(cluster: Cluster) -> float:
    """The least largest pressure, by dynamic programming over subsets of models: another method than the bound's."""
    models, full = cluster.num_parts, 1 << cluster.num_parts
    members = np.arange(full)[:, None] >> np.arange(models) & 1
    free = cluster.memory_G[0] - members @ cluster.size_N
    alone = np.where(free > 0, members @ cluster.demand_N / np.maximum(free, 1e-12), np.inf).tolist()
    best = list(alone)
    for _ in range(cluster.num_gpus - 1):
        best = [_split(subset, alone, best) for subset in range(full)]
    return float(1 / best[-1])


def _split(subset: int, alone: list[float], best: list[float]) -> float:
    """One GPU takes a part of the subset with its lowest model, the others the rest."""
    lowest, least = subset & -subset, best[subset]
    rest = part = subset ^ lowest
    while subset:
        least = min(least, max(alone[part | lowest], best[rest ^ part]))
        if not part:
            break
        part = (part - 1) & rest
    return least


def test_dynamic_programming_finds_the_same_optimum() -> None:
    smallest = [cluster for cluster in clusters() if cluster.num_gpus == 5][:3]
    for cluster in smallest:
        assert best_by_subsets(cluster) == pytest.approx(room_bound(cluster), rel=1e-6)
