"""A time that no schedule of the link can beat, whatever it knows.

Let ``a[p]`` be when event p's experts are all there. What holds for every schedule, also one that knows the whole
trace:

1. ``a[p + 1] >= a[p] + compute[p]``: event p's experts and the next dense part lie between.
2. ``a[p] >= load * MIN(p)``, with the least number of loads for events 0..p from what was there at first: loads follow
   one another on one link, the first begins at time 0 or later, and the last of these is done by ``a[p]``.
3. ``a[p] >= a[q] + load * MIN(q, p)`` for q < p, with the least number of loads for events q+1..p, given that the slots
   hold event q's experts and, in the others, whatever serves best. For at ``a[q]`` the slots hold event q's experts,
   and the rest is something, one on its way included; what else events q+1..p need is loaded after ``a[q]`` and before
   ``a[p]``.

The longest chain of these inequalities bounds the total time. 3 says more than 2 where a stretch needs more loads than
the computing in it covers: the idle link before it can fill no more than the slots.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.placement.tier_cache.minimum import NEVER, Uses, least_loads, uses
from evaluators.placement.tier_cache.system import Bools, Ints, System

STARTS = 12  # events q of the third inequality, equally far apart; more cost time and tighten little
REACH = 3  # how many such distances the events p lie behind q at most


def time_bound_us(system: System, needed: Sequence[Ints], resident_O: Bools, starts: int = STARTS) -> int:
    """Least time of all events; `starts` 0 leaves the third inequality out."""
    if not needed:
        return 0
    events, first = uses([row.tolist() for row in needed])
    compute = [system.expert_us * len(row) + system.dense_us for row in needed]
    there = [(int(one), first.get(int(one), NEVER)) for one in np.flatnonzero(resident_O)]
    from_start = least_loads(events, system.capacity, there)
    distance = max(1, len(needed) // starts) if starts else len(needed)
    spans: dict[int, list[int]] = {}
    arrivals = list[int]()
    for event in range(len(needed)):
        least = system.load_us * from_start[event]
        if event:
            least = max(least, arrivals[-1] + compute[event - 1])
        least = max([least, *(arrivals[q] + system.load_us * loads[event - q - 1] for q, loads in spans.items())])
        arrivals.append(least)
        if starts and event % distance == 0:
            spans[event] = _loads_after(system, events, event, event + REACH * distance)
        spans = {q: loads for q, loads in spans.items() if event + 1 - q <= len(loads)}
    return arrivals[-1] + compute[-1]


def _loads_after(system: System, events: Uses, start: int, end: int) -> list[int]:
    """Least loads for the events after `start`, up to each before `end`, with the best content at `start`."""
    window = events[start + 1 : end]
    first: dict[int, int] = {}
    for offset, row in enumerate(window):
        for one, _ in row:
            first.setdefault(one, start + 1 + offset)
    held = {one for one, _ in events[start]}
    others = sorted((event, one) for one, event in first.items() if one not in held)[: system.capacity - len(held)]
    resident = [(one, first[one]) for one in held if one in first] + [(one, event) for event, one in others]
    return least_loads(window, system.capacity, resident)


def compute_us(system: System, needed: Sequence[Ints]) -> int:
    """Time with all experts on the GPU."""
    return sum(system.expert_us * len(row) + system.dense_us for row in needed)
