"""A makespan that no schedule of a graph can beat.

Three things hold for every schedule, whatever its order:

- **Heads.** On processor p, task v starts no earlier than ``head[v, p]``. The data of each task before v are there, or
  they come from elsewhere; those that would come late from elsewhere must be computed on p itself, one after the other.
  So for some number of them, those that would come latest run on p, and the head is the least over that number of the
  larger of two times: when p is done with these, and when the first of the others can have arrived.
- **Tails.** The same backwards: between the end of v on p and the end of the schedule lies ``tail[v, p]``.
  So the makespan is at least ``max over v, min over p of head + time + tail``.
- **Areas.** Take prices of processors that sum up to 1. Whatever tasks a schedule puts on p between its first ``a`` and
  its last ``b`` microseconds take at most ``T - a - b`` there. Weighed by the prices and added up, T is at least
  ``a + b`` and, for every task with heads from ``a`` and tails from ``b`` on, its cheapest time times price.

Source: heads after Jung, Kirousis and Spirakis, SPAA 1989, and Papadimitriou and Yannakakis, SIAM J. Comput. 19 (1990),
here for processors that differ and one layer of predecessors; areas are the dual of the linear program of Lenstra,
Shmoys and Tardos, Math. Programming 46 (1990), with the heads and tails of Carlier, EJOR 11 (1982).

Shapes: N tasks, P processors, K tasks before one, S sets of tasks.
"""

from __future__ import annotations

import numpy as np

from evaluators.scheduling.task_graph.graph import Floats, TaskGraph

_ROUNDING = 1e-9  # relative: what sums of floating-point numbers may be off by
_STEPS = 120  # of the search for prices; any prices give a bound
_THRESHOLDS = 6


def makespan_bound_us(graph: TaskGraph) -> float:
    """Microseconds that every schedule takes; the same for the same graph."""
    heads_NP, tails_NP = heads(graph), tails(graph)
    path_us = path_bound(graph, heads_NP, tails_NP)
    return max(path_us, area_bound(graph, heads_NP, tails_NP)) * (1 - _ROUNDING)


def path_bound(graph: TaskGraph, heads_NP: Floats, tails_NP: Floats) -> float:
    """The task that takes longest with what must come before and after it, at its best processor."""
    return float((heads_NP + graph.times_NP + tails_NP).min(axis=1).max())


def heads(graph: TaskGraph) -> Floats:
    """``(N, P)`` the earliest start of every task on every processor, were it to run there."""
    found_NP = np.zeros_like(graph.times_NP)
    for task in range(graph.size):
        edges_K = graph.edges_in[task]
        if len(edges_K):
            sources_K = graph.sources_E[edges_K]
            found_NP[task] = _joined(found_NP[sources_K], graph.times_NP[sources_K], graph.transfer_EPP[edges_K])
    return found_NP


def tails(graph: TaskGraph) -> Floats:
    """``(N, P)`` the least time from the end of every task on every processor to the end of the schedule."""
    return heads(graph.reversed())[::-1]


def _joined(heads_KP: Floats, times_KP: Floats, transfer_KPP: Floats) -> Floats:
    """``(P,)`` the earliest time at which a processor can have the data of K tasks, computed there or elsewhere."""
    num_processors = heads_KP.shape[1]
    sent_KPP = (heads_KP + times_KP)[:, :, None] + transfer_KPP
    sent_KPP[:, np.arange(num_processors), np.arange(num_processors)] = np.inf
    away_KP = sent_KPP.min(axis=1)
    latest_KP = np.argsort(-away_KP, axis=0, kind="stable")
    away_KP = np.take_along_axis(away_KP, latest_KP, axis=0)
    starts_KP, lengths_KP = (np.take_along_axis(part, latest_KP, axis=0) for part in (heads_KP, times_KP))
    local_KP = _one_after_the_other(starts_KP, lengths_KP)
    nothing = np.zeros((1, num_processors))
    both = np.maximum(np.concatenate([nothing, local_KP]), np.concatenate([away_KP, nothing]))
    least_P: Floats = both.min(axis=0)
    return least_P


def _one_after_the_other(starts_KP: Floats, lengths_KP: Floats) -> Floats:
    """``[k, p]``: when a processor is done with the first k + 1 tasks, none of which begins before its start.

    In order of their starts is best; the end is that of a run without pause, from the start of one of them.
    """
    later_KKP = np.where(starts_KP[None] >= starts_KP[:, None], lengths_KP[None], 0.0)
    ends_KKP = starts_KP[:, None] + np.cumsum(later_KKP, axis=1)
    among_KK = np.tri(len(starts_KP), dtype=np.bool_).T
    done_KP: Floats = np.where(among_KK[:, :, None], ends_KKP, 0.0).max(axis=0)
    return done_KP


def area_bound(graph: TaskGraph, heads_NP: Floats, tails_NP: Floats) -> float:
    """The best of several sets of tasks, those with heads and tails from two thresholds on."""
    head_N, tail_N = heads_NP.min(axis=1), tails_NP.min(axis=1)
    shares = np.linspace(0.0, 0.9, _THRESHOLDS)
    after, before = (np.unique(np.quantile(np.append(part, 0.0), shares, method="lower")) for part in (head_N, tail_N))
    after_S, before_S = (part.ravel() for part in np.meshgrid(after, before))
    inside_SN = (head_N >= after_S[:, None]) & (tail_N >= before_S[:, None])
    loads_S = _least_load(graph.times_NP, inside_SN)
    return float(np.where(inside_SN.any(axis=1), after_S + before_S + loads_S, 0.0).max())


def _least_load(times_NP: Floats, inside_SN: np.ndarray) -> Floats:
    """``(S,)`` time that the busiest processor works at least, if tasks may be shared out in any parts.

    For prices that sum up to 1 every task costs at least its cheapest time times price; prices of processors that are
    busier than the others at the cheapest choice are raised, by a falling step.
    """
    num_sets, num_processors = len(inside_SN), times_NP.shape[1]
    log_SP = np.zeros((num_sets, num_processors))
    best_S = np.zeros(num_sets)
    for step in range(_STEPS):
        prices_SP = np.exp(log_SP - log_SP.max(axis=1, keepdims=True))
        prices_SP /= prices_SP.sum(axis=1, keepdims=True)
        costs_SNP = times_NP[None] * prices_SP[:, None]
        chosen_SN = costs_SNP.argmin(axis=2)
        least_SN = np.take_along_axis(costs_SNP, chosen_SN[:, :, None], axis=2)[:, :, 0] * inside_SN
        best_S = np.maximum(best_S, least_SN.sum(axis=1))
        took_SN = times_NP[np.arange(len(times_NP))[None], chosen_SN] * inside_SN
        load_SP = np.stack([(took_SN * (chosen_SN == p)).sum(axis=1) for p in range(num_processors)], axis=1)
        mean_S1 = np.maximum(load_SP.mean(axis=1, keepdims=True), 1e-300)
        log_SP += 0.5 / (1 + step / 8) * (load_SP / mean_S1 - 1) / num_processors
    return best_S
