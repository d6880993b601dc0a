from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.tier_cache.clairvoyant import clairvoyant
from evaluators.placement.tier_cache.engine import NONE, Cache, least_recently_used, run
from tests.evaluators.placement.tier_cache.by_ticks import time_by_ticks
from tests.evaluators.placement.tier_cache.traces import (
    a_system,
    holding,
    objects,
    random_events,
    scripted,
    thrown,
)

KEEP = [1.0, 2.0, 3.0, 4.0]


def test_a_missing_expert_is_waited_for_and_one_that_is_there_is_not() -> None:
    system = a_system()
    tally = run(system, objects([0], [1], [1]), holding(system, 0), scripted(KEEP))
    assert (tally.time_us, tally.stall_us) == (5 + 15 + 5, 10)
    assert (tally.needed, tally.hits, tally.demanded, tally.ahead) == (3, 2, 1, 0)


def test_all_that_an_event_needs_comes_one_after_the_other() -> None:
    system = a_system(capacity=4)
    tally = run(system, objects([0, 1, 2]), holding(system, 1), scripted(KEEP))
    assert tally.time_us == 2 * 10 + 3 * 2 + 3


def test_the_least_kept_goes_first_and_the_lowest_id_among_equals() -> None:
    system = a_system(experts=5, capacity=3)
    cache = Cache(system, holding(system, 0, 1, 2))
    cache.serve(np.array([3]), np.array([2.0, 1.0, 3.0, 0.0, 0.0], dtype=np.float32), ())
    assert np.flatnonzero(cache.resident_O).tolist() == [0, 2, 3]
    cache.serve(np.array([4]), np.zeros(5, dtype=np.float32), ())
    assert np.flatnonzero(cache.resident_O).tolist() == [2, 3, 4]


def test_what_is_needed_now_is_not_evicted_however_little_it_is_kept() -> None:
    system = a_system(capacity=3)
    cache = Cache(system, holding(system, 0, 1, 2))
    cache.serve(np.array([0, 3]), np.array([-9.0, 5.0, 4.0, -9.0], dtype=np.float32), (2,))
    assert np.flatnonzero(cache.resident_O).tolist() == [0, 1, 3]


def test_loading_ahead_hides_behind_computing() -> None:
    system = a_system(dense_us=10)
    tally = run(system, objects([0], [1]), holding(system, 0), scripted(KEEP, [1]))
    assert (tally.time_us, tally.stall_us, tally.ahead, tally.used) == (24, 0, 1, 1)
    late = run(a_system(), objects([0], [1]), holding(system, 0), scripted(KEEP, [1]))
    assert (late.time_us, late.stall_us, late.hits) == (5 + 5 + 5, 5, 1)  # on its way, waited for, not loaded twice


def test_what_is_on_the_link_is_finished_before_what_is_missing() -> None:
    system = a_system(capacity=3)
    tally = run(system, objects([0], [1]), holding(system, 0), scripted(KEEP, [2]))
    assert tally.time_us == 5 + (10 - 5) + 10 + 5
    assert (tally.ahead, tally.used, tally.demanded) == (1, 0, 1)


def test_what_is_on_the_link_holds_a_slot_and_is_not_there_yet() -> None:
    system = a_system()
    cache = Cache(system, holding(system, 0, 1))
    cache.serve(np.array([0]), np.array(KEEP, dtype=np.float32), (2,))
    assert cache.flying == 2
    assert np.flatnonzero(cache.resident_O).tolist() == [0]
    cache.serve(np.array([0]), np.array(KEEP, dtype=np.float32), ())
    assert cache.flying == NONE
    assert np.flatnonzero(cache.resident_O).tolist() == [0, 2]


@pytest.mark.parametrize(("worth", "there"), [(2.0, [0, 1]), (2.5, [0, 2])])
def test_loading_ahead_replaces_only_what_is_kept_less(worth: float, there: list[int]) -> None:
    system = a_system(dense_us=20)
    cache = Cache(system, holding(system, 0, 1))
    cache.serve(np.array([0]), np.array([1.0, 2.0, worth, 0.0], dtype=np.float32), (2,))
    assert np.flatnonzero(cache.resident_O).tolist() == there


