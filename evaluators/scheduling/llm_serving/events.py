"""What is going to happen in a simulation, in order of time; ties in the order of their making."""

from __future__ import annotations

import heapq
from enum import IntEnum


class Event(IntEnum):
    """What an entry of the queue stands for; its subject is a replica or a request."""

    STEP = 0  # a replica ends its step
    ARRIVED_KV = 1  # a prefilled request reaches the replica that decodes it
    MIGRATED = 2  # the copy of a decoding request is complete
    REBALANCE = 3
    OFFER = 4  # a held request is offered again
    DOWN = 5
    UP = 6
    POLL = 7  # an idle replica with waiting requests asks its program again


class EventQueue:
    """A heap of (time, number, event, subject, detail)."""

    __slots__ = ("_count", "heap")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Event, int, int]] = []
        self._count = 0

    def push(self, at_s: float, event: Event, subject: int = 0, detail: int = 0) -> None:
        """Let it happen at `at_s`."""
        self._count += 1
        heapq.heappush(self.heap, (at_s, self._count, event, subject, detail))

    def pop(self) -> tuple[float, Event, int, int]:
        """Take the next one out."""
        at_s, _, event, subject, detail = heapq.heappop(self.heap)
        return at_s, event, subject, detail
