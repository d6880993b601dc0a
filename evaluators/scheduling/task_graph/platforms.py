"""Processors and networks: how long each task takes where, and how long its data travel.

Shapes: N tasks, E edges, P processors, K kinds of tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.task_graph.graph import Floats, Ints, Network, TaskGraph
from evaluators.scheduling.task_graph.shapes import Outline

LATENCY = 0.02  # of the mean transfer, for one without data
ACCELERATION = {  # of a GPU over a core: the order of published ratios of tile kernels
    "gemm": 24.0, "syrk": 20.0, "trsm": 9.0, "potrf": 2.0, "getrf": 2.0, "geqrt": 2.0, "tsqrt": 3.0, "ormqr": 10.0,
    "tsmqr": 14.0, "conv": 12.0, "matmul": 20.0, "elementwise": 4.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a platform is drawn from."""

    platform: str  # a key of PLATFORMS
    processors: int
    ccr: float  # mean transfer between two processors over mean time of a task
    heterogeneity: float  # 0: all alike, 2: times from nothing to twice the mean


Drawn = tuple[Floats, Floats]  # times (N, P), microseconds, and how far each pair is apart (P, P)
Edges = tuple[Ints, Ints, Floats]  # sources, targets, bytes
Platform = Callable[[Outline, Machine, np.random.Generator], Drawn]


def unrelated(outline: Outline, machine: Machine, rng: np.random.Generator) -> Drawn:
    """Every task has its own time on every processor; all pairs alike (Topcuoglu et al. 2002)."""
    work_N1, half = np.array(outline.work)[:, None], min(machine.heterogeneity, 1.98) / 2
    times_NP = work_N1 * rng.uniform(1 - half, 1 + half, (len(outline.work), machine.processors))
    return times_NP, _apart(machine.processors)


def related(outline: Outline, machine: Machine, rng: np.random.Generator) -> Drawn:
    """Processors that are fast or slow for every task; links of two speeds."""
    half = min(machine.heterogeneity, 1.8) / 2
    slowness_P = rng.uniform(1 - half, 1 + half, machine.processors)
    apart_PP = _apart(machine.processors) * rng.choice([0.5, 1.5], (machine.processors, machine.processors))
    return np.outer(outline.work, slowness_P), np.maximum(apart_PP, apart_PP.T)


def nodes(outline: Outline, machine: Machine, rng: np.random.Generator) -> Drawn:
    """Nodes of two to four processors alike, a tenth as far apart as those of different nodes."""
    half = min(machine.heterogeneity, 1.8) / 2
    per_node = int(rng.integers(2, 5))
    node_P = np.arange(machine.processors) // per_node
    slowness_P = rng.uniform(1 - half, 1 + half, machine.processors)[node_P]
    noise_NP = rng.uniform(0.9, 1.1, (len(outline.work), machine.processors))
    apart_PP = np.where(node_P[:, None] == node_P, 0.1, 1.0) * _apart(machine.processors)
    return np.outer(outline.work, slowness_P) * noise_NP, apart_PP


