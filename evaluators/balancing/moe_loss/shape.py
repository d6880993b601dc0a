"""The sizes of a model and of its training; no torch here, so that tasks can be listed without it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluators.balancing.moe_loss.domains import VOCABULARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A model."""

    num_experts: int = 16  # null experts included; these come last
    top_k: int = 2
    num_layers: int = 2
    d_model: int = 48
    d_expert: int = 32
    num_heads: int = 2
    context: int = 64  # bytes that a sequence predicts
    gate: str = "softmax"  # or "sigmoid"
    vocabulary: int = VOCABULARY
    null_experts: int = 0  # without weights
    null_kind: str = "zero"  # what they give: "zero" nothing, "copy" what they got
    capacity: float = 0.0  # of an even share, beyond which training drops tokens; 0: none are dropped

    @property
    def working_experts(self) -> int:
        """Experts with weights."""
        return self.num_experts - self.null_experts

    @property
    def working_share(self) -> float:
        """Share of the choices that is meant for experts with weights: what an even spread over all experts gives."""
        return self.working_experts / self.num_experts

    def capacity_tokens(self, tokens: int) -> int:
        """How many of the choices of `tokens` tokens an expert takes in training; with capacity 0, all."""
        even = tokens * self.top_k / self.num_experts
        return math.ceil(self.capacity * even) if self.capacity else tokens


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
