from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.table_reorder.bound import apart, most_found, shared_tokens
from evaluators.scheduling.table_reorder.cache import Cache, found_tokens
from evaluators.scheduling.table_reorder.prefixes import write_prompts
from evaluators.scheduling.table_reorder.table import Plan, Table
from tests.evaluators.scheduling.table_reorder.tables import (
    every_plan,
    most_shared,
    random_plan,
    random_table,
    table_of,
)


def spanning(table: Table) -> int:
    """The heaviest spanning tree over the tokens that two rows have in common: a weaker bound, with another proof."""
    shared_NN, reached = shared_tokens(table), np.arange(table.num_rows) == 0
    total = 0
    while not reached.all():
        best_N = np.where(reached, -1, shared_NN[reached].max(axis=0))
        total += int(best_N.max())
        reached[int(best_N.argmax())] = True
    return total


@pytest.mark.parametrize("seed", range(12))
def test_no_order_of_rows_and_columns_finds_more(seed: int) -> None:
    table = random_table(seed, 3, 3, values=2)
    for block, in_flight in ((1, 1), (3, 1), (1, 2)):
        cache = Cache(block=block, capacity=999 // block * block, in_flight=in_flight)
        best = max(int(found_tokens(write_prompts(table, plan), cache).sum()) for plan in list(every_plan(table))[::7])
        assert best <= most_found(table, block, in_flight)


def test_the_bound_is_the_optimum_of_most_tiny_tables_and_never_below() -> None:
    gaps = []
    for seed in range(25):
        table = random_table(seed, 4, 3, values=2)
        gaps.append(most_found(table, 1, 1) / max(most_shared(table), 1))
    assert min(gaps) >= 1.0
    assert np.mean(np.array(gaps) == 1.0) > 0.4
    assert np.mean(gaps) < 1.2


@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 30),
    columns=st.integers(1, 6),
    values=st.integers(1, 9),
    block=st.integers(1, 9),
    in_flight=st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_no_random_plan_is_above_the_bound(
    seed: int, size: int, columns: int, values: int, block: int, in_flight: int
) -> None:
    table = random_table(seed, size, columns, values)
    bound = most_found(table, block, in_flight)
    rng = np.random.default_rng(seed)
    cache = Cache(block=block, capacity=block * 10**6, in_flight=in_flight)
    for _ in range(6):
        plan = random_plan(table, rng)
        written = Plan(np.lexsort(table.values_NC.T[plan.columns_NC[0][::-1]]), np.tile(plan.columns_NC[0], (size, 1)))
        for one in (plan, written):
            assert int(found_tokens(write_prompts(table, one), cache).sum()) <= bound
    assert bound <= table.tokens


@given(seed=st.integers(0, 10**6), size=st.integers(2, 40), columns=st.integers(1, 6), values=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_the_bound_is_at_most_the_two_plain_ones(seed: int, size: int, columns: int, values: int) -> None:
    table = random_table(seed, size, columns, values)
    bound, tree = most_found(table, 1, 1), spanning(table)
    distinct = sum(
        int(lengths[np.unique(column, return_index=True)[1]].sum())
        for column, lengths in zip(table.values_NC.T, table.lengths_NC.T, strict=True)
    )
    assert bound <= tree <= table.tokens - distinct


def test_equal_rows_share_all_and_different_ones_nothing() -> None:
    assert most_found(table_of(*["abc"] * 10, tokens=4), 1, 1) == 9 * 12
    assert most_found(table_of(*["abc"] * 10, tokens=4), 5, 3) == 7 * 10
    assert most_found(table_of(*["abc"] * 10, tokens=4), 1, 30) == 0
    assert most_found(table_of("abc", "def", "ghi"), 1, 1) == 0
    assert most_found(table_of("abc"), 1, 1) == 0


def test_rows_apart_are_apart() -> None:
    alike_NN = shared_tokens(random_table(3, 40, 4)) >= 9
    np.fill_diagonal(alike_NN, False)
    count = apart(alike_NN)
    assert 1 < count < 40
    assert apart(np.zeros((5, 5), dtype=np.bool_)) == 5


def test_a_bound_of_many_lengths_stays_above_the_exact_sum() -> None:
    """With few levels the bound is a little higher than with one for every length, never lower."""
    table = random_table(5, 60, 6, values=5, longest=90)
    shared_NN = shared_tokens(table)
    np.fill_diagonal(shared_NN, 0)
    exact = sum(60 - apart(shared_NN >= level) for level in range(1, int(shared_NN.max()) + 1))
    assert exact * 0.97 <= most_found(table, 1, 1) <= exact * 1.05 + 0.01 * table.tokens
