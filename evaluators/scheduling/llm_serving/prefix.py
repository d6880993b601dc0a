"""The prefix cache of one replica: blocks shared by reference count, idle ones kept until room is needed."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


class PrefixCache:
    """Blocks by id. A block in use has references; an idle one may be dropped, smallest stamp first.

    The stamp is the time of the last use plus whatever bonus the policy gave (`retain_s`), so that a bonus of 0 for all
    is LRU. A request's deeper blocks get slightly smaller stamps: leaves go first.
    """

    def __init__(self) -> None:
        self._references: dict[int, int] = {}
        self._stamps: dict[int, float] = {}  # of idle blocks
        self._heap: list[tuple[float, int]] = []  # stale entries are skipped

    @property
    def num_idle(self) -> int:
        """Blocks that nobody uses."""
        return len(self._stamps)

    def match(self, blocks: Sequence[int]) -> int:
        """How many leading blocks are here."""
        references = self._references
        depth = 0
        for block in blocks:
            if block not in references:
                break
            depth += 1
        return depth

    def idle_among(self, blocks: Sequence[int]) -> int:
        """How many of these present blocks are idle."""
        stamps = self._stamps
        return sum(block in stamps for block in blocks)

    def hold(self, blocks: Sequence[int]) -> int:
        """Take a reference of each; returns how many were idle or new, and so begin to count as used."""
        references, stamps = self._references, self._stamps
        fresh = 0
        for block in blocks:
            count = references.get(block, 0)
            if count == 0:
                stamps.pop(block, None)
                fresh += 1
            references[block] = count + 1
        return fresh

    def release(self, blocks: Sequence[int], stamp: float) -> int:
        """Drop a reference of each; returns how many became idle."""
        references, idle = self._references, 0
        for depth, block in enumerate(blocks):
            references[block] -= 1
            if references[block] == 0:
                idle += 1
                at = stamp - 1e-6 * depth
                self._stamps[block] = at
                heapq.heappush(self._heap, (at, block))
        return idle

    def trim(self, most: int) -> None:
        """Forget idle blocks until at most `most` remain."""
        stamps = self._stamps
        while len(stamps) > max(most, 0):
            stamp, block = heapq.heappop(self._heap)
            if stamps.get(block) == stamp:
                del stamps[block]
                del self._references[block]