def gpus(outline: Outline, machine: Machine, rng: np.random.Generator) -> Drawn:
    """A quarter of the processors accelerates tasks by their kind; cores share a memory, all else goes over a bus."""
    count = max(1, machine.processors // 4) if machine.processors > 1 else 0
    gpu_P = np.arange(machine.processors) >= machine.processors - count
    factor = {kind: ACCELERATION.get(kind) or float(rng.lognormal(1.2, 0.8)) for kind in dict.fromkeys(outline.kinds)}
    slow_N = np.array([factor[kind] for kind in outline.kinds])
    noise_NP = rng.uniform(0.95, 1.05, (len(outline.work), machine.processors))
    times_NP = np.outer(outline.work, np.ones(machine.processors)) * noise_NP / np.where(gpu_P, slow_N[:, None], 1.0)
    apart_PP = _apart(machine.processors) * np.where(gpu_P[:, None] | gpu_P, 1.0, 0.0)
    return times_NP, apart_PP


def chip(outline: Outline, machine: Machine, rng: np.random.Generator) -> Drawn:
    """Large and small cores that can do everything, and units that do one kind of task much faster, nothing else."""
    kinds = list(dict.fromkeys(outline.kinds))
    cores = max(1, machine.processors // 2)
    slowness_P = np.where(np.arange(machine.processors) % 2, 1.0 + machine.heterogeneity, 1.0)
    times_NP = np.outer(outline.work, slowness_P) * rng.uniform(0.95, 1.05, (len(outline.work), machine.processors))
    heavy = sorted(
        kinds, key=lambda kind: -sum(w for k, w in zip(outline.kinds, outline.work, strict=True) if k == kind)
    )
    for unit in range(cores, machine.processors):
        does = heavy[(unit - cores) % min(len(heavy), max(1, machine.processors - cores))]
        is_kind_N = np.array([kind == does for kind in outline.kinds])
        times_NP[:, unit] = np.where(is_kind_N, times_NP[:, unit] / slowness_P[unit] / rng.uniform(4, 12), np.inf)
    return times_NP, _apart(machine.processors)


PLATFORMS: dict[str, Platform] = {
    "unrelated": unrelated, "related": related, "nodes": nodes, "gpus": gpus, "chip": chip,
}  # fmt: skip


def assemble(outline: Outline, machine: Machine, rng: np.random.Generator) -> TaskGraph:
    """The graph on a platform, its tasks renumbered at random, in an order in which they could run."""
    times_NP, apart_PP = PLATFORMS[machine.platform](outline, machine, rng)
    return renumbered(times_NP, edges_of(outline), _network(outline, machine, apart_PP), rng)


def _network(outline: Outline, machine: Machine, apart_PP: Floats) -> Network:
    """Transfers that take on average, over edges and pairs, `ccr` times the mean work of a task."""
    mean_bytes = float(np.mean([data for _, _, data in outline.edges])) if outline.edges else 0.0
    pairs = machine.processors * (machine.processors - 1)
    scale_PP = machine.ccr * float(np.mean(outline.work)) * pairs / max(float(apart_PP.sum()), 1e-9) * apart_PP
    return Network(LATENCY * scale_PP, (1 - LATENCY) * scale_PP / (mean_bytes or 1.0))


def renumbered(times_NP: Floats, edges: Edges, network: Network, rng: np.random.Generator) -> TaskGraph:
    """The graph with its tasks numbered anew, by an order drawn from those that respect the edges."""
    sources_E, targets_E, data_E = edges
    number_N = _new_numbers(len(times_NP), sources_E, targets_E, rng)
    new_sources_E, new_targets_E = number_N[sources_E], number_N[targets_E]
    order_E = np.lexsort((new_sources_E, new_targets_E))
    return TaskGraph(
        times_NP=times_NP[np.argsort(number_N)],
        sources_E=new_sources_E[order_E],
        targets_E=new_targets_E[order_E],
        data_E=data_E[order_E],
        network=network,
    )


def edges_of(outline: Outline) -> Edges:
    """The edges; several between the same two tasks are one, with the data of all."""
    joined: dict[tuple[int, int], float] = {}
    for source, target, data in outline.edges:
        joined[source, target] = joined.get((source, target), 0.0) + data
    pairs = np.array(list(joined), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], np.array(list(joined.values()), dtype=np.float64)


def _new_numbers(size: int, sources_E: Ints, targets_E: Ints, rng: np.random.Generator) -> Ints:
    """``(N,)`` new numbers of the tasks: an order drawn from those that respect the edges."""
    waits = np.bincount(targets_E, minlength=size)
    after: list[list[int]] = [[] for _ in range(size)]
    for source, target in zip(sources_E.tolist(), targets_E.tolist(), strict=True):
        after[source].append(target)
    ready = np.flatnonzero(waits == 0).tolist()
    number_N = np.zeros(size, dtype=np.int64)
    for number in range(size):
        task = ready.pop(int(rng.integers(len(ready))))
        number_N[task] = number
        for target in after[task]:
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return number_N


def _apart(processors: int) -> Floats:
    return 1.0 - np.eye(processors)
