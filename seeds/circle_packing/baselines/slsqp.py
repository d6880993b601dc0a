"""Centres and radii together by sequential quadratic programming from a few starts, the best kept.

The method that evolved programs of AlphaEvolve (arXiv 2506.13131, B.12) and ShinkaEvolve (arXiv 2509.19349) end in:
maximise the sum of radii under all pairwise and border conditions with scipy's SLSQP (Kraft, 1988). Written anew.
"""

import numpy as np
from scipy.optimize import minimize

STARTS = 4
ITERATIONS = 120


def pack(circles, seed):
    """The best of several starts."""
    rng = np.random.default_rng(seed)
    found = [optimised(start(circles, rng), circles) for _ in range(STARTS)]
    return max((settled(packing) for packing in found), key=lambda packing: packing[:, 2].sum())


def start(circles, rng):
    """A jittered grid whose rows are shifted by turns, with small radii, (N, 3)."""
    side = int(np.ceil(np.sqrt(circles)))
    cells = rng.permutation(side * side)[:circles]
    row, column = np.divmod(cells, side)
    points = (np.column_stack([column, row]) + 0.5 + 0.15 * rng.standard_normal((circles, 2))) / side
    return np.column_stack([np.clip(points, 0.05, 0.95), np.full(circles, 0.3 / side)])


def optimised(first, circles):
    """A local maximum near `first`, feasible up to the solver's tolerance, (N, 3)."""
    i, j = np.triu_indices(circles, 1)
    pairs, each = np.arange(len(i)), np.arange(circles)
    gradient = np.tile([0.0, 0.0, -1.0], circles)
    borders = np.zeros((4 * circles, 3 * circles))
    for block, (axis, sign) in enumerate([(0, 1), (1, 1), (0, -1), (1, -1)]):
        borders[block * circles + each, 3 * each + axis] = sign
        borders[block * circles + each, 3 * each + 2] = -1
    offset = np.repeat([0.0, 0.0, 1.0, 1.0], circles)

    def slack(flat):
        xyr = flat.reshape(-1, 3)
        gap = np.hypot(*(xyr[i, :2] - xyr[j, :2]).T) - xyr[i, 2] - xyr[j, 2]
        return np.concatenate([gap, borders @ flat + offset])

    def slack_gradient(flat):
        xyr = flat.reshape(-1, 3)
        delta = xyr[i, :2] - xyr[j, :2]
        unit = delta / np.maximum(np.hypot(*delta.T), 1e-12)[:, None]
        rows = np.zeros((len(i), 3 * circles))
        for axis in (0, 1):
            rows[pairs, 3 * i + axis] = unit[:, axis]
            rows[pairs, 3 * j + axis] = -unit[:, axis]
        rows[pairs, 3 * i + 2] = rows[pairs, 3 * j + 2] = -1
        return np.vstack([rows, borders])

    result = minimize(
        lambda flat: gradient @ flat,
        first.ravel(),
        jac=lambda flat: gradient,
        bounds=[(0, 1), (0, 1), (0, 0.5)] * circles,
        constraints=[{"type": "ineq", "fun": slack, "jac": slack_gradient}],
        method="SLSQP",
        options={"maxiter": ITERATIONS, "ftol": 1e-10},
    )
    return result.x.reshape(-1, 3)


def settled(packing):
    """The packing with radii shrunk until it fits exactly, (N, 3)."""
    centres = np.clip(packing[:, :2], 0.0, 1.0)
    radii = np.clip(packing[:, 2], 0.0, np.minimum(centres, 1 - centres).min(axis=1))
    for i in range(len(radii)):
        for j in range(i):
            room = np.hypot(*(centres[i] - centres[j])) / max(radii[i] + radii[j], 1e-300)
            if room < 1:
                radii[i] *= room
                radii[j] *= room
    return np.column_stack([centres, np.maximum(radii * (1 - 1e-12) - 1e-15, 0.0)])
