"""One training: the worker owns model, data and optimiser; a balancer adds a gradient at the router logits.

Shapes: L layers, M micro-batches, T tokens of a micro-batch, E experts, K experts per token, D width, N sequences,
S bytes of a sequence, P steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from evaluators.balancing.moe_loss.balancer import Balancer, StepView
from evaluators.balancing.moe_loss.checks import StepChecks
from evaluators.balancing.moe_loss.corpus import Sequences
from evaluators.balancing.moe_loss.model import Model, Routing, SelectScores
from evaluators.balancing.moe_loss.shape import Course, Shape

MOST_GRADIENT_RATIO = 10.0  # of the balancing gradient at a router to that of the cross-entropy; more is scaled down
_BETAS, _WEIGHT_DECAY = (0.9, 0.95), 0.01
_VALIDATION_ROWS = 32  # sequences of a forward pass
_LAST_RATE = 0.1  # of the peak, where the cosine ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training left behind, as arrays."""

    nats_N: npt.NDArray[np.float64]  # mean cross-entropy of each validation sequence, nats per byte
    chosen_LNSK: npt.NDArray[np.int64]  # experts of the validation bytes
    entropy_L: npt.NDArray[np.float64]  # mean routing entropy over log E
    logit_rms_L: npt.NDArray[np.float64]
    counts_PLME: npt.NDArray[np.int64]  # tokens of each expert, by step, layer and micro-batch
    train_nats_P: npt.NDArray[np.float64]
    gradient_ratio_P: npt.NDArray[np.float64]  # before it was scaled down


def train(
    shape: Shape,
    course: Course,
    data: Mapping[str, Sequences],
    seed: int,
    balancer: Balancer,
    strength: float = 1.0,
) -> Trained:
    """Train a fresh model and measure it.

    Args:
        shape: Of the model.
        course: Of the training.
        data: ``training`` and ``validation``; a domain is never shown to the model or the balancer.
        seed: Of the weights. Trainings with the same seed and data have the same weights and batches at the start.
        balancer: The program.
        strength: What its gradients are multiplied by.

    Raises:
        CandidateFailure: The program failed, or broke the contract.
    """
    torch.set_num_threads(1)
    model = Model(shape, torch.Generator().manual_seed(seed % (1 << 63)))
    run = _Run(model, course, balancer, StepChecks(balancer, course, seed), strength)
    text = _long(data["training"])
    for step in range(course.steps):
        run.step(step, text[step * course.sequences : (step + 1) * course.sequences])
    with torch.no_grad():
        return _measured(run, _long(data["validation"]))