def test_what_arrived_in_this_event_is_not_evicted_in_it() -> None:
    system = a_system(experts=6, capacity=3, dense_us=40)
    cache = Cache(system, holding(system, 0, 1))
    cache.serve(np.array([0]), np.array([0, 2, 3, 4, 5, 6], dtype=np.float32), (2, 3, 4))
    assert np.flatnonzero(cache.resident_O).tolist() == [0, 2, 3]


def test_the_link_takes_no_more_than_fits_before_the_next_event() -> None:
    system = a_system(experts=8, capacity=8, dense_us=23)
    cache = Cache(system, holding(system, 0))
    cache.serve(np.array([0]), np.zeros(8, dtype=np.float32), (1, 2, 3, 4, 5))
    assert np.flatnonzero(cache.resident_O).tolist() == [0, 1, 2]  # 25 us: two arrive, the third is on its way
    assert cache.flying == 3


def test_least_recently_used_evicts_by_last_use() -> None:
    system = a_system()
    needed = objects([0], [1], [0], [2], [1])
    tally = run(system, needed, holding(system, 0, 1), least_recently_used(system, needed))
    assert (tally.hits, tally.demanded) == (3, 2)


def test_who_knows_the_trace_waits_only_where_the_link_must() -> None:
    system = a_system(load_us=5)
    needed = objects([0], [1], [2], [3], [0])
    tally = run(system, needed, holding(system, 0), clairvoyant(system, needed))
    assert (tally.stall_us, tally.demanded) == (0, 0)


@given(seed=st.integers(0, 10**6), capacity=st.integers(5, 12))
@settings(max_examples=40, deadline=None)
def test_slots_are_never_exceeded_and_time_is_waiting_and_computing(seed: int, capacity: int) -> None:
    rng = np.random.default_rng(seed)
    system = a_system(2, 6, capacity, load_us=int(rng.integers(1, 12)))
    needed = random_events(rng, system, 40, most=4)
    cache, decide = Cache(system, holding(system, *range(min(capacity, 12)))), thrown(system, rng)
    for event, row in enumerate(needed):
        keep_O, ahead = decide(event, cache)
        cache.serve(row, keep_O, ahead)
        assert np.count_nonzero(cache.resident_O) + (cache.flying != NONE) <= capacity
        assert cache.resident_O[row].all()
        assert cache.flying == NONE or (not cache.resident_O[cache.flying] and cache.lands_us > cache.now_us)
    tally = cache.tally
    computing = sum(system.expert_us * len(row) + system.dense_us for row in needed)
    assert tally.time_us == tally.stall_us + computing
    assert tally.time_us >= system.load_us * (tally.loads - 1)
    assert tally.used <= tally.ahead


@given(
    seed=st.integers(0, 10**6),
    capacity=st.integers(5, 13),
    load_us=st.integers(1, 25),
    dense_us=st.integers(1, 12),
    expert_us=st.integers(1, 4),
)
@settings(max_examples=150, deadline=None)
def test_the_engine_does_what_the_page_says_microsecond_by_microsecond(
    seed: int, capacity: int, load_us: int, dense_us: int, expert_us: int
) -> None:
    rng = np.random.default_rng(seed)
    system = a_system(2, 6, capacity, load_us=load_us, dense_us=dense_us, expert_us=expert_us)
    needed = random_events(rng, system, 30, most=4)
    there = rng.permutation(12)[: rng.integers(0, min(capacity, 12) + 1)].tolist()
    cache, decide = Cache(system, holding(system, *there)), thrown(system, rng)
    answers = [decide(event, cache) for event in range(len(needed))]
    for row, (keep_O, ahead) in zip(needed, answers, strict=True):
        cache.serve(row, keep_O, ahead)
    told = [(keep_O.tolist(), ahead) for keep_O, ahead in answers]
    ends_us, resident, on_link = time_by_ticks(
        system, [set(row.tolist()) for row in needed], set(there), told.__getitem__
    )
    assert cache.tally.time_us == cache.now_us == ends_us
    assert set(np.flatnonzero(cache.resident_O).tolist()) == resident
    assert cache.flying == (NONE if on_link is None else on_link)
