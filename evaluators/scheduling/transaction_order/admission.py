"""The engine: transactions start one after the other, each as early as those admitted before it let it.

A transaction conflicts with one before it where both access a key and one writes; it then comes later on that key. This
is a longest path over the delays between pairs, and it loses nothing: take any schedule in which no two conflicting
operations share a slot and which is serialisable, that is, in which "earlier on some key" has no cycle. Admitted in a
topological order of that relation, every transaction starts no later than in the schedule. So the best permutation is
as good as the best serialisable schedule. Schedules that are not serialisable can be shorter, and no database wants
them: ``w-a w-b`` and ``w-b w-a`` both started in slot 0 end after 2 slots, in either order after 4.

Shapes: N transactions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.scheduling.transaction_order.batch import Batch, Ints


class Admission:
    """A batch being admitted."""

    def __init__(self, batch: Batch) -> None:
        self._delays_NN = batch.delays_NN
        self._lengths: list[int] = batch.lengths_N.tolist()
        self.ready_N: Ints = np.zeros(batch.size, dtype=np.int64)  # the slot in which each may start now
        self.starts_N: Ints = np.full(batch.size, -1, dtype=np.int64)
        self.makespan = 0

    def admit(self, transaction: int) -> None:
        """Start a transaction as early as it can."""
        start = int(self.ready_N[transaction])
        self.starts_N[transaction] = start
        self.makespan = max(self.makespan, start + self._lengths[transaction])
        np.maximum(self.ready_N, start + self._delays_NN[transaction], out=self.ready_N)


def makespan(batch: Batch, order: Sequence[int]) -> int:
    """Slots until the last transaction has ended, if they are admitted in this order."""
    admission = Admission(batch)
    for transaction in order:
        admission.admit(transaction)
    return admission.makespan
