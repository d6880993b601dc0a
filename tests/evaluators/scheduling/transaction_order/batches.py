"""Small batches and programs for the tests of `transaction_order`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from evaluators.problem import ClockPolicy
from evaluators.scheduling.transaction_order.batch import Batch, Transaction, make_batch
from evaluators.scheduling.transaction_order.scenario import Kind, Scenario, Window, make_scenario

CLOCK = ClockPolicy()
START = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.config = config
    def order(self, batch):
        rows = len(batch["lengths"])
"""
ARRIVAL = START + "        return np.arange(rows)"
REVERSED = START + "        return np.arange(rows)[::-1]"
SHORTEST = START + "        return np.argsort(batch['ready'] + batch['lengths'], kind='stable')"


def read(text: str) -> list[tuple[bool, int]]:
    """``"ra wb"`` as operations: keys are letters."""
    return [(word[0] == "w", ord(word[1]) - ord("a")) for word in text.split()]


def batch_of(*texts: str) -> Batch:
    return make_batch([read(text) for text in texts])


def random_transactions(
    rng: np.random.Generator, size: int, longest: int = 6, keys: int = 4, writes: float = 0.5
) -> list[Transaction]:
    """Keys may come twice in a transaction."""
    return [
        [(bool(rng.random() < writes), int(rng.integers(keys))) for _ in range(int(rng.integers(1, longest + 1)))]
        for _ in range(size)
    ]


def random_batch(seed: int, size: int, longest: int = 6, keys: int = 4, writes: float = 0.5) -> Batch:
    return make_batch(random_transactions(np.random.default_rng(seed), size, longest, keys, writes))


def a_scenario(batch: Batch | None = None, waiting: int = 0, admit: int = 0) -> Scenario:
    """A batch, or a stream if `waiting` is given."""
    batch = batch or random_batch(0, 12)
    kind = Kind.STREAM if waiting else Kind.BATCH
    window = Window(kind=kind, waiting=waiting or batch.size, admit=admit or batch.size)
    return make_scenario("scene-0", "scene", batch, window, candidate_seed=7)


def makespan_by_slots(transactions: Sequence[Transaction], order: Sequence[int]) -> int:
    """The rule as it is told, operation by operation: no delays, no arrays."""
    done: list[tuple[int, bool, int]] = []  # key, whether written, slot
    end = 0
    for row in order:
        start = 0
        while any(
            key == other and (write or wrote) and start + place <= slot
            for place, (write, key) in enumerate(transactions[row])
            for other, wrote, slot in done
        ):
            start += 1
        done += [(key, write, start + place) for place, (write, key) in enumerate(transactions[row])]
        end = max(end, start + len(transactions[row]))
    return end


def least_by_slots(transactions: Sequence[Transaction]) -> int:
    """Over all orders."""
    return min(makespan_by_slots(transactions, order) for order in permutations(range(len(transactions))))
