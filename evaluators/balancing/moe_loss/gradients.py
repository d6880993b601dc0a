"""How a training asks for the balancing gradient: tensors here, arrays where a program in a sandbox is asked.

Shapes: L layers, M micro-batches, T tokens of a micro-batch, E experts, K experts per token, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from evaluators.balancing.moe_loss.balancer import Balancer, StepView
from evaluators.balancing.moe_loss.checks import StepChecks


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What the routers of one optimiser step gave; nothing of it is in a graph."""

    logits_LMTE: Tensor
    chosen_LMTK: Tensor  # int64
    selection_LMTE: Tensor | None  # None without a selection rule
    router_LED: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """None stands for zeros."""

    to_logits_LMTE: Tensor | None
    to_router_LED: Tensor | None


class GradientSource(Protocol):
    """A balancing method at work in one training."""

    @property
    def selects(self) -> bool:
        """Whether it has a selection rule."""

    def select(self, logits_MTE: Tensor, layer: int, step: int, *, training: bool) -> Tensor:
        """Selection scores ``(M, T, E)``."""

    def gradients(self, routed: Routed, step: int) -> Gradients:
        """Of one step; called once per step, in order."""


class Asked:
    """A program behind a balancer, with the checks of what it may do."""

    def __init__(self, balancer: Balancer, checks: StepChecks) -> None:
        self.selects = balancer.selects
        self._balancer = balancer
        self._checks = checks

    def select(self, logits_MTE: Tensor, layer: int, step: int, *, training: bool) -> Tensor:
        """See `StepChecks.training_select` and `StepChecks.blind_select`."""
        ask = self._checks.training_select if training else self._checks.blind_select
        return torch.from_numpy(ask(logits_MTE.numpy(), layer, step))

    def gradients(self, routed: Routed, step: int) -> Gradients:
        """See `Balancer.losses` and `StepChecks.after`."""
        view = StepView(
            logits_LMTE=routed.logits_LMTE.numpy(),
            chosen_LMTK=routed.chosen_LMTK.to(torch.int16).numpy(),
            selection_LMTE=None if routed.selection_LMTE is None else routed.selection_LMTE.numpy(),
            router_LED=routed.router_LED.numpy(),
        )
        found = self._balancer.losses(view, step)
        self._checks.after(step, view, found)
        return Gradients(
            to_logits_LMTE=None if found.grad_LMTE is None else torch.from_numpy(found.grad_LMTE),
            to_router_LED=None if found.router_grad_LED is None else torch.from_numpy(found.router_grad_LED),
        )
