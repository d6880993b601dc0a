from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.transaction_order.admission import Admission, makespan
from evaluators.scheduling.transaction_order.batch import NO_DELAY, NO_KEY, make_batch
from evaluators.scheduling.transaction_order.search import best_found, greedy_order, insertion_makespans
from tests.evaluators.scheduling.transaction_order.batches import (
    batch_of,
    least_by_slots,
    makespan_by_slots,
    random_batch,
    random_transactions,
    read,
)


@pytest.mark.parametrize(
    ("texts", "slots"),
    [
        (("wa",), 1),
        (("wa", "wa"), 2),
        (("ra", "ra"), 1),  # reads share
        (("ra", "wa"), 2),
        (("wa rb", "rb wa"), 2),  # the second needs no shift: it writes a later
        (("rb wa", "wa rb"), 4),
        (("wa wb", "wb wa"), 4),
        (("wa", "ra", "ra", "wa"), 3),
        (("wa wa", "ra"), 3),  # after the last write
        (("ra rb rc wd", "wd"), 5),
        (("ra", "rb rc wa", "rb"), 3),
    ],
)
def test_transactions_start_as_early_as_conflicts_allow(texts: tuple[str, ...], slots: int) -> None:
    assert makespan(batch_of(*texts), range(len(texts))) == slots


@given(seed=st.integers(0, 10**6), size=st.integers(1, 9), keys=st.integers(1, 6), writes=st.floats(0, 1))
@settings(deadline=None)
def test_the_engine_does_what_the_rule_says_operation_by_operation(
    seed: int, size: int, keys: int, writes: float
) -> None:
    rng = np.random.default_rng(seed)
    transactions = random_transactions(rng, size, keys=keys, writes=writes)
    order = rng.permutation(size).tolist()
    assert makespan(make_batch(transactions), order) == makespan_by_slots(transactions, order)


def test_a_transaction_admitted_later_may_start_earlier() -> None:
    admission = Admission(batch_of("wa", "wa rb", "rb rb wa"))
    for row in range(3):
        admission.admit(row)
    assert admission.starts_N.tolist() == [0, 1, 0]


def test_delays_are_those_of_the_conflict_that_holds_longest() -> None:
    delays_NN = batch_of("ra wb", "wb ra", "rc", "wa").delays_NN
    assert delays_NN[0].tolist() == [NO_DELAY, 2, NO_DELAY, 1]
    assert delays_NN[1].tolist() == [0, NO_DELAY, NO_DELAY, 2]
    assert delays_NN[3].tolist() == [1, 0, NO_DELAY, NO_DELAY]


def test_shorter_transactions_are_filled_and_counted() -> None:
    batch = batch_of("ra wb rc", "wd")
    assert batch.keys_NM.tolist() == [[0, 1, 2], [3, NO_KEY, NO_KEY]]
    assert batch.lengths_N.tolist() == [3, 1]


@pytest.mark.parametrize("seed", range(12))
def test_the_best_order_is_as_good_as_the_best_serialisable_schedule(seed: int) -> None:
    transactions = random_transactions(np.random.default_rng(seed), 3, longest=3, keys=2)
    horizon = sum(map(len, transactions))
    schedules = product(range(horizon), repeat=3)
    ends = [max(s + len(t) for s, t in zip(starts, transactions, strict=True)) for starts in schedules
            if is_serialisable(transactions, starts)]  # fmt: skip
    assert min(ends) == least_by_slots(transactions)


def test_a_schedule_that_is_not_serialisable_may_be_shorter() -> None:
    transactions = [read("wa wb"), read("wb wa")]
    assert not is_serialisable(transactions, (0, 0))  # it ends after 2 slots, each key written in two slots
    assert least_by_slots(transactions) == 4


def is_serialisable(transactions: list, starts: tuple[int, ...]) -> bool:  # type: ignore[type-arg]
    """No two conflicting operations in one slot, and no cycle of "earlier on some key" among up to three."""
    before = set()
    for i, j in product(range(len(transactions)), repeat=2):
        for (p, (write, key)), (q, (wrote, other)) in product(enumerate(transactions[i]), enumerate(transactions[j])):
            if i != j and key == other and (write or wrote):
                if starts[i] + p == starts[j] + q:
                    return False
                if starts[i] + p < starts[j] + q:
                    before.add((i, j))
    return not any((j, i) in before or any((j, k) in before and (k, i) in before for k in range(3)) for i, j in before)


@given(seed=st.integers(0, 10**6), size=st.integers(2, 12))
@settings(deadline=None)
def test_all_places_of_a_move_are_priced_as_the_engine_would(seed: int, size: int) -> None:
    batch, rng = random_batch(seed, size), np.random.default_rng(seed)
    moved, *rest = rng.permutation(size).tolist()
    told = insertion_makespans(batch, rest, moved)
    assert told.tolist() == [makespan(batch, [*rest[:p], moved, *rest[p:]]) for p in range(size)]


def test_the_long_search_finds_the_optimum_of_small_batches_and_never_less() -> None:
    for seed in range(10):
        transactions = random_transactions(np.random.default_rng(seed), 6)
        batch = make_batch(transactions)
        assert sorted(greedy_order(batch)) == list(range(6))
        assert best_found(batch, 150) == least_by_slots(transactions)
    assert best_found(batch_of("wa"), 5) == 1
