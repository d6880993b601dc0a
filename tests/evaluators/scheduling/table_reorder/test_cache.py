from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scheduling.table_reorder.cache import Cache, found_tokens
from evaluators.scheduling.table_reorder.prefixes import shared_with_any, shared_with_previous, write_prompts
from evaluators.scheduling.table_reorder.table import Plan, as_it_is, make_table
from tests.evaluators.scheduling.table_reorder.tables import (
    UNBOUNDED,
    found_by_blocks,
    random_plan,
    random_table,
    table_of,
)


@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 25),
    columns=st.integers(1, 5),
    block=st.integers(1, 7),
    blocks=st.integers(1, 60),
    in_flight=st.integers(1, 6),
)
@settings(max_examples=120, deadline=None)
def test_the_cache_does_what_is_told_block_by_block(
    seed: int, size: int, columns: int, block: int, blocks: int, in_flight: int
) -> None:
    table = random_table(seed, size, columns)
    plan = random_plan(table, np.random.default_rng(seed))
    cache = Cache(block=block, capacity=block * blocks, in_flight=in_flight)
    assert found_tokens(write_prompts(table, plan), cache).tolist() == found_by_blocks(table, plan, cache)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 25), columns=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_an_unbounded_cache_in_tokens_finds_what_is_shared_with_any_before(seed: int, size: int, columns: int) -> None:
    table = random_table(seed, size, columns)
    prompts = write_prompts(table, random_plan(table, np.random.default_rng(seed)))
    assert found_tokens(prompts, UNBOUNDED).sum() == shared_with_any(prompts) >= shared_with_previous(prompts)


@given(seed=st.integers(0, 10**6), block=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_sorted_rows_find_next_door_all_there_is(seed: int, block: int) -> None:
    table = random_table(seed, 30, 4)
    order = np.lexsort(table.values_NC.T[::-1])
    prompts = write_prompts(table, Plan(order, as_it_is(table).columns_NC))
    small = Cache(block=block, capacity=-(-36 // block) * block, in_flight=1)  # holds the longest prompt
    large = Cache(block=block, capacity=block * 10**6, in_flight=1)
    assert found_tokens(prompts, small).tolist() == found_tokens(prompts, large).tolist()
    assert shared_with_previous(prompts) == shared_with_any(prompts)


def test_leading_cells_are_shared_up_to_the_first_difference() -> None:
    table = table_of("axp", "ayp", "axq", tokens=5)
    prompts = write_prompts(table, as_it_is(table))
    assert found_tokens(prompts, UNBOUNDED).tolist() == [0, 5, 10]
    assert shared_with_previous(prompts) == 10
    assert shared_with_any(prompts) == 15


def test_only_full_blocks_are_found() -> None:
    table = table_of("axp", "axq", tokens=5)
    prompts = write_prompts(table, as_it_is(table))
    found = [int(found_tokens(prompts, Cache(block=b, capacity=96, in_flight=1))[1]) for b in (1, 4, 6, 8, 12)]
    assert found == [10, 8, 6, 8, 0]


def test_what_is_in_flight_is_not_there_yet() -> None:
    table = table_of("a", "a", "a", "b", "a", "b")
    found = [
        found_tokens(write_prompts(table, as_it_is(table)), Cache(block=1, capacity=9, in_flight=k)).tolist()
        for k in (1, 2, 3)
    ]
    assert found == [[0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 1, 1], [0, 0, 0, 0, 1, 0]]


def test_the_oldest_is_dropped_and_of_a_prompt_its_end() -> None:
    table = table_of("ax", "by", "ax", "ay", tokens=4)
    prompts = write_prompts(table, as_it_is(table))
    assert found_tokens(prompts, Cache(block=1, capacity=16, in_flight=1)).tolist() == [0, 0, 8, 4]
    assert found_tokens(prompts, Cache(block=1, capacity=13, in_flight=1)).tolist() == [0, 0, 5, 4]
    assert found_tokens(prompts, Cache(block=4, capacity=8, in_flight=1)).tolist() == [0, 0, 0, 4]


def test_equal_values_of_different_columns_share_nothing() -> None:
    table = table_of("ab", "ba")
    swapped = Plan(np.arange(2), np.array([[0, 1], [1, 0]]))
    assert table.values_NC[0, 0] == table.values_NC[0, 1]
    assert shared_with_any(write_prompts(table, swapped)) == 0


def test_a_value_has_one_length() -> None:
    with pytest.raises(ValueError, match="one length of 1 or more"):
        make_table([(np.array([3, 3]), np.array([1, 2]))])
    with pytest.raises(ValueError, match="one length of 1 or more"):
        make_table([(np.array([3, 4]), np.array([1, 0]))])
