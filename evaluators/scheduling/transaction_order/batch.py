"""A batch of transactions, and what it means for two of them to conflict.

Shapes: N transactions, M operations of the longest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Operation = tuple[bool, int]  # whether it writes, and the key
Transaction = Sequence[Operation]

NO_KEY = -1  # fills the rows of shorter transactions
NO_DELAY = -1_000_000  # between transactions that do not conflict: below every start, so that sums need no exception


@dataclass(frozen=True, slots=False, eq=False)
class Batch:
    """Transactions whose operation ``p`` takes the slot ``start + p``: once begun, none of them pauses."""

    keys_NM: Ints  # NO_KEY behind the last operation
    writes_NM: Bools

    @cached_property
    def lengths_N(self) -> Ints:
        """Operations of each transaction."""
        return np.asarray((self.keys_NM != NO_KEY).sum(axis=1), dtype=np.int64)

    @cached_property
    def delays_NN(self) -> Ints:
        """``[i, j]``: the least start of j minus the start of i, if i is admitted before j; see `pairwise_delays`."""
        return pairwise_delays(self)

    @property
    def size(self) -> int:
        """Number of transactions."""
        return len(self.keys_NM)


def make_batch(transactions: Sequence[Transaction]) -> Batch:
    """The batch of these transactions, in this order."""
    longest = max(len(operations) for operations in transactions)
    keys_NM = np.full((len(transactions), longest), NO_KEY, dtype=np.int64)
    writes_NM = np.zeros((len(transactions), longest), dtype=np.bool_)
    for row, operations in enumerate(transactions):
        keys_NM[row, : len(operations)] = [key for _, key in operations]
        writes_NM[row, : len(operations)] = [write for write, _ in operations]
    return Batch(keys_NM, writes_NM)


def pairwise_delays(batch: Batch) -> Ints:
    """``(N, N)`` how many slots after i transaction j may start at the earliest, if i is admitted first.

    Operations conflict where they access one key and one of them writes. Admitted first means first on every key, so
    the delay is the largest of ``p - q + 1`` over operations p of i and q of j that conflict. It may be negative, if i
    accesses early what j accesses late; `NO_DELAY` without conflict, and on the diagonal.

    Source: the conflict rules of Cheng et al., "Towards Optimal Transaction Scheduling", VLDB 2024.
    """
    delays_NN = np.full((batch.size, batch.size), NO_DELAY, dtype=np.int64)
    for users_U, spans_U4 in accesses(batch):
        first, last, first_write, last_write = spans_U4.T
        ways = last_write[:, None] - first[None, :], last[:, None] - first_write[None, :]
        there = np.ix_(users_U, users_U)
        delays_NN[there] = np.maximum(delays_NN[there], np.maximum(*ways) + 1)
    np.fill_diagonal(delays_NN, NO_DELAY)
    return np.maximum(delays_NN, NO_DELAY)


def accesses(batch: Batch) -> Iterable[tuple[Ints, Ints]]:
    """For each key that is written: ``(U,)`` its users, and ``(U, 4)`` their first and last access, and write.

    A user that does not write has its first write far in the future and its last far in the past.
    """
    rows, places = np.nonzero(batch.keys_NM != NO_KEY)
    keys, writes = batch.keys_NM[rows, places], batch.writes_NM[rows, places]
    for key in np.unique(keys[writes]):
        mine = keys == key
        users, index = np.unique(rows[mine], return_inverse=True)
        spans_U4 = np.tile(np.array([-NO_DELAY, 4 * NO_DELAY, -4 * NO_DELAY, 4 * NO_DELAY]), (len(users), 1))
        np.minimum.at(spans_U4[:, 0], index, places[mine])
        np.maximum.at(spans_U4[:, 1], index, places[mine])
        written = writes[mine]
        np.minimum.at(spans_U4[:, 2], index[written], places[mine][written])
        np.maximum.at(spans_U4[:, 3], index[written], places[mine][written])
        yield users.astype(np.int64), spans_U4
