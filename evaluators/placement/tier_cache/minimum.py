"""Belady's MIN for events that need several experts at once: the least number of loads, after every event.

Between two uses of an object it either stays, and takes a slot at every event between, or it is loaded again. At an
event that needs s experts, C slots leave room for C - s others. So loads are least if as many gaps as possible are
kept, with at most C - s of them open at each event; whenever there are too many, the one that ends last is given up,
which is optimal for gaps of equal worth (an exchange: whatever another solution gives up there ends no later, and may
be kept instead). A gap that is never closed ends after all others. Since this holds for the events up to any one of
them, and the rule does not depend on where they stop, one pass gives the least number for every prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

NEVER = 1 << 60

Uses = Sequence[Sequence[tuple[int, int]]]  # per event: each object that is needed, and the event that needs it next


def uses(needed: Sequence[Iterable[int]]) -> tuple[Uses, dict[int, int]]:
    """Each event's objects with their next uses; and each object's first use."""
    following: dict[int, int] = {}
    rows = list[list[tuple[int, int]]]()
    for event in range(len(needed) - 1, -1, -1):
        rows.append([(int(one), following.get(int(one), NEVER)) for one in needed[event]])
        following.update((one, event) for one, _ in rows[-1])
    return rows[::-1], following


def least_loads(events: Uses, capacity: int, resident: Iterable[tuple[int, int]]) -> list[int]:
    """The least number of loads until all that event p needs is there, for each p.

    Args:
        events: Each needs at most `capacity` objects.
        capacity: Slots.
        resident: What is there before the first event, with next uses, numbered as in `events`; at most `capacity`.
    """
    there = {one: follows for one, follows in resident if follows < NEVER}
    heap = [(-follows, one) for one, follows in there.items()]
    heap.sort()
    total, totals = 0, list[int]()
    for row in events:
        for one, follows in row:
            if there.pop(one, None) is None:
                total += 1
            if follows < NEVER:
                there[one] = follows
                heappush(heap, (-follows, one))
        room = capacity - sum(follows == NEVER for _, follows in row)  # what is needed now holds a slot now
        now_needed = {one for one, _ in row}
        _give_up(there, heap, room, now_needed)
        totals.append(total)
    return totals


def _give_up(there: dict[int, int], heap: list[tuple[int, int]], room: int, needed: set[int]) -> None:
    """Until no more than `room` are held, those not needed now go whose next use is last."""
    held_back = list[tuple[int, int]]()
    while len(there) > room:
        minus_follows, one = heappop(heap)
        if there.get(one) != -minus_follows:
            continue  # used since, or gone
        if one in needed:
            held_back.append((minus_follows, one))
        else:
            del there[one]
    for entry in held_back:
        heappush(heap, entry)
