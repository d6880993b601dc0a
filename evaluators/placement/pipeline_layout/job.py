"""The training job: a decoder of equal layers, and what a layer costs in time, traffic and memory.

Sources: operations of a layer, D. Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters
Using Megatron-LM", arXiv 2104.04473 (24 b s h^2 (1 + s / 6h) forward, twice that backward); bytes of activations with
attention recomputed, V. Korthikanti et al., arXiv 2205.05198 (34 s b h); 16 bytes of state per weight with Adam in
mixed precision, S. Rajbhandari et al., "ZeRO", arXiv 1910.02054. Embeddings and the output layer are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

BYTES_OF_HALF = 2  # activations and gradients travel in half precision
STATE_BYTES = 16  # per weight: two halves, and three floats of the optimizer
STASH_BYTES = 34  # per token and unit of width, for the backward pass of one layer
WEIGHTS = 12  # of a layer, times the squared width
GIGA = 1e9
TERA = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is trained, one step of it."""

    layers: int
    hidden: int
    sequence: int  # tokens
    micro_batches: int  # of one sequence each, over all replicas

    @property
    def layer_tflop(self) -> float:
        """Operations of one layer on one micro-batch, forward and backward, in 10^12."""
        s, h = self.sequence, self.hidden
        return 72 * s * h**2 * (1 + s / (6 * h)) / TERA

    @property
    def boundary_gb(self) -> float:
        """What one micro-batch sends from a stage to the next, and its gradient back."""
        return BYTES_OF_HALF * self.sequence * self.hidden / GIGA

    @property
    def layer_gb(self) -> float:
        """The gradients of one layer."""
        return BYTES_OF_HALF * WEIGHTS * self.hidden**2 / GIGA

    @property
    def state_gb(self) -> float:
        """Weights, gradients and optimizer of one layer."""
        return STATE_BYTES * WEIGHTS * self.hidden**2 / GIGA

    @property
    def stash_gb(self) -> float:
        """What one layer keeps of a micro-batch until its backward pass."""
        return STASH_BYTES * self.sequence * self.hidden / GIGA
