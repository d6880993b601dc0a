"""Equal circles in rows that interlock, the densest packing of the plane (Thue's theorem), cut to the square.

Every number of circles per row is tried, with rows of equal and of alternating length.
"""

import numpy as np


def pack(circles, seed):
    """The arrangement of rows with the largest common radius."""
    layouts = [rows_of(circles, long, short) for long in range(1, circles + 1) for short in (long, long - 1) if short]
    centres, radius = max(layouts, key=lambda layout: layout[1])
    return np.column_stack([centres, np.full(circles, radius * (1 - 1e-12) - 1e-15)])


def rows_of(circles, long, short):
    """Centres in rows of `long` and `short` circles by turns, stretched over the square, and their common radius."""
    lengths = []
    while sum(lengths) < circles:
        lengths.append(short if len(lengths) % 2 else long)
    width = long + 0.5 * (short == long and len(lengths) > 1)  # in diameters
    inset = 0.5 / width
    pitch = (1 - 2 * inset) / max(len(lengths) - 1, 1)
    centres = [
        (inset * (1 + 2 * column + (row % 2)), 0.5 if len(lengths) == 1 else inset + pitch * row)
        for row, length in enumerate(lengths)
        for column in range(length)
    ]
    points = np.array(centres[:circles])
    return points, common_radius(points)


def common_radius(points):
    """The largest radius that all circles at these centres may have."""
    border = np.minimum(points, 1 - points).min()
    gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))[np.triu_indices(len(points), 1)]
    return min(border, gaps.min() / 2) if gaps.size else border
