"""One circle in the middle and two rings around it: where public versions of this task start.

After the form of the example in OpenEvolve (github.com/codelion/openevolve, examples/circle_packing), written anew.
"""

import numpy as np


def pack(circles, seed):
    """A middle circle, about a third of the others in an inner ring, the rest in an outer one."""
    inner = min(max((circles - 1) // 3, 0), circles - 1)
    outer = circles - 1 - inner
    centres = np.vstack([[[0.5, 0.5]], ring(inner, 0.26), ring(outer, 0.43)])
    border = np.minimum(centres, 1 - centres).min(axis=1)
    distances = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    np.fill_diagonal(distances, np.inf)
    radii = np.minimum(border, distances.min(axis=1) / 2)
    for i in np.argsort(border)[::-1]:
        radii[i] = min(border[i], (distances[i] - radii).min())
    return np.column_stack([centres, np.maximum(radii, 0.0) * (1 - 1e-12) - 1e-15 * (radii > 1e-12)])


def ring(count, radius):
    """Centres evenly on a circle, pushed out towards the corners of the square, (count, 2)."""
    angles = 2 * np.pi * np.arange(count) / max(count, 1)
    direction = np.column_stack([np.cos(angles), np.sin(angles)])
    stretch = 1 + 0.15 * np.abs(np.sin(2 * angles))[:, None]
    return 0.5 + radius * stretch * direction
