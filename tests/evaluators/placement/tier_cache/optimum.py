"""The least time of a tiny trace by trying all that a schedule can do: what the bound is tested against.

Written apart from the engine: a schedule may evict anything that is not needed now, also what has just arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

from evaluators.placement.tier_cache.system import Ints, System

Objects = frozenset[int]


def least_time_us(system: System, needed: Sequence[Ints], resident: Objects) -> int:  # noqa: C901 - one recursion
    """Least time of all events."""
    events = [frozenset(int(one) for one in row) for row in needed]
    compute = [system.expert_us * len(row) + system.dense_us for row in events]
    useful = frozenset().union(*events)

    @cache
    def remaining(event: int, there: Objects, flying: int, left: int) -> int:
        if event == len(events):
            return 0
        best = 1 << 60
        for ready, held, on_link, link_free in served(event, there, flying, left):
            until = ready + compute[event]
            for after, flies, lands in ahead(event, held, on_link, link_free, until):
                best = min(best, until + remaining(event + 1, after, flies, max(0, lands - until) if flies >= 0 else 0))
        return best

    def served(event: int, there: Objects, flying: int, left: int) -> Iterator[tuple[int, Objects, int, int]]:
        missing = events[event] - there
        if not missing:
            yield 0, there, flying, left
            return
        landed = there | {flying} if flying >= 0 else there
        missing = events[event] - landed
        start = left if flying >= 0 else 0
        must_go = max(0, len(landed) + len(missing) - system.capacity)
        for victims in combinations(sorted(landed - events[event]), must_go):
            ready = start + system.load_us * len(missing)
            yield ready, (landed - set(victims)) | missing, -1, ready

    def ahead(event: int, there: Objects, flying: int, free: int, until: int) -> Iterator[tuple[Objects, int, int]]:
        if flying >= 0 and free <= until:
            there, flying = there | {flying}, -1
        yield there, flying, free
        if flying >= 0 or free >= until:
            return
        for wanted in sorted(useful - there):
            gone: list[Objects] = [frozenset()]
            if len(there) == system.capacity:
                gone = [frozenset([one]) for one in sorted(there - events[event])]
            for victims in gone:
                yield from ahead(event, there - victims, wanted, free + system.load_us, until)

    return remaining(0, resident, -1, 0)
