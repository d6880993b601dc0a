"""How early a task can start on a processor, and how long the schedule lasts at least after it ends there.

Three things hold for every schedule in which task v runs on processor p; the head of v on p is the largest of them.

- **Joins.** The data of each task just before v were computed on p, or arrive there. If k of these tasks run on p, they
  do so one after the other. So, sorted by their earliest arrival from elsewhere, for some k the first k run on p: the
  head is the least over k of the larger of two times, when p can be done with these, and the arrival of the next.
- **Clusters.** The same with all tasks before v, not only those just before it. One that runs elsewhere has, on every
  path to v, an edge between processors: v starts no earlier than its end, a path of fastest times, and the cheapest
  transfer on it.
- **Areas.** All tasks before v are done before it starts, by all processors together; see `bound`.

Tails are the heads of the graph with its edges turned round.

Source: joins and clusters after the bounds of Jung, Kirousis and Spirakis, SPAA 1989, and of Papadimitriou and
Yannakakis, SIAM J. Computing 19 (1990), for equal processors and with copies of tasks; here processors differ.

Shapes: N tasks, P processors, E edges, K tasks before one, C ways to price the processors.
"""

from __future__ import annotations

import numpy as np

from evaluators.scheduling.task_graph.graph import Bools, Floats, TaskGraph

_CLUSTER = 24  # tasks before one that are looked at; the more, the tighter


def heads(graph: TaskGraph, costs_CN: Floats | None = None) -> Floats:
    """``(N, P)`` the earliest start of every task on every processor, were it to run there.

    With `costs_CN`, what each task costs at least under each of some prices, all three reasons count, else joins only.
    """
    found_NP, least_N = np.zeros_like(graph.times_NP), np.zeros(graph.size)
    before_NN = ancestors(graph) if costs_CN is not None else None
    crossing_NN = crossings(graph) if costs_CN is not None else None
    for task in range(graph.size):
        edges_K = graph.edges_in[task]
        if not len(edges_K):
            continue
        sources_K = graph.sources_E[edges_K]
        head_P = _joined(found_NP[sources_K], graph.times_NP[sources_K], graph.transfer_EPP[edges_K])
        if costs_CN is not None and before_NN is not None and crossing_NN is not None:
            all_K = np.flatnonzero(before_NN[task])
            away_KP = _least_elsewhere(found_NP[all_K] + graph.times_NP[all_K]) + crossing_NN[all_K, task][:, None]
            head_P = np.maximum(head_P, _clustered(away_KP, found_NP[all_K], graph.times_NP[all_K]))
            head_P = np.maximum(head_P, _area_before(least_N[all_K], costs_CN[:, all_K]))
        found_NP[task], least_N[task] = head_P, head_P.min()
    return found_NP


def tails(graph: TaskGraph, costs_CN: Floats | None = None) -> Floats:
    """``(N, P)`` the least time from the end of every task on every processor to the end of the schedule."""
    return heads(graph.reversed(), None if costs_CN is None else costs_CN[:, ::-1])[::-1]


def ancestors(graph: TaskGraph) -> Bools:
    """``[v, u]``: whether u must end before v starts."""
    before_NN = np.zeros((graph.size, graph.size), dtype=np.bool_)
    for task in range(graph.size):
        sources_K = graph.sources_E[graph.edges_in[task]]
        before_NN[task, sources_K] = True
        before_NN[task] |= before_NN[sources_K].any(axis=0)
    return before_NN


def crossings(graph: TaskGraph) -> Floats:
    """``[u, v]``: least time from the end of u to the start of v, if they run on different processors.

    Minus infinity if v does not need u, directly or not.
    """
    apart_PP = ~np.eye(graph.num_processors, dtype=np.bool_)
    transfer_E = graph.transfer_EPP.min(axis=(1, 2), where=apart_PP, initial=np.inf)
    transfer_E = np.where(np.isfinite(transfer_E), transfer_E, 0.0)  # of one processor alone
    least_N = graph.times_NP.min(axis=1)
    anyhow_NN = np.full((graph.size, graph.size), -np.inf)
    crossing_NN = anyhow_NN.copy()
    for task in reversed(range(graph.size)):
        for edge in graph.edges_out[task]:
            target = graph.targets_E[edge]
            onward_N = least_N[target] + anyhow_NN[target]
            onward_N[target] = 0.0
            later_N = np.minimum(transfer_E[edge] + onward_N, least_N[target] + crossing_NN[target])
            later_N[target] = transfer_E[edge]
            np.maximum(anyhow_NN[task], onward_N, out=anyhow_NN[task])
            np.maximum(crossing_NN[task], later_N, out=crossing_NN[task])
    return crossing_NN


def _joined(heads_KP: Floats, times_KP: Floats, transfer_KPP: Floats) -> Floats:
    """``(P,)`` when a processor can have the data of all K tasks."""
    num_processors = heads_KP.shape[1]
    sent_KPP = (heads_KP + times_KP)[:, :, None] + transfer_KPP
    sent_KPP[:, np.arange(num_processors), np.arange(num_processors)] = np.inf
    return _clustered(sent_KPP.min(axis=1), heads_KP, times_KP)


def _clustered(away_KP: Floats, heads_KP: Floats, times_KP: Floats) -> Floats:
    """``(P,)`` when a processor can have all K tasks behind it, each done there or, with its data, away.

    Only the latest few may be done there by choice: if all these are, nothing is asked of the others.
    """
    latest_KP = np.argsort(-away_KP, axis=0, kind="stable")[:_CLUSTER]
    away_KP, starts_KP, lengths_KP = (
        np.take_along_axis(part, latest_KP, axis=0) for part in (away_KP, heads_KP, times_KP)
    )
    local_KP = _one_after_the_other(starts_KP, lengths_KP)
    nothing = np.zeros((1, away_KP.shape[1]))
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


def _least_elsewhere(ends_KP: Floats) -> Floats:
    """``[k, p]``: the least end of a task on a processor other than p; infinite where there is none."""
    best_K = ends_KP.argmin(axis=1)
    others_KP = ends_KP.copy()
    others_KP[np.arange(len(ends_KP)), best_K] = np.inf
    second_K = others_KP.min(axis=1)
    first_KP = np.repeat(ends_KP.min(axis=1)[:, None], ends_KP.shape[1], axis=1)
    first_KP[np.arange(len(ends_KP)), best_K] = second_K
    return first_KP


def _area_before(least_K: Floats, costs_CK: Floats) -> float:
    """When all processors together can be done with K tasks, none of which begins before its least head.

    Of those with heads from a threshold on, the processors' work weighed by prices begins at the threshold.
    """
    latest_K = np.argsort(-least_K, kind="stable")
    return float((least_K[latest_K] + np.cumsum(costs_CK[:, latest_K], axis=1)).max())
