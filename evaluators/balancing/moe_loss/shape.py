"""The sizes of a model and of its training; no torch here, so that tasks can be listed without it."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.balancing.moe_loss.domains import VOCABULARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A model."""

    num_experts: int = 16
    top_k: int = 2
    num_layers: int = 2
    d_model: int = 48
    d_expert: int = 32
    num_heads: int = 2
    context: int = 64  # bytes that a sequence predicts
    gate: str = "softmax"  # or "sigmoid"
    vocabulary: int = VOCABULARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A training."""

    steps: int = 50
    sequences: int = 16  # of a step, over all micro-batches
    micro_batches: int = 8  # of a step
    validation: int = 96  # sequences
    learning_rate: float = 3e-3  # at its peak, of AdamW
    warmup: float = 0.1  # share of the steps
    clip_norm: float = 1.0

    @property
    def sequences_per_micro_batch(self) -> int:
        """How many sequences a micro-batch has."""
        return self.sequences // self.micro_batches
