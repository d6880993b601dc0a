"""A time that no plan of a batch can beat.

Cutting a sequence into s shards keeps s ranks busy for ``t(s)`` each, at best with a ring inside one node where s
ranks fit in one. Two things hold for every plan whose step takes T beside the overhead of its micro-batches:

- every sequence is cut so that ``t(s) <= T``, and the ranks' time is enough: ``sum of s * t(s) <= G * T``. The least T
  for which widths exist that do both is `area_bound`. It contains the total work over all ranks, the ring that a
  sequence longer than the cap cannot avoid, and the longest sequence at its best width;
- if all ranks wait after every micro-batch, the micro-batch with the sequence that takes longest at its best width
  lasts that long, but holds no more work than fits under the cap; the rest comes before or after: `rest_bound`.

Micro-batches hold ``G * cap`` tokens, so at least ``total / (G * cap)`` of them, rounded up, cost their overhead.

Source: `area_bound` is the usual bound for moldable tasks (Turek, Wolf and Yu, SPAA 1992).

Shapes: N sequences, G widths from 1 to the number of ranks.
"""

from __future__ import annotations

import numpy as np

from evaluators.scheduling.sequence_split.machine import Batch, Floats, Sync, shard_tokens

_BISECTIONS = 50
_ROUNDING = 1e-9  # relative: what sums of floating-point numbers may be off by


def step_bound_us(batch: Batch) -> float:
    """Microseconds that every valid plan takes; the same for the same batch."""
    shard_us_NG = best_shard_us(batch)
    bound_us = area_bound(shard_us_NG)
    if batch.machine.sync is Sync.STEP:
        bound_us = max(bound_us, rest_bound(batch, shard_us_NG))
    return (bound_us + batch.machine.overhead_us * least_micro_batches(batch)) * (1 - _ROUNDING)


def least_micro_batches(batch: Batch) -> int:
    """How many micro-batches the cap makes necessary."""
    return -(-int(batch.lengths_N.sum()) // (batch.machine.ranks * batch.cap))


def best_shard_us(batch: Batch) -> Floats:
    """``(N, G)`` how long each width keeps each of its ranks busy at best; infinite where a shard exceeds the cap."""
    widths_G = np.arange(1, batch.machine.ranks + 1)
    crossing_G = widths_G > batch.machine.ranks_per_node
    lengths_N1 = batch.lengths_N[:, None]
    times_NG = batch.machine.shard_us(lengths_N1.astype(np.float64), widths_G.astype(np.float64), crossing_G)
    return np.where(shard_tokens(lengths_N1, widths_G) <= batch.cap, times_NG, np.inf)


def area_bound(shard_us_NG: Floats) -> float:
    """The least T such that widths with ``t <= T`` exist whose total work is at most ``G * T``.

    A larger T allows more widths, so the least work falls with it while ``G * T`` grows: bisection finds the crossing,
    and its lower end is returned.
    """
    num_ranks: int = shard_us_NG.shape[1]
    areas_NG = shard_us_NG * np.arange(1, num_ranks + 1)
    low = max(float(shard_us_NG.min(axis=1).max()), float(areas_NG.min(axis=1).sum()) / num_ranks)
    high = max(low, _least_area(areas_NG, shard_us_NG, low) / num_ranks)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _least_area(areas_NG, shard_us_NG, middle) > num_ranks * middle:
            low = middle
        else:
            high = middle
    return low


def rest_bound(batch: Batch, shard_us_NG: Floats) -> float:
    """The longest sequence at its best width, and beside it all work that does not fit into its micro-batch.

    What fits is bounded as in a knapsack of ``G * cap`` tokens that holds that sequence and may be filled with parts
    of the others, the most work per token first.
    """
    num_ranks = batch.machine.ranks
    work_N = (shard_us_NG * np.arange(1, num_ranks + 1)).min(axis=1)
    longest = int(shard_us_NG.min(axis=1).argmax())
    others = np.delete(np.arange(batch.size), longest)
    densest = others[np.argsort(-work_N[others] / batch.lengths_N[others], kind="stable")]
    room = num_ranks * batch.cap - int(batch.lengths_N[longest])
    before = np.cumsum(batch.lengths_N[densest]) - batch.lengths_N[densest]
    taken = np.clip((room - before) / batch.lengths_N[densest], 0.0, 1.0)
    rest = float((work_N[densest] * (1 - taken)).sum())
    return float(shard_us_NG[longest].min()) + rest / num_ranks


def _least_area(areas_NG: Floats, shard_us_NG: Floats, until: float) -> float:
    return float(np.where(shard_us_NG <= until, areas_NG, np.inf).min(axis=1).sum())
