"""Clusters drawn at random: the recipe of the public instances, and regimes with what real fleets add to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluators.placement.model_packing.cluster import NOWHERE, Cluster, Floats, Ints
from evaluators.placement.model_packing.placement import first_fit

GRAIN_GB = 0.5  # sizes are multiples of it
LARGEST_SHARE = 0.6  # of the largest GPU: no single part is bigger
SLOS = (5, 9)  # whole, as in the public instances
MEDIAN_DEMAND = 0.7
PAIRS = "pairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A kind of fleet and of models on it."""

    name: str
    gpus: tuple[int, int]  # fewest and most
    memories: tuple[tuple[float, float], ...]  # GB of a type of GPU, and its share of the fleet
    parts_per_gpu: float
    load: float  # weights over memory, of the whole fleet
    size_sd: float = 0.7  # of the logarithm of a model's GB per part
    demand_sd: float = 0.8  # of the logarithm of its demand
    link: float = 0.0  # correlation of the two: above 0 large models are hot, below 0 small ones
    widths: tuple[tuple[int, float], ...] = ((1, 1.0),)  # parts of a model, and the share of models
    drift_sd: float = 0.0  # of the logarithm of what rates changed by since the models were placed; 0: none is placed
    arrivals: float = 0.0  # share of parts that are new then
    budget: float = 0.0  # share of the GB placed that may move


def draw_cluster(regime: Regime, rng: np.random.Generator) -> Cluster | None:
    """A cluster of the regime; None where the draw is of no use: its weights do not even fit first fit."""
    if regime.name == PAIRS:
        return _pairs(regime, rng)
    memory_G = _memories(regime, rng)
    model_N = _models(regime, len(memory_G), rng)
    level_N = rng.standard_normal(model_N.max() + 1)[model_N]
    own_N = rng.standard_normal(model_N.max() + 1)[model_N]
    size_N = _sizes(np.exp(regime.size_sd * level_N), memory_G, regime.load)
    mixed_N = regime.link * level_N + np.sqrt(1 - regime.link**2) * own_N
    slo_N = rng.integers(SLOS[0], SLOS[1] + 1, model_N.max() + 1)[model_N].astype(np.float64)
    fresh = Cluster(
        memory_G=memory_G,
        size_N=size_N,
        rate_N=MEDIAN_DEMAND * np.exp(regime.demand_sd * mixed_N) * slo_N,
        slo_N=slo_N,
        model_N=model_N,
        home_N=np.full(len(model_N), NOWHERE),
        budget_gb=0.0,
    )
    drawn = _settled(regime, fresh, rng) if regime.drift_sd else fresh
    return drawn if drawn is not None and first_fit(drawn) is not None else None


def _pairs(regime: Regime, rng: np.random.Generator) -> Cluster:
    """Two models per GPU with the whole sizes, rates and latencies of the public instances."""
    gpus = int(rng.integers(regime.gpus[0], regime.gpus[1] + 1))
    models = 2 * gpus
    return Cluster(
        memory_G=np.full(gpus, float(regime.memories[0][0])),
        size_N=rng.integers(10, 30, models).astype(np.float64),
        rate_N=rng.integers(1, 10, models).astype(np.float64),
        slo_N=rng.integers(SLOS[0], SLOS[1] + 1, models).astype(np.float64),
        model_N=np.arange(models),
        home_N=np.full(models, NOWHERE),
        budget_gb=0.0,
    )


def _memories(regime: Regime, rng: np.random.Generator) -> Floats:
    """``(G,)`` GB, in the order in which the types are listed."""
    gpus = int(rng.integers(regime.gpus[0], regime.gpus[1] + 1))
    sizes, shares = (np.array(column, dtype=np.float64) for column in zip(*regime.memories, strict=True))
    return sizes[np.sort(rng.choice(len(sizes), gpus, p=shares / shares.sum()))]


def _models(regime: Regime, gpus: int, rng: np.random.Generator) -> Ints:
    """``(N,)`` the model of each part, in mixed order."""
    wanted = max(round(regime.parts_per_gpu * gpus), 2)
    widths, shares = (np.array(column, dtype=np.float64) for column in zip(*regime.widths, strict=True))
    drawn = np.minimum(rng.choice(widths, wanted, p=shares / shares.sum()).astype(np.int64), gpus)
    model_N = np.repeat(np.arange(wanted), drawn)[:wanted]
    return rng.permutation(model_N)


def _sizes(relative_N: Floats, memory_G: Floats, load: float) -> Floats:
    """GB that sum to the load, up to the grain and to what the largest part may be."""
    wanted_gb, largest_gb = load * memory_G.sum(), LARGEST_SHARE * memory_G.max()
    size_N = relative_N
    for _ in range(8):  # what is cut from the largest parts goes to the others
        size_N = np.minimum(size_N * wanted_gb / size_N.sum(), largest_gb)
    return np.maximum(np.round(size_N / GRAIN_GB), 1) * GRAIN_GB


def _settled(regime: Regime, fresh: Cluster, rng: np.random.Generator) -> Cluster | None:
    """The cluster some time after it was packed: rates have drifted, some models are new."""
    models = int(fresh.model_N.max()) + 1
    is_new_N = (rng.random(models) < regime.arrivals)[fresh.model_N]
    packed = roomiest_fit(fresh)
    if packed is None:
        return None
    home_N = np.where(is_new_N, NOWHERE, packed)
    return replace(
        fresh,
        rate_N=fresh.rate_N * np.exp(regime.drift_sd * rng.standard_normal(models))[fresh.model_N],
        home_N=home_N,
        budget_gb=regime.budget * float(fresh.size_N[home_N != NOWHERE].sum()),
    )


def roomiest_fit(cluster: Cluster) -> Ints | None:
    """Largest part first, each to the GPU that has the most room with it; None if a part finds no GPU."""
    free_G, demand_G = cluster.memory_G.copy(), np.zeros(cluster.num_gpus)
    gpu_N = np.full(cluster.num_parts, NOWHERE)
    for part in np.argsort(-cluster.size_N, kind="stable"):
        room_G = (free_G - cluster.size_N[part]) / (demand_G + cluster.demand_N[part])
        room_G[gpu_N[(cluster.model_N == cluster.model_N[part]) & (gpu_N != NOWHERE)]] = -np.inf
        gpu = int(room_G.argmax())
        if room_G[gpu] < 0:
            return None
        gpu_N[part] = gpu
        free_G[gpu] -= cluster.size_N[part]
        demand_G[gpu] += cluster.demand_N[part]
    return gpu_N
