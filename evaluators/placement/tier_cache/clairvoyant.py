"""A schedule that knows the whole trace: what the bound's looseness is measured against, not itself a bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.placement.tier_cache.engine import Cache, Decide, run
from evaluators.placement.tier_cache.minimum import uses
from evaluators.placement.tier_cache.system import Bools, Floats, Ints, System

MOST_AHEAD = 16  # objects that a policy may ask for at an event


def clairvoyant_us(system: System, needed: Sequence[Ints], resident_O: Bools) -> int:
    """Time of `clairvoyant`."""
    return run(system, needed, resident_O, clairvoyant(system, needed)).time_us


def clairvoyant(system: System, needed: Sequence[Ints]) -> Decide:
    """Loads ahead what is needed soonest, and evicts what is needed last (Belady 1966)."""
    events, first = uses([row.tolist() for row in needed])
    never = float(2 * len(needed))
    next_O = np.full(system.objects, never, dtype=np.float32)
    next_O[list(first)] = list(first.values())

    def decide(event: int, cache: Cache) -> tuple[Floats, Sequence[int]]:
        for one, follows in events[event]:
            next_O[one] = min(follows, never)
        wanted_O = np.where(cache.resident_O, never, next_O)
        soonest = np.argsort(wanted_O, kind="stable")[: MOST_AHEAD + system.most_needed]
        return -next_O, [int(one) for one in soonest if wanted_O[one] < never]

    return decide
