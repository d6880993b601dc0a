"""Whether a program's answer is a placement at all: exact checks on our own copies, and what the weak baseline does."""

from __future__ import annotations

import numpy as np

from evaluators.placement.model_packing.cluster import NOWHERE, SLACK_GB, Cluster, Ints


def fault(cluster: Cluster, gpu_N: Ints) -> str:
    """What is wrong with a placement, in one sentence; empty if nothing is."""
    outside = np.flatnonzero((gpu_N < 0) | (gpu_N >= cluster.num_gpus))
    if outside.size:
        part = int(outside[0])
        return f"part {part}: expected a GPU from 0 to {cluster.num_gpus - 1}, found {gpu_N[part]}"
    free_G = cluster.free_gb(gpu_N)
    gpu = int(free_G.argmin())
    if free_G[gpu] < -SLACK_GB:
        memory = cluster.memory_G[gpu]
        return f"GPU {gpu}: expected at most {memory:g} GB of weights, found {memory - free_G[gpu]:g} GB"
    return _shared(cluster, gpu_N) or _beyond_budget(cluster, gpu_N)


def _shared(cluster: Cluster, gpu_N: Ints) -> str:
    """Where two parts of a model share a GPU."""
    keys, counts = np.unique(cluster.model_N * cluster.num_gpus + gpu_N, return_counts=True)
    if counts.max() == 1:
        return ""
    model, gpu = divmod(int(keys[counts.argmax()]), cluster.num_gpus)
    return f"model {model}: expected each of its parts on a GPU of its own, found {counts.max()} of them on GPU {gpu}"


def _beyond_budget(cluster: Cluster, gpu_N: Ints) -> str:
    moved_gb = cluster.moved_gb(gpu_N)
    if moved_gb <= cluster.budget_gb + SLACK_GB:
        return ""
    return f"expected at most {cluster.budget_gb:g} GB (budget_gb) to leave their homes, found {moved_gb:g} GB"


def first_fit(cluster: Cluster) -> Ints | None:
    """The weak baseline: all stays at home, the rest goes, largest part first, to the first GPU that has the memory.

    None if some part finds no GPU.
    """
    gpu_N = cluster.home_N.copy()
    settled = gpu_N != NOWHERE
    free_G = cluster.memory_G - np.bincount(gpu_N[settled], cluster.size_N[settled], cluster.num_gpus)
    holds_MG = np.zeros((int(cluster.model_N.max()) + 1, cluster.num_gpus), dtype=bool)
    holds_MG[cluster.model_N[settled], gpu_N[settled]] = True
    for part in np.argsort(-cluster.size_N, kind="stable"):
        if settled[part]:
            continue
        model, size = cluster.model_N[part], cluster.size_N[part]
        fits = np.flatnonzero((free_G + SLACK_GB >= size) & ~holds_MG[model])
        if not fits.size:
            return None
        gpu_N[part] = fits[0]
        free_G[fits[0]] -= size
        holds_MG[model, fits[0]] = True
    return gpu_N
