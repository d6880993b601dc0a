"""Parts of a population that are worth keeping and drawing parents from for another reason than their score. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evolve.search.islands import Elite


def cell_holders(population: Sequence[Elite]) -> Sequence[Elite]:
    """The best member of each cell of the task's grid; members without a cell share one.

    Source: Mouret and Clune, Illuminating search spaces by mapping elites, 2015 (arXiv 1504.04909).
    """
    holders: dict[tuple[int, ...], Elite] = {}
    for elite in population:
        holders.setdefault(elite.member.cell, elite)
    return list(holders.values())


def pareto_front(population: Sequence[Elite]) -> Sequence[Elite]:
    """Members that no other beats in all objectives at once; of equal ones the first. Those without objectives are not.

    Where nobody has objectives, that is the best alone.
    """
    known = [elite for elite in population if elite.member.objectives]
    if not known:
        return population[:1]
    values = np.array([elite.member.objectives for elite in known])
    at_least = (values[:, None, :] >= values[None, :, :]).all(axis=2)  # row: beats or equals column everywhere
    same = at_least & at_least.T
    dominated = (at_least & ~same).any(axis=0)
    repeated = np.triu(same, k=1).any(axis=0)
    return [known[int(place)] for place in np.flatnonzero(~(dominated | repeated))]
