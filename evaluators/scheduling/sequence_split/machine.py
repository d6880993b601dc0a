"""What a training step costs: compute that grows with the square of a length, and the ring that a cut sequence needs.

Shapes: N sequences, G ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Sync(StrEnum):
    """When all ranks wait for one another."""

    STEP = "step"  # after every micro-batch: weights are gathered anew, as with fully sharded data parallelism
    GRADIENT = "gradient"  # once, when gradients are summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A cluster with a model on it; times are of the forward and the backward pass together."""

    ranks: int
    ranks_per_node: int  # the last node may have fewer
    linear_us: float  # of a token, all that does not depend on the length of its sequence
    crossover: float  # the length in tokens at which attention takes as long as all the rest
    kv_bytes: float  # of a token: what a hop of the ring moves, over all layers
    intra_gb_s: float  # of a rank's link inside its node
    inter_gb_s: float  # of a rank's link to another node, at most `intra_gb_s`
    hop_us: float = 1000.0  # of a hop of the ring, whatever it moves
    overhead_us: float = 50_000.0  # of every micro-batch that is not empty
    overlap: bool = True  # whether the ring runs beside attention
    sync: Sync = Sync.STEP

    @property
    def quadratic_us(self) -> float:
        """Of a token squared."""
        return self.linear_us / self.crossover

    @property
    def intra_us(self) -> float:
        """Of a token and hop, inside a node."""
        return self.kv_bytes / (1e3 * self.intra_gb_s)

    @property
    def inter_us(self) -> float:
        """Of a token and hop, between nodes."""
        return self.kv_bytes / (1e3 * self.inter_gb_s)

    @property
    def node_G(self) -> Ints:
        """The node of every rank."""
        return np.arange(self.ranks) // self.ranks_per_node

    def shard_us(self, lengths: Floats, widths: Floats, crossing: Bools) -> Floats:
        """How long a sequence keeps each of its ranks busy; the arguments broadcast.

        Args:
            lengths: Tokens.
            widths: Ranks that share the sequence, in equal parts of linear and quadratic work alike.
            crossing: Whether they are on more than one node, so that the ring is as slow as a link between nodes.
        """
        tokens = lengths / widths
        attention = self.quadratic_us * lengths * tokens
        ring = (widths - 1) * (self.hop_us + np.where(crossing, self.inter_us, self.intra_us) * tokens)
        together = np.maximum(attention, ring) if self.overlap else attention + ring
        return np.asarray(self.linear_us * tokens + together, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """The sequences of one training step, and where they may go."""

    lengths_N: Ints  # tokens, each at least 1 and at most `cap` times the ranks
    cap: int  # tokens of a rank in a micro-batch
    micro_batches: int  # may stay empty
    machine: Machine

    @property
    def size(self) -> int:
        """Number of sequences."""
        return len(self.lengths_N)

    @property
    def needed_N(self) -> Ints:
        """The fewest shards of each sequence that fit under the cap."""
        return -(-self.lengths_N // self.cap)


def shard_tokens(lengths: Ints, widths: Ints) -> Ints:
    """Tokens of the largest of so many equal shards."""
    return -(-lengths // widths)
