"""The engine: from a plan to the time of a step.

Inside a micro-batch every rank works on its cut sequences first, the widest first, of equally wide ones the longest,
of equal ones the first; then on its whole ones. The ranks that share a sequence begin it together, since the ring
passes keys and values on in lockstep: a rank that is ready waits for the last of its group.

Shapes: N sequences, G ranks, M micro-batches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.sequence_split.machine import Batch, Bools, Floats, Ints, Sync


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Where every sequence is computed; see `reading.read_plan` for what makes it valid."""

    micro_batch_N: Ints
    ranks_NG: Bools  # at least one per sequence; they share it in equal parts

    @property
    def widths_N(self) -> Ints:
        """Shards of every sequence."""
        return np.asarray(self.ranks_NG.sum(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timing:
    """What a plan costs."""

    step_us: float
    busy_G: Floats  # microseconds that each rank works or exchanges
    used: int  # micro-batches that are not empty
    shard_us_N: Floats
    crossing_N: Bools  # whether a sequence is on several nodes


def time_plan(batch: Batch, plan: Plan) -> Timing:
    """The time of the step, and where it goes."""
    machine, widths_N = batch.machine, plan.widths_N
    crossing_N = crosses(plan.ranks_NG, machine.node_G)
    shard_us_N = machine.shard_us(batch.lengths_N.astype(np.float64), widths_N.astype(np.float64), crossing_N)
    order_N = np.lexsort((-batch.lengths_N, -widths_N, plan.micro_batch_N))
    used = np.unique(plan.micro_batch_N)
    elapsed, ready_G = 0.0, np.zeros(machine.ranks)
    for micro_batch in used:
        rows = order_N[plan.micro_batch_N[order_N] == micro_batch]
        _work_through(ready_G, rows, plan.ranks_NG, shard_us_N, int((widths_N[rows] > 1).sum()))
        if machine.sync is Sync.STEP:
            elapsed, ready_G = elapsed + float(ready_G.max()), np.zeros(machine.ranks)
    return Timing(
        step_us=elapsed + float(ready_G.max()) + machine.overhead_us * len(used),
        busy_G=shard_us_N @ plan.ranks_NG,
        used=len(used),
        shard_us_N=shard_us_N,
        crossing_N=crossing_N,
    )


def crosses(ranks_NG: Bools, node_G: Ints) -> Bools:
    """Whether the ranks of each row are on more than one node."""
    first_N, last_N = ranks_NG.argmax(axis=1), ranks_NG.shape[1] - 1 - ranks_NG[:, ::-1].argmax(axis=1)
    return np.asarray(node_G[first_N] != node_G[last_N])


def _work_through(ready_G: Floats, rows: Ints, ranks_NG: Bools, shard_us_N: Floats, num_cut: int) -> None:
    """Move on the time at which each rank is ready; the first `num_cut` rows are of sequences that are cut."""
    for row in rows[:num_cut]:
        group = ranks_NG[row]
        ready_G[group] = ready_G[group].max() + shard_us_N[row]
    whole = rows[num_cut:]
    ready_G += np.bincount(ranks_NG[whole].argmax(axis=1), weights=shard_us_N[whole], minlength=len(ready_G))
