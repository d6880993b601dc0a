"""How good a plan is: pure functions over what the program returned."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Sizes = npt.NDArray[np.float64]
Plan = npt.NDArray[np.int64]


def fault(plan: Plan, machines: int) -> str:
    """Why a plan is not one, in a sentence for its author; empty if it is."""
    if plan.size and not 0 <= int(plan.min()) <= int(plan.max()) < machines:
        return f"machines are 0 to {machines - 1}, found {int(plan.min())} to {int(plan.max())}"
    return ""


def makespan(sizes: Sizes, plan: Plan, machines: int) -> float:
    """When the busiest machine is done, in seconds."""
    return float(np.bincount(plan, weights=sizes, minlength=machines).max())


def round_robin(num_jobs: int, machines: int) -> Plan:
    """The plan of the weak baseline."""
    return np.arange(num_jobs) % machines


def bound(sizes: Sizes, machines: int) -> float:
    """No plan is done before the mean load, nor before the largest job."""
    return max(float(sizes.sum()) / machines, float(sizes.max()))


def score(sizes: Sizes, plan: Plan, machines: int) -> float:
    """0 for round robin, 1 for the bound; what is worse than round robin is negative."""
    weak = makespan(sizes, round_robin(len(sizes), machines), machines)
    best = bound(sizes, machines)
    return (weak - makespan(sizes, plan, machines)) / max(weak - best, 1e-9 * weak)
