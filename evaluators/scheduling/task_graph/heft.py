"""HEFT, which every result is compared with, and the weak baseline; both are list schedules.

Shapes: N tasks, P processors, K tasks before one.
"""

from __future__ import annotations

from bisect import insort

import numpy as np

from evaluators.scheduling.task_graph.graph import Floats, TaskGraph
from evaluators.scheduling.task_graph.timing import Plan


def heft(graph: TaskGraph) -> Plan:
    """Longest mean path to the end first, each task to where it ends first, gaps used.

    Source: Topcuoglu, Hariri and Wu, IEEE TPDS 13 (2002); means are over the processors that can run a task, and over
    all pairs of different processors.
    """
    rank_N = upward_ranks(graph)
    busy: list[list[tuple[float, float]]] = [[] for _ in range(graph.num_processors)]
    processor_N, start_N = np.zeros(graph.size, dtype=np.int64), np.zeros(graph.size)
    end_N = np.zeros(graph.size)
    for task in np.argsort(-rank_N, kind="stable").tolist():
        ready = ready_times(graph, task, processor_N, end_N).tolist()
        lengths = graph.times_NP[task].tolist()
        starts = [_gap(slots, at, length) for slots, at, length in zip(busy, ready, lengths, strict=True)]
        ends = [start + length for start, length in zip(starts, lengths, strict=True)]
        place = ends.index(min(ends))
        processor_N[task], start_N[task], end_N[task] = place, starts[place], ends[place]
        insort(busy[place], (starts[place], ends[place]))
    return Plan(processor_N, np.lexsort((np.arange(graph.size), start_N)))


def in_order(graph: TaskGraph) -> Plan:
    """The weak baseline: tasks in the order of their numbers, each behind the last task of where it then ends first."""
    processor_N, end_N = np.zeros(graph.size, dtype=np.int64), np.zeros(graph.size)
    free_P = np.zeros(graph.num_processors)
    for task in range(graph.size):
        ends_P = np.maximum(free_P, ready_times(graph, task, processor_N, end_N)) + graph.times_NP[task]
        place = int(ends_P.argmin())
        processor_N[task] = place
        end_N[task] = free_P[place] = ends_P[place]
    return Plan(processor_N, np.arange(graph.size))


def upward_ranks(graph: TaskGraph) -> Floats:
    """``(N,)`` the longest path from each task to the end, in mean times and mean transfers."""
    able_NP = np.isfinite(graph.times_NP)
    mean_N = np.where(able_NP, graph.times_NP, 0.0).sum(axis=1) / able_NP.sum(axis=1)
    pairs = max(graph.num_processors * (graph.num_processors - 1), 1)
    transfer_E = graph.transfer_EPP.sum(axis=(1, 2)) / pairs
    rank_N: Floats = mean_N.copy()
    for task in reversed(range(graph.size)):
        edges = graph.edges_out[task]
        if len(edges):
            rank_N[task] += (transfer_E[edges] + rank_N[graph.targets_E[edges]]).max()
    return rank_N


def ready_times(graph: TaskGraph, task: int, processor_N: np.ndarray, end_N: Floats) -> Floats:
    """``(P,)`` when a task's data are on each processor."""
    edges_K = graph.edges_in[task]
    if not len(edges_K):
        return np.zeros(graph.num_processors)
    sources_K = graph.sources_E[edges_K]
    arrival_KP = end_N[sources_K, None] + graph.transfer_EPP[edges_K, processor_N[sources_K]]
    ready_P: Floats = arrival_KP.max(axis=0)
    return ready_P


def _gap(slots: list[tuple[float, float]], ready: float, length: float) -> float:
    """The earliest start from `ready` on between the intervals of a processor, in their order."""
    for start, end in slots:
        if ready + length <= start:
            return ready
        ready = max(ready, end)
    return ready
