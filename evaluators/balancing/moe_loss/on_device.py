"""A trusted loss next to the model, on its device: nothing crosses to the CPU but what a check reads."""

from __future__ import annotations

import torch
from torch import Tensor

from evaluators.balancing.moe_loss.balancer import Balancer
from evaluators.balancing.moe_loss.gradients import Gradients, Routed
from evaluators.balancing.moe_loss.hosting import OwnLoss
from evaluators.balancing.moe_loss.shape import Course, Shape


class OnDevice:
    """`gradients.GradientSource` of a loss of ours; see `child_host.py` for what is done with it."""

    def __init__(self, source: str, shape: Shape, course: Course, device: torch.device, seed: int) -> None:
        """Load the loss and make its first state.

        Raises:
            CandidateFailure: It cannot be loaded.
        """
        self._device = device
        own = OwnLoss(source)
        with device:
            opened = Balancer(own, shape, course, seed)
            self._host = own.host
            self._state = self._host.unpacked(opened.state)
        self.selects = opened.selects

    def select(self, logits_MTE: Tensor, layer: int, step: int, *, training: bool) -> Tensor:
        """Selection scores ``(M, T, E)``."""
        with self._device:
            scores: Tensor = self._host.selection(logits_MTE, layer, step, training, self._state)
        return scores

    def gradients(self, routed: Routed, step: int) -> Gradients:
        """Of one step; the state moves on."""
        r = routed
        with self._device:
            _, (to_logits, to_router) = self._host.differentiated(
                r.logits_LMTE, r.router_LED, r.chosen_LMTK, r.selection_LMTE, step, self._state
            )
        return Gradients(to_logits_LMTE=to_logits, to_router_LED=to_router if bool(to_router.any()) else None)
