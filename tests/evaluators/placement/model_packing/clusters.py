"""Small clusters and placements for the tests of `model_packing`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from evaluators.placement.model_packing.cluster import NOWHERE, Cluster, Ints
from evaluators.placement.model_packing.placement import fault

FIRST_FIT = """
import numpy as np

def place(parts, memory_gb, budget_gb, seed):
    gpu = parts["home"].copy()
    free, held = memory_gb.copy(), set()
    for part in np.flatnonzero(gpu >= 0):
        free[gpu[part]] -= parts["size_gb"][part]
        held.add((parts["model"][part], gpu[part]))
    for part in np.argsort(-parts["size_gb"], kind="stable"):
        if gpu[part] < 0:
            fits = [g for g in range(len(free)) if free[g] >= parts["size_gb"][part] - 1e-9]
            gpu[part] = next(g for g in fits if (parts["model"][part], g) not in held)
            free[gpu[part]] -= parts["size_gb"][part]
            held.add((parts["model"][part], gpu[part]))
    return gpu
"""


def a_cluster(**changes: object) -> Cluster:
    """Two GPUs of 80 GB and one of 40, five models of which one has two parts."""
    cluster = Cluster(
        memory_G=np.array([80.0, 80.0, 40.0]),
        size_N=np.array([30.0, 20.0, 20.0, 25.0, 10.0, 15.0]),
        rate_N=np.array([6.0, 3.0, 3.0, 2.0, 8.0, 1.0]),
        slo_N=np.array([6.0, 6.0, 6.0, 5.0, 8.0, 5.0]),
        model_N=np.array([0, 1, 1, 2, 3, 4]),
        home_N=np.full(6, NOWHERE),
        budget_gb=0.0,
    )
    return replace(cluster, **changes)  # type: ignore[arg-type]


def random_cluster(
    rng: np.random.Generator, *, gpus: int, models: int, homes: bool = False, wide: bool = True
) -> Cluster:
    """A cluster that any placement of about this size may or may not fit into."""
    widths = np.minimum(rng.choice([1, 1, 2], models) if wide else np.ones(models, dtype=np.int64), gpus)
    model_N = np.repeat(np.arange(models), widths)
    memory_G = rng.choice([24.0, 40.0, 80.0], gpus)
    size_N = np.round(rng.uniform(1.0, 1.2 * memory_G.sum() / len(model_N), models), 1)[model_N]
    cluster = Cluster(
        memory_G=memory_G,
        size_N=size_N,
        rate_N=rng.uniform(0.5, 9.0, models)[model_N],
        slo_N=rng.integers(5, 10, models).astype(np.float64)[model_N],
        model_N=model_N,
        home_N=np.full(len(model_N), NOWHERE),
        budget_gb=0.0,
    )
    return with_homes(cluster, rng) if homes else cluster


def with_homes(cluster: Cluster, rng: np.random.Generator) -> Cluster:
    """The cluster with most parts at home where a random placement has them, and some budget."""
    fitting = list(random_placements(cluster, rng, 400))
    if not fitting:
        return cluster
    home_N = np.where(rng.random(cluster.num_parts) < 0.8, fitting[0], NOWHERE)
    return replace(cluster, home_N=home_N, budget_gb=float(rng.uniform(0.0, 0.4) * cluster.size_N.sum()))


def random_placements(cluster: Cluster, rng: np.random.Generator, tries: int) -> Iterator[Ints]:
    """Random placements that are valid."""
    for _ in range(tries):
        gpu_N = rng.integers(0, cluster.num_gpus, cluster.num_parts)
        if not fault(cluster, gpu_N):
            yield gpu_N


def best_by_enumeration(cluster: Cluster) -> float | None:
    """The most room of any valid placement; None if there is none."""
    every: Sequence[tuple[int, ...]] = list(product(range(cluster.num_gpus), repeat=cluster.num_parts))
    rooms = [cluster.room(gpu_N) for gpu_N in map(np.array, every) if not fault(cluster, gpu_N)]
    return max(rooms, default=None)
