"""GPUs and the parts of models that are to share them, and how much room a placement leaves for KV caches.

Shapes: N parts, G GPUs. A model that needs several GPUs, or runs as several replicas, is several parts, each on another
GPU. Memory and sizes are GB; demand is rate / slo, requests per second over the latency they may take.

Source: the pressure on a GPU's KV cache is that of Prism (Yu et al., "Prism: Unleashing GPU Sharing for Cost-Efficient
Multi-LLM Serving", arXiv 2505.04021) in the form in which ADRS scores it: demand over memory that the weights leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOWHERE = -1  # the home of a part that runs nowhere yet
SLACK_GB = 1e-9  # sums of sizes are rounded, so that a GPU filled to the last byte may be above by as much
FULL_PRESSURE = 1e6  # of a GPU without free memory, as the public evaluator has it


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cluster:
    """What is to be placed, and where it may go."""

    memory_G: Floats
    size_N: Floats
    rate_N: Floats
    slo_N: Floats
    model_N: Ints  # parts of one model have the same number and go to GPUs of their own
    home_N: Ints  # GPU that holds the part now, or NOWHERE
    budget_gb: float  # how much of what has a home may move

    @property
    def num_gpus(self) -> int:
        """G."""
        return len(self.memory_G)

    @property
    def num_parts(self) -> int:
        """N."""
        return len(self.size_N)

    @property
    def demand_N(self) -> Floats:
        """``(N,)``, positive."""
        return self.rate_N / self.slo_N

    def free_gb(self, gpu_N: Ints) -> Floats:
        """``(G,)`` GB that the weights leave on each GPU; negative where they do not fit."""
        return self.memory_G - sums(gpu_N, self.size_N, self.num_gpus)

    def demands(self, gpu_N: Ints) -> Floats:
        """``(G,)`` demand on each GPU."""
        return sums(gpu_N, self.demand_N, self.num_gpus)

    def rooms(self, gpu_N: Ints) -> Floats:
        """``(G,)`` GB of KV cache per unit of demand on each GPU; infinite where there is no demand.

        For placements that fit.
        """
        free, demands = np.maximum(self.free_gb(gpu_N), 0.0), self.demands(gpu_N)
        rooms: Floats = np.divide(free, demands, out=np.full(self.num_gpus, np.inf), where=demands > 0)
        return rooms

    def room(self, gpu_N: Ints) -> float:
        """The least room of any GPU: what is to be large. One over it is the largest pressure."""
        return float(self.rooms(gpu_N).min())

    def moved_gb(self, gpu_N: Ints) -> float:
        """GB that leave their home."""
        return float(self.size_N[(self.home_N != NOWHERE) & (gpu_N != self.home_N)].sum())


def sums(gpu_N: Ints, values_N: Floats, num_gpus: int) -> Floats:
    """``(G,)`` the values of the parts on each GPU, summed."""
    return np.bincount(gpu_N, values_N, num_gpus).astype(np.float64)


def pressure(room: float) -> float:
    """The largest KV pressure (KVPR) of a placement with this room."""
    return min(FULL_PRESSURE, 1.0 / room) if room > 0 else FULL_PRESSURE
