"""Small draws from a generator, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from evolve.search.sampling import draw_index

Item = TypeVar("Item")


def pick(items: Sequence[Item], rng: np.random.Generator) -> Item:
    """One of `items`, all alike; there must be one."""
    return items[int(rng.integers(len(items)))]


def pick_weighted(items: Sequence[Item], weights: Sequence[float], rng: np.random.Generator) -> Item:
    """One of `items` in proportion to its weight."""
    return items[draw_index(np.array(weights), rng)]


def shuffled(items: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    """`items` in any order."""
    return [items[int(place)] for place in rng.permutation(len(items))]
