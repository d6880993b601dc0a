"""The machine at work: slots that hold experts, one link that brings them one after the other.

An event begins when the router of a layer has chosen. The experts it needs and the GPU lacks are loaded first, before
all that was asked for ahead; a transfer that has begun is finished. Once all are there they compute, then the dense
part of the next layer does, and the next event begins. What the event needs stays until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluators.placement.tier_cache.system import Bools, Floats, Ints, System

NONE = -1
# What a policy answers at an event: `keep` (O,), and the objects to load ahead, in order.
Decide = Callable[[int, "Cache"], tuple[Floats, Sequence[int]]]


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    time_us: int = 0
    stall_us: int = 0
    needed: int = 0  # experts, over all events
    hits: int = 0  # of them on the GPU when the router had chosen
    demanded: int = 0  # loaded since an event needed them at once
    ahead: int = 0  # loaded ahead
    used: int = 0  # of these, before they were evicted

    @property
    def loads(self) -> int:
        """Transfers over the link."""
        return self.demanded + self.ahead


@dataclass(slots=True, eq=False)
class Cache:
    """What is on the GPU, and what is on its way."""

    system: System
    resident_O: Bools
    now_us: int = 0
    flying: int = NONE  # the object on the link
    lands_us: int = 0  # when it, or the last one before, is there
    unused_O: Bools = field(init=False)  # loaded ahead, and not used yet
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.unused_O = np.zeros(self.system.objects, dtype=bool)

    def serve(self, needed: Ints, keep_O: Floats, ahead: Sequence[int]) -> None:
        """One event, from its router's choice to the next one's."""
        victims = _Victims(self, needed, keep_O)
        ready_us = self._bring(needed, victims)
        system, tally = self.system, self.tally
        tally.stall_us += ready_us - self.now_us
        tally.used += int(self.unused_O[needed].sum())
        self.unused_O[needed] = False
        until_us = ready_us + system.expert_us * len(needed) + system.dense_us
        self._bring_ahead(ahead, victims, keep_O, until_us)
        if self.flying != NONE and self.lands_us <= until_us:
            self._land()
        self.now_us = tally.time_us = until_us

    def _bring(self, needed: Ints, victims: _Victims) -> int:
        """Load what is missing; when all that is needed is there."""
        missing = needed[~self.resident_O[needed]].tolist()
        self.tally.needed += len(needed)
        self.tally.hits += len(needed) - len(missing)
        if not missing:
            return self.now_us
        if self.flying != NONE:  # the link is not taken from what is on its way
            if self.flying in missing:
                missing.remove(self.flying)
            self._land()
        for wanted in missing:
            victims.make_room()
            self._load(wanted)
            self._land()
            self.tally.demanded += 1
        return self.lands_us

    def _bring_ahead(self, ahead: Sequence[int], victims: _Victims, keep_O: Floats, until_us: int) -> None:
        for wanted in ahead:
            if self.flying != NONE:
                if self.lands_us >= until_us:
                    return
                self._land()
            if self.lands_us >= until_us:
                return
            if self.resident_O[wanted] or not victims.make_room(float(keep_O[wanted])):
                continue
            self._load(wanted)
            self.unused_O[wanted] = True
            self.tally.ahead += 1

    def _load(self, wanted: int) -> None:
        self.flying, self.lands_us = wanted, max(self.lands_us, self.now_us) + self.system.load_us

    def _land(self) -> None:
        self.resident_O[self.flying] = True
        self.flying = NONE


class _Victims:
    """What may be evicted until the next event: what was there when this one began, but for what it needs."""

    def __init__(self, cache: Cache, needed: Ints, keep_O: Floats) -> None:
        self._cache, self._keep_O = cache, keep_O
        self._there_O = cache.resident_O.copy()
        held = int(np.count_nonzero(self._there_O)) + (cache.flying != NONE)
        self._there_O[needed] = False
        self._order: list[int] | None = None  # sorted when the first of them must go; from the end on
        self._free = cache.system.capacity - held

    def make_room(self, worth: float = np.inf) -> bool:
        """Whether there is a slot for something worth that much; the least kept object goes if it is worth less."""
        if self._free:
            self._free -= 1
            return True
        order = self._sorted()
        if not order or self._keep_O[order[-1]] >= worth:
            return False
        victim = order.pop()
        self._cache.resident_O[victim] = self._cache.unused_O[victim] = False
        return True

    def _sorted(self) -> list[int]:
        if self._order is None:
            there = np.flatnonzero(self._there_O)
            self._order = there[np.argsort(self._keep_O[there], kind="stable")[::-1]].tolist()
        return self._order


def run(system: System, needed: Sequence[Ints], resident_O: Bools, decide: Decide) -> Tally:
    """All events, with what is on the GPU at first and the policy's answers."""
    cache = Cache(system, resident_O.copy())
    for event, objects in enumerate(needed):
        keep_O, ahead = decide(event, cache)
        cache.serve(objects, keep_O, ahead)
    return cache.tally


def least_recently_used(system: System, needed: Sequence[Ints]) -> Decide:
    """Nothing ahead, and what was needed last stays longest: the weak baseline."""
    last_O = np.full(system.objects, -1.0, dtype=np.float32)

    def decide(event: int, cache: Cache) -> tuple[Floats, Sequence[int]]:
        del cache
        last_O[needed[event]] = event
        return last_O, ()

    return decide
