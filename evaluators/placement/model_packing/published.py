"""The fifty public instances of Prism's problem in ADRS, drawn again from their description.

G of 5 to 9 GPUs of 80 GB and 2 G models with whole sizes of 10 to 29 GB, rates of 1 to 9 and latencies of 5 to 9, from
numpy's legacy generator with seed 42: per instance G, then per model size, rate, latency. The order of the draws is
confirmed by known scores (see the test): 21.8916 of the public seed, 1.000003 of first fit, 29.404 of the volume bound.

Source: UCB ADRS and SkyDiscover, the task "prism"; description and numbers as published, no code taken.
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.model_packing.cluster import NOWHERE, Cluster

NUM_PUBLISHED = 50
SEED = 42
MEMORY_GB = 80.0


def published_clusters() -> list[Cluster]:
    """The instances in the published order."""
    rng = np.random.RandomState(SEED)  # the legacy stream, which numpy keeps as it is
    return [_cluster(rng) for _ in range(NUM_PUBLISHED)]


def _cluster(rng: np.random.RandomState) -> Cluster:
    gpus = int(rng.randint(5, 10))
    models = [(rng.randint(10, 30), rng.randint(1, 10), rng.randint(5, 10)) for _ in range(2 * gpus)]
    size_N, rate_N, slo_N = np.array(models, dtype=np.float64).T.copy()
    return Cluster(
        memory_G=np.full(gpus, MEMORY_GB),
        size_N=size_N,
        rate_N=rate_N,
        slo_N=slo_N,
        model_N=np.arange(2 * gpus),
        home_N=np.full(2 * gpus, NOWHERE),
        budget_gb=0.0,
    )
