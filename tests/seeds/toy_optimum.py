"""The best placement of a layer small enough for a mixed-integer program: what planners are compared with in tests.

Variables: y[e, c], expert e has c copies; x[e, c, g], one of them is on GPU g and takes 1/c of the expert's load; the
busiest GPU's load is minimised. Exact for even splits (specs: x[e, c, g] formulation, solved by HiGHS).

Shapes: E experts, C copies at most, G GPUs, S slots per GPU.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

Floats = npt.NDArray[np.float64]


def least_peak(loads_E: Floats, gpus: int, slots_per_gpu: int) -> float:
    """Load of the busiest GPU under the best replication and placement, no expert twice on a GPU."""
    num_experts = loads_E.size
    most = min(gpus, gpus * slots_per_gpu - num_experts + 1)
    copies = np.arange(1, most + 1)
    x = np.arange(num_experts * most * gpus).reshape(num_experts, most, gpus)
    y = x.size + np.arange(num_experts * most).reshape(num_experts, most)
    peak = x.size + y.size
    rows: list[tuple[Floats, float, float]] = []

    def constrain(low: float, high: float, *terms: tuple[npt.NDArray[np.intp], Floats | float]) -> None:
        row = np.zeros(peak + 1)
        for places, factors in terms:
            row[places] = factors
        rows.append((row, low, high))

    for expert in range(num_experts):
        constrain(1, 1, (y[expert], 1.0))
        for c in range(most):
            constrain(0, 0, (x[expert, c], 1.0), (y[[expert], [c]], -float(copies[c])))
    for gpu in range(gpus):
        constrain(slots_per_gpu, slots_per_gpu, (x[:, :, gpu], 1.0))
        constrain(-np.inf, 0, (x[:, :, gpu], loads_E[:, None] / copies), (np.array([peak]), -1.0))
    matrix, low, high = (np.array(part) for part in zip(*rows, strict=True))
    upper = np.append(np.ones(peak), np.inf)
    floor = np.append(np.zeros(peak), loads_E.sum() / gpus)
    solved = milp(
        np.append(np.zeros(peak), 1.0),
        constraints=LinearConstraint(matrix, low, high),
        bounds=Bounds(floor, upper),
        integrality=np.append(np.ones(peak), 0),
    )
    assert solved.success
    return float(solved.fun)
