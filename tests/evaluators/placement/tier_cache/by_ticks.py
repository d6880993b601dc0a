"""The rules of the page told a second time, slowly: microsecond by microsecond, with sets and lists only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evaluators.placement.tier_cache.system import System

Answer = tuple[Sequence[float], Sequence[int]]  # keep, and what to load ahead


class Machine:
    """Slots and a link; `now_us` is the time of the last event's end."""

    def __init__(self, system: System, resident: set[int]) -> None:
        self.system, self.resident, self.now_us = system, set(resident), 0
        self.on_link: int | None = None
        self.left_us = 0

    def event(self, needed: set[int], answer: Answer) -> None:
        """From a router's choice to the next one's."""
        keep, listed = answer
        evictable, waiting = self.resident - needed, list(listed)
        demand = sorted(needed - self.resident)
        computing: int | None = None
        while computing != 0:
            if computing is None and needed <= self.resident:
                computing = len(needed) * self.system.expert_us + self.system.dense_us
            while self.on_link is None and (one := self._next(demand, waiting, computing, keep, evictable)) is not None:
                self.on_link, self.left_us = one, self.system.load_us
            computing = None if computing is None else computing - 1
            self._tick()

    def _next(
        self, demand: list[int], waiting: list[int], computing: int | None, keep: Sequence[float], evictable: set[int]
    ) -> int | None:
        """What the idle link takes now: what is missing, else the first of the list that may come."""
        while demand:
            one = demand.pop(0)
            if one not in self.resident:
                assert self._make_room(keep, evictable, float("inf"))
                return one
        while computing is not None and waiting:
            one = waiting.pop(0)
            if one not in self.resident and self._make_room(keep, evictable, keep[one]):
                return one
        return None

    def _make_room(self, keep: Sequence[float], evictable: set[int], worth: float) -> bool:
        if len(self.resident) < self.system.capacity:
            return True
        least = min(evictable, key=lambda one: (keep[one], one), default=None)
        if least is None or keep[least] >= worth:
            return False
        self.resident.remove(least)
        evictable.remove(least)
        return True

    def _tick(self) -> None:
        self.now_us += 1
        if self.on_link is not None:
            self.left_us -= 1
            if self.left_us == 0:
                self.resident.add(self.on_link)
                self.on_link = None


def time_by_ticks(
    system: System, needed: Sequence[set[int]], resident: set[int], answer: Callable[[int], Answer]
) -> tuple[int, set[int], int | None]:
    """When the last event ends; what is there then, and what is on the link."""
    machine = Machine(system, resident)
    for event, row in enumerate(needed):
        machine.event(row, answer(event))
    return machine.now_us, machine.resident, machine.on_link
