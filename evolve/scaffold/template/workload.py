"""What an instance is made of: jobs whose sizes are known, and machines that are all alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Sizes = npt.NDArray[np.float64]

SEARCH_REGIMES = ("uniform", "skewed")
HOLDOUT_REGIMES = ("uniform", "skewed", "two_sizes")  # one that no search ever sees


def draw_sizes(regime: str, num_jobs: int, rng: np.random.Generator) -> Sizes:
    """Sizes of the jobs, ``(num_jobs,)``, seconds, positive."""
    match regime:
        case "uniform":
            return rng.uniform(1.0, 10.0, num_jobs)
        case "skewed":
            return rng.lognormal(1.0, 1.0, num_jobs) + 0.1
        case "two_sizes":
            return np.where(rng.uniform(size=num_jobs) < 0.3, 9.0, 1.0) + rng.uniform(0.0, 0.1, num_jobs)
    raise ValueError(f"expected one of {HOLDOUT_REGIMES}, found {regime!r}")
