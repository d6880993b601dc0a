"""Circles on a loose grid, grown until they touch, then moved one at a time where that helps."""

import numpy as np

# EVOLVE-BLOCK-START
ROW_BIAS = 0.0  # above 0: fewer circles per row than a square grid
STAGGER = 0.0  # shift of every other row, in cells
MOVES = 200  # trials of moving one circle
STEP = 0.06  # standard deviation of a move
SWEEPS = 2  # times that every circle grows into what its neighbours left


def start(circles, rng):
    """Centres to begin with, (N, 2)."""
    columns = max(1, int(np.ceil(np.sqrt(circles) - ROW_BIAS)))
    rows = int(np.ceil(circles / columns))
    row, column = np.divmod(np.arange(circles), columns)
    x = (column + 0.5 + STAGGER * (row % 2 - 0.5)) / columns
    y = (row + 0.5) / rows
    return np.clip(np.column_stack([x, y]), 0.02, 0.98)


def radii_of(centres):
    """Radii that fit these centres, (N,): half way to the nearest neighbour, then each grows in turn."""
    distances = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(distances, np.inf)
    border = np.minimum(centres, 1 - centres).min(axis=1)
    radii = np.minimum(border, distances.min(axis=1) / 2)
    for _ in range(SWEEPS):
        for i in np.argsort(-border):
            radii[i] = min(border[i], (distances[i] - radii).min())
    return np.maximum(radii, 0.0)


def improve(centres, rng):
    """Centres after single moves that were kept because the sum of radii grew, (N, 2)."""
    best = radii_of(centres).sum()
    for _ in range(MOVES):
        moved = centres.copy()
        i = rng.integers(len(centres))
        moved[i] = np.clip(moved[i] + STEP * rng.standard_normal(2), 0.01, 0.99)
        total = radii_of(moved).sum()
        if total > best:
            centres, best = moved, total
    return centres


def pack(circles, seed):
    """The task's interface: rows x, y, r. Any other method may stand here."""
    return searched(circles, seed)


# EVOLVE-BLOCK-END


def searched(circles, seed):
    """Rows x, y, r that fit exactly, (N, 3)."""
    rng = np.random.default_rng(seed)
    centres = np.clip(np.nan_to_num(improve(start(circles, rng), rng)), 0.0, 1.0)
    return settled(centres, np.nan_to_num(radii_of(centres)))


def settled(centres, radii):
    """The circles with radii shrunk until nothing overlaps, and by a hair more for the rounding, (N, 3)."""
    border = np.minimum(centres, 1 - centres).min(axis=1)
    radii = np.clip(radii, 0.0, border)
    for i in range(len(radii)):
        for j in range(i):
            room = np.hypot(*(centres[i] - centres[j])) / max(radii[i] + radii[j], 1e-300)
            if room < 1:
                radii[i] *= room
                radii[j] *= room
    return np.column_stack([centres, np.maximum(radii * (1 - 1e-12) - 1e-15, 0.0)])
