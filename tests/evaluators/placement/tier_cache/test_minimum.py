from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.tier_cache.minimum import NEVER, least_loads, uses
from tests.evaluators.placement.tier_cache.traces import a_system, random_events


def by_trying(events: list[set[int]], capacity: int, resident: frozenset[int]) -> int:
    """Least loads: after each event, every choice of what stays is tried."""
    states = {resident: 0}
    for needed in events:
        following: dict[frozenset[int], int] = {}
        for there, loads in states.items():
            total = loads + len(needed - there)
            others = sorted(there - needed)
            for count in range(min(len(others), capacity - len(needed)) + 1):
                for kept in combinations(others, count):
                    state = frozenset(needed) | frozenset(kept)
                    following[state] = min(following.get(state, NEVER), total)
        states = following
    return min(states.values())


def test_belady_evicts_what_is_needed_last() -> None:
    events, first = uses([[0], [1], [2], [0], [1], [2]])
    assert first == {0: 0, 1: 1, 2: 2}
    assert least_loads(events, 2, []) == [1, 2, 3, 3, 4, 4]  # 1 goes for 2, then comes for 0, which is done
    assert least_loads(events, 3, []) == [1, 2, 3, 3, 3, 3]


def test_what_an_event_needs_holds_a_slot_even_if_it_is_never_needed_again() -> None:
    events, first = uses([[0, 1], [2, 3], [0, 1]])
    assert least_loads(events, 2, [(0, first[0]), (1, first[1])]) == [0, 2, 4]
    assert least_loads(events, 3, [(0, first[0]), (1, first[1])]) == [0, 2, 3]


@given(seed=st.integers(0, 10**6), capacity=st.integers(2, 4), layers=st.integers(1, 2), held=st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_the_least_loads_of_every_prefix_are_those_of_trying_everything(
    seed: int, capacity: int, layers: int, held: int
) -> None:
    rng = np.random.default_rng(seed)
    system = a_system(layers, 4)
    needed = [[int(one) for one in row] for row in random_events(rng, system, 7)]
    resident = frozenset(rng.permutation(system.objects)[: min(held, capacity)].tolist())
    events, first = uses(needed)
    found = least_loads(events, capacity, [(one, first.get(one, NEVER)) for one in resident])
    sets = [set(row) for row in needed]
    assert found == [by_trying(sets[: end + 1], capacity, resident) for end in range(len(sets))]
