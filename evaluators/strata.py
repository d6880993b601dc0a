"""Which instances are repeated draws of one another: those of a regime. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby


def strata_places(strata: Sequence[str]) -> list[list[int]]:
    """The places of each stratum, in order of their names; each has two places at least, unless there is only one.

    A stratum of one tells nothing of its own variance: those are pooled into one, and join the first stratum if still
    alone.

    Args:
        strata: ``(n,)`` the regime of each instance.
    """
    by_name = sorted(range(len(strata)), key=lambda place: strata[place])
    groups = [list(places) for _, places in groupby(by_name, key=lambda place: strata[place])]
    large = [group for group in groups if len(group) > 1]
    pooled = [group[0] for group in groups if len(group) == 1]
    if len(pooled) == 1 and large:
        large[0] = large[0] + pooled
    elif pooled:
        large.append(pooled)
    return large
