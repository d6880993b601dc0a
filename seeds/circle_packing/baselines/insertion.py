"""Largest empty circle first, again and again, from a first circle of chosen size (greedy, as in Apollonian gaskets).

The size of the first circles is what decides: several are tried and the best sum is kept. Textbook greedy, no source.
"""

import numpy as np

GRID = 60  # candidate centres per side


def pack(circles, seed):
    """The best of several caps on the radius."""
    points = (np.arange(GRID) + 0.5) / GRID
    centres = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    caps = np.linspace(0.6, 1.3, 8) * 0.5 / np.sqrt(circles)
    return max((inserted(centres, circles, cap) for cap in caps), key=lambda packing: packing[:, 2].sum())


def inserted(centres, circles, cap):
    """Circles of at most `cap`, each where most room is left, in a corner where several places tie, (N, 3)."""
    room = np.minimum(centres, 1 - centres).min(axis=1)
    rows = []
    for _ in range(circles):
        allowed = np.minimum(room, cap)
        wide = np.flatnonzero(allowed >= allowed.max() * (1 - 1e-9))
        place = wide[np.argmin(room[wide] - 1e-3 * np.abs(centres[wide] - 0.5).sum(axis=1))]
        radius = max(allowed[place], 0.0)
        rows.append([*centres[place], radius * (1 - 1e-12)])
        room = np.minimum(room, np.hypot(*(centres - centres[place]).T) - radius)
    return np.array(rows)
