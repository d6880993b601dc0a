"""Parents whose children failed lately: what failed might be worth mending."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from evolve.search.islands import Elite
from evolve.search.request import Member

FAILURES_KEPT = 20


class RecentFailures:
    """The last failures of all islands; each may be drawn until newer ones push it out."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, str]] = deque(maxlen=FAILURES_KEPT)

    def add(self, island: int, parent_id: str) -> None:
        """Remember that a child of `parent_id` failed on `island`."""
        self._kept.append((island, parent_id))

    def choose_parent(self, island: int, population: Sequence[Elite], rng: np.random.Generator) -> Member | None:
        """One of `population` with a failed child on `island`, in proportion to how many; None if there is none."""
        parents = {elite.member.candidate_id: elite.member for elite in population}
        possible = [parents[parent] for place, parent in self._kept if place == island and parent in parents]
        return possible[int(rng.integers(len(possible)))] if possible else None