class _Run:
    """The moving parts of one training."""

    def __init__(self, model: Model, course: Course, balancer: Balancer, checks: StepChecks, strength: float) -> None:
        self.model = model
        self.course = course
        self.balancer = balancer
        self.checks = checks
        self._strength = strength
        self.counts: list[npt.NDArray[np.int64]] = []
        self.nats: list[float] = []
        self.ratios: list[float] = []
        self._weights = list(model.parameters.values())
        self._optimiser = torch.optim.AdamW(
            self._weights, lr=course.learning_rate, betas=_BETAS, weight_decay=_WEIGHT_DECAY, fused=True
        )

    def step(self, step: int, text_NS: Tensor) -> None:
        """One optimiser step over all micro-batches; they go through the model in one pass, which is the same."""
        logits, routings = self.model.forward(text_NS[:, :-1], self.selector(step, training=True))
        nats = functional.cross_entropy(logits.flatten(0, 1), text_NS[:, 1:].flatten())
        view = self._view(routings)
        found = self.balancer.losses(view, step)
        self.checks.after(step, view, found)
        added = []
        if found.grad_LMTE is not None:
            added = [_Added(self._strength * torch.from_numpy(g.reshape(-1, g.shape[-1]))) for g in found.grad_LMTE]
            for routing, hook in zip(routings, added, strict=True):
                routing.logits_RE.register_hook(hook)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self.course, step)
        self._optimiser.zero_grad()
        torch.autograd.backward(nats)
        if found.router_grad_LED is not None:
            self._add_to_routers(found.router_grad_LED)
        torch.nn.utils.clip_grad_norm_(self._weights, self.course.clip_norm)
        self._optimiser.step()
        self._record(view, nats.item(), max((hook.ratio for hook in added), default=0.0))

    def selector(self, step: int, *, training: bool) -> SelectScores | None:
        """What the model asks for selection scores; None for a program without `select`."""
        if not self.balancer.selects:
            return None

        def select(layer: int, logits_RE: Tensor, scores_RE: Tensor) -> Tensor:
            per_batch = self.course.sequences_per_micro_batch * self.model.shape.context
            rows = logits_RE.reshape(-1, per_batch, logits_RE.shape[-1]).numpy()
            ask = self.balancer.select if training else self.checks.causal_select
            return torch.from_numpy(ask(rows, layer, step, training=training)).reshape(scores_RE.shape)

        return select

    def _view(self, routings: list[Routing]) -> StepView:
        M = self.course.micro_batches  # noqa: N806
        logits = torch.stack([r.logits_RE.detach() for r in routings])
        chosen = torch.stack([r.chosen_RK for r in routings]).to(torch.int16)
        selection = torch.stack([r.selection_RE for r in routings]) if self.balancer.selects else None
        routers = torch.stack([self.model.router_weight(layer).detach() for layer in range(len(routings))])
        return StepView(
            logits_LMTE=logits.reshape(len(routings), M, -1, logits.shape[-1]).numpy(),
            chosen_LMTK=chosen.reshape(len(routings), M, -1, chosen.shape[-1]).numpy(),
            selection_LMTE=None
            if selection is None
            else selection.reshape(len(routings), M, -1, logits.shape[-1]).numpy(),
            router_LED=routers.numpy(),
        )

    def _add_to_routers(self, grad_LED: npt.NDArray[np.float32]) -> None:
        for layer, grad in enumerate(grad_LED):
            own = self.model.router_weight(layer).grad
            assert own is not None
            added = _Added(self._strength * torch.from_numpy(grad))
            own.copy_(added(own))

    def _record(self, view: StepView, nats: float, ratio: float) -> None:
        L, M = view.chosen_LMTK.shape[:2]  # noqa: N806
        E = view.logits_LMTE.shape[-1]  # noqa: N806
        place = np.arange(L * M).reshape(L, M, 1) * E
        flat = (view.chosen_LMTK.reshape(L, M, -1) + place).ravel()
        self.counts.append(np.bincount(flat, minlength=L * M * E).reshape(L, M, E))
        self.nats.append(nats)
        self.ratios.append(ratio)


class _Added:
    """A backward hook that adds a gradient, scaled down where it outgrows the one that arrives."""

    def __init__(self, grad: Tensor) -> None:
        self._grad = grad
        self.ratio = 0.0

    def __call__(self, arriving: Tensor) -> Tensor:
        self.ratio = float(self._grad.norm()) / max(float(arriving.norm()), 1e-12)
        return arriving + self._grad * min(1.0, MOST_GRADIENT_RATIO / max(self.ratio, 1e-12))


def learning_rate(course: Course, step: int) -> float:
    """Linear warm-up, then a cosine down to a tenth."""
    warm = max(1, round(course.warmup * course.steps))
    if step < warm:
        return course.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, course.steps - warm)
    return course.learning_rate * (_LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))


def _measured(run: _Run, text_NS: Tensor) -> Trained:
    nats, chosen, entropies, squares = [], [], [], []
    E = run.model.shape.num_experts  # noqa: N806
    for start in range(0, len(text_NS), _VALIDATION_ROWS):
        rows = text_NS[start : start + _VALIDATION_ROWS]
        logits, routings = run.model.forward(rows[:, :-1], run.selector(run.course.steps, training=False))
        losses = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
        nats.append(losses.reshape(len(rows), -1).mean(1).double().numpy())
        picked = torch.stack([r.chosen_RK for r in routings])
        chosen.append(picked.reshape(len(routings), len(rows), -1, picked.shape[-1]).numpy())
        entropies.append([_entropy(r.logits_RE, run.model.shape.gate) / math.log(E) for r in routings])
        squares.append([r.logits_RE.square().mean().item() for r in routings])
    return Trained(
        nats_N=np.concatenate(nats),
        chosen_LNSK=np.concatenate(chosen, axis=1),
        entropy_L=np.mean(entropies, axis=0),
        logit_rms_L=np.sqrt(np.mean(squares, axis=0)),
        counts_PLME=np.stack(run.counts),
        train_nats_P=np.array(run.nats),
        gradient_ratio_P=np.array(run.ratios),
    )


def _entropy(logits_RE: Tensor, gate: str) -> float:
    """Mean entropy of the routers' distributions, in nats."""
    scores = logits_RE.softmax(-1) if gate == "softmax" else torch.sigmoid(logits_RE)
    share = scores / scores.sum(-1, keepdim=True)
    return float(torch.special.entr(share).sum(-1).mean())


def _long(sequences: Sequences) -> Tensor:
    return torch.from_numpy(sequences.text_NS.astype(np.int64))
