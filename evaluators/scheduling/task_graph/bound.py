"""A makespan that no schedule of a graph can beat.

- **Paths.** Every task runs on some processor, after its head there and before its tail (`heads`): the makespan is at
  least the largest over tasks of the least over processors of head + time + tail.
- **Areas.** Take prices of processors that sum up to 1. If all of some tasks start no earlier than ``a`` and end at
  least ``b`` before the end, each processor runs its share of them in ``T - a - b``. Weighed by the prices and added
  up, T is at least ``a + b`` and, for each of these tasks, the cheapest of its times times price.

Any prices give a bound. Those used are of some sets of tasks, each the best that a short search finds; they are then
held against every set, and against the tasks before and behind each task.

Source: areas are the dual of the linear program of Lenstra, Shmoys and Tardos, Math. Programming 46 (1990), with heads
and tails as in Carlier, EJOR 11 (1982).

Shapes: N tasks, P processors, S sets of tasks, C ways to price the processors.
"""

from __future__ import annotations

import numpy as np

from evaluators.scheduling.task_graph.graph import Bools, Floats, TaskGraph
from evaluators.scheduling.task_graph.heads import heads, tails

_ROUNDING = 1e-9  # relative: what sums of floating-point numbers may be off by
_STEPS = 80  # of the search for prices
_PRICED, _HELD = 5, 16  # thresholds of heads, and of tails, of the sets that are priced and of those that are tried


def makespan_bound_us(graph: TaskGraph) -> float:
    """Microseconds that every schedule takes; the same for the same graph."""
    _, _, inside_SN = _sets(heads(graph), tails(graph), _PRICED)
    costs_CN = least_costs(graph.times_NP, prices(graph.times_NP, inside_SN))
    heads_NP, tails_NP = heads(graph, costs_CN), tails(graph, costs_CN)
    path_us = path_bound(graph, heads_NP, tails_NP)
    return max(path_us, area_bound(heads_NP, tails_NP, costs_CN)) * (1 - _ROUNDING)


def path_bound(graph: TaskGraph, heads_NP: Floats, tails_NP: Floats) -> float:
    """The task that takes longest with what must come before and after it, at its best processor."""
    return float((heads_NP + graph.times_NP + tails_NP).min(axis=1).max())


def area_bound(heads_NP: Floats, tails_NP: Floats, costs_CN: Floats) -> float:
    """The best of many sets of tasks, those with heads and tails from two thresholds on, under each of the prices."""
    after_S, before_S, inside_SN = _sets(heads_NP, tails_NP, _HELD)
    return float((after_S + before_S + (inside_SN @ costs_CN.T).max(axis=1)).max())


def least_costs(times_NP: Floats, prices_CP: Floats) -> Floats:
    """``(C, N)`` the cheapest time times price of every task."""
    return np.stack([(times_NP * price_P).min(axis=1) for price_P in prices_CP])


def prices(times_NP: Floats, inside_SN: Bools) -> Floats:
    """``(S, P)`` prices, positive and of sum 1, under which the tasks of each set cost much.

    Each task takes the processor on which it is cheapest; the prices of those that are then busier than others are
    raised, by a falling step, and the best met are kept.
    """
    rows_N, num_processors = np.arange(len(times_NP)), times_NP.shape[1]
    logs_SP = np.zeros((len(inside_SN), num_processors))
    best_S, found_SP = np.zeros(len(inside_SN)), np.full_like(logs_SP, 1 / num_processors)
    for step in range(_STEPS):
        prices_SP = np.exp(logs_SP - logs_SP.max(axis=1, keepdims=True))
        prices_SP /= prices_SP.sum(axis=1, keepdims=True)
        costs_SNP = times_NP[None] * prices_SP[:, None]
        chosen_SN = costs_SNP.argmin(axis=2)
        cost_S = (np.take_along_axis(costs_SNP, chosen_SN[:, :, None], axis=2)[:, :, 0] * inside_SN).sum(axis=1)
        found_SP[cost_S > best_S] = prices_SP[cost_S > best_S]
        best_S = np.maximum(best_S, cost_S)
        took_SN = times_NP[rows_N[None], chosen_SN] * inside_SN
        load_SP = np.stack([(took_SN * (chosen_SN == p)).sum(axis=1) for p in range(num_processors)], axis=1)
        mean_S1 = load_SP.mean(axis=1, keepdims=True)
        logs_SP += 0.5 / (1 + step / 8) * (load_SP / mean_S1 - 1) / num_processors
    return found_SP


def _sets(heads_NP: Floats, tails_NP: Floats, thresholds: int) -> tuple[Floats, Floats, Bools]:
    """``(S,)`` thresholds of heads, ``(S,)`` of tails, and ``(S, N)`` the tasks from both on; no set is empty."""
    head_N, tail_N = heads_NP.min(axis=1), tails_NP.min(axis=1)
    shares = np.linspace(0.0, 0.95, thresholds)
    after, before = (np.unique(np.quantile(np.append(part, 0.0), shares, method="lower")) for part in (head_N, tail_N))
    after_S, before_S = (part.ravel() for part in np.meshgrid(after, before))
    inside_SN = (head_N >= after_S[:, None]) & (tail_N >= before_S[:, None])
    some_S = inside_SN.any(axis=1)
    return after_S[some_S], before_S[some_S], inside_SN[some_S]
