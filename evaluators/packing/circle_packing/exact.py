"""Whether circles fit in the unit square, decided without rounding: no slack, so none to exploit.

A float is an integer over a power of two, so all of a packing's numbers become integers on one common grid, and every
condition is a comparison of integers.

Shapes: N circles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

Circle = tuple[int, int, int]  # x, y, r in units of the grid
FAR = 2.0  # a number beyond it breaks a condition whatever the others are; how far off it is may be no float


def breach(circles_N3: npt.NDArray[np.float64]) -> str:
    """The first condition that the packing breaks, as one sentence; empty if it breaks none.

    Conditions, exactly on the floats as they are: ``r >= 0``, ``r <= x <= 1 - r``, ``r <= y <= 1 - r``, and
    ``(x_i - x_j)^2 + (y_i - y_j)^2 >= (r_i + r_j)^2`` for each pair.

    Args:
        circles_N3: ``(N, 3)`` finite rows of x, y, r.
    """
    rows = circles_N3.tolist()
    for i, row in enumerate(rows):
        if max(map(abs, row)) > FAR:
            return f"circle {i} has numbers far outside of [0, 1]"
    circles, one = _on_grid(rows)
    return next(_breaches(circles, one), "")


def sum_of_radii(circles_N3: npt.NDArray[np.float64]) -> float:
    """The sum of the third column, rounded once."""
    return math.fsum(circles_N3[:, 2].tolist())


def _on_grid(rows: Sequence[Sequence[float]]) -> tuple[list[Circle], int]:
    """The rows as integers, and the integer that stands for 1."""
    ratios = [[value.as_integer_ratio() for value in row] for row in rows]
    one = max((denominator for row in ratios for _, denominator in row), default=1)
    scaled = [[numerator * (one // denominator) for numerator, denominator in row] for row in ratios]
    return [(x, y, r) for x, y, r in scaled], one


def _breaches(circles: Sequence[Circle], one: int) -> Iterator[str]:
    for i, (x, y, r) in enumerate(circles):
        if r < 0:
            yield f"circle {i} has a negative radius, {_text(r, one)}"
        if min(x, y, one - x, one - y) < r:
            beyond = r - min(x, y, one - x, one - y)
            yield f"circle {i} leaves the unit square by {_text(beyond, one)}; there is no tolerance"
    for (i, (x1, y1, r1)), (j, (x2, y2, r2)) in combinations(enumerate(circles), 2):
        if (x1 - x2) ** 2 + (y1 - y2) ** 2 < (r1 + r2) ** 2:
            overlap = (r1 + r2) / one - math.hypot((x1 - x2) / one, (y1 - y2) / one)
            yield f"circles {i} and {j} overlap by about {max(overlap, 0.0):.3g}; there is no tolerance"


def _text(length: int, one: int) -> str:
    return f"{length / one:.3g}"
