"""One training: the worker owns model, data and optimiser; a balancer adds a gradient at the router logits.

Shapes: L layers, M micro-batches, T tokens of a micro-batch, E experts, K experts per token, D width, N sequences,
S bytes of a sequence, P steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from evaluators.balancing.moe_loss.balancer import Balancer
from evaluators.balancing.moe_loss.checks import StepChecks
from evaluators.balancing.moe_loss.corpus import Sequences
from evaluators.balancing.moe_loss.gradients import Asked, GradientSource, Routed
from evaluators.balancing.moe_loss.model import Model, Routing, SelectScores
from evaluators.balancing.moe_loss.rules import MOST_GRADIENT_RATIO
from evaluators.balancing.moe_loss.shape import Course, Shape

_LARGEST = 1e12  # of a gradient's values, so that its norm is finite too
_BETAS, _WEIGHT_DECAY = (0.9, 0.95), 0.01
_VALIDATION_ROWS = 32  # sequences of a forward pass
_LAST_RATE = 0.1  # of the peak, where the cosine ends
_CHECKPOINT_SHARE = 0.75  # of the steps, after which the routing is compared with that at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training left behind, as arrays."""

    nats_N: npt.NDArray[np.float64]  # mean cross-entropy of each validation sequence, nats per byte
    chosen_LNSK: npt.NDArray[np.int64]  # experts of the validation bytes
    entropy_L: npt.NDArray[np.float64]  # mean routing entropy over log E
    logit_rms_L: npt.NDArray[np.float64]
    moved_L: npt.NDArray[np.float64]  # share of the validation bytes with another first expert than at the checkpoint
    counts_PLME: npt.NDArray[np.int64]  # tokens of each expert, by step, layer and micro-batch
    train_nats_P: npt.NDArray[np.float64]
    gradient_ratio_P: npt.NDArray[np.float64]  # before it was scaled down; the largest at a logit or a router's weight
    adds_gradient: bool  # whether the program gave one in any step


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
    source = Asked(balancer, StepChecks(balancer, course, seed))
    return fit(Model(shape, weight_stream(seed)), course, data, source, strength)


def weight_stream(seed: int) -> torch.Generator:
    """What the weights are drawn from."""
    return torch.Generator().manual_seed(seed % (1 << 63))


def fit(
    model: Model,
    course: Course,
    data: Mapping[str, Sequences],
    source: GradientSource,
    strength: float = 1.0,
    after: Callable[[int], None] | None = None,
) -> Trained:
    """Train `model` on its device, and measure it; see `train`. `after` is called with each step that is done."""
    run = _Run(model, course, source, strength)
    text, validation = _long(data["training"]), _long(data["validation"]).to(model.engine.device)
    checkpoint = max(1, round(_CHECKPOINT_SHARE * course.steps))
    for step in range(course.steps):
        run.step(step, text[step * course.sequences : (step + 1) * course.sequences].to(model.engine.device))
        if step + 1 == checkpoint:
            with torch.no_grad():
                first_LR = _first_experts(run, validation, checkpoint)
        if after is not None:
            after(step)
    with torch.no_grad():
        return _measured(run, validation, first_LR)


class _Run:
    """The moving parts of one training."""

    def __init__(self, model: Model, course: Course, source: GradientSource, strength: float) -> None:
        self.model = model
        self.course = course
        self._source = source
        self._strength = strength
        self.counts: list[Tensor] = []
        self.nats: list[Tensor] = []
        self.ratios: list[Tensor] = []
        self.adds_gradient = False
        self._weights = list(model.parameters.values())
        self._optimiser = torch.optim.AdamW(
            self._weights, lr=course.learning_rate, betas=_BETAS, weight_decay=_WEIGHT_DECAY, fused=True
        )

    def step(self, step: int, text_NS: Tensor) -> None:
        """One optimiser step over all micro-batches; they go through the model in one pass, which is the same."""
        logits, routings = self.model.forward(text_NS[:, :-1], self.selector(step, training=True), dropping=True)
        nats = functional.cross_entropy(logits.flatten(0, 1), text_NS[:, 1:].flatten())
        routed = self._routed(routings)
        found = self._source.gradients(routed, step)
        added: list[_Added] = []
        handles = []
        if found.to_logits_LMTE is not None:
            added = [self._added(grad.flatten(0, 1)) for grad in found.to_logits_LMTE]
            handles = [r.logits_RE.register_hook(hook) for r, hook in zip(routings, added, strict=True)]
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(self.course, step)
        self._optimiser.zero_grad()
        torch.autograd.backward(nats, retain_graph=bool(added) and found.to_router_LED is not None)
        for handle in handles:
            handle.remove()
        if found.to_router_LED is not None:
            added += self._add_to_routers(found.to_router_LED, routings, added)
        torch.nn.utils.clip_grad_norm_(self._weights, self.course.clip_norm)
        self._optimiser.step()
        self.counts.append(_counts(routed))
        self.nats.append(nats.detach())
        self.ratios.append(torch.stack([hook.ratio for hook in added]).max() if added else torch.zeros(()))
        self.adds_gradient |= bool(added)

    def selector(self, step: int, *, training: bool) -> SelectScores | None:
        """What the model asks for selection scores; None for a program without `select`."""
        if not self._source.selects:
            return None

        def select(layer: int, logits_RE: Tensor, scores_RE: Tensor) -> Tensor:
            per_batch = self.course.sequences_per_micro_batch * self.model.shape.context
            rows = logits_RE.reshape(-1, per_batch, logits_RE.shape[-1])
            return self._source.select(rows, layer, step, training=training).reshape(scores_RE.shape)

        return select

    def _routed(self, routings: list[Routing]) -> Routed:
        def by_batch(rows: list[Tensor]) -> Tensor:
            return torch.stack(rows).reshape(len(rows), self.course.micro_batches, -1, rows[0].shape[-1])

        return Routed(
            logits_LMTE=by_batch([r.logits_RE.detach() for r in routings]),
            chosen_LMTK=by_batch([r.chosen_RK for r in routings]),
            selection_LMTE=by_batch([r.selection_RE for r in routings]) if self._source.selects else None,
            router_LED=torch.stack([self.model.router_weight(layer).detach() for layer in range(len(routings))]),
        )

    def _added(self, grad: Tensor) -> _Added:
        return _Added(self._strength * grad.clamp(-_LARGEST, _LARGEST))

    def _add_to_routers(self, grad_LED: Tensor, routings: list[Routing], at_logits: Sequence[_Added]) -> list[_Added]:
        """Add to the gradients of the routers' weights, in proportion to the cross-entropy's part of them."""
        added = [self._added(grad) for grad in grad_LED]
        for layer, hook in enumerate(added):
            weight = self.model.router_weight(layer)
            own = weight.grad
            assert own is not None
            alone = own
            if at_logits:  # which the program's gradient at the logits has gone into
                (alone,) = torch.autograd.grad(routings[layer].logits_RE, weight, at_logits[layer].arriving)
            own += hook.limited(alone)
        return added


class _Added:
    """A backward hook that adds a gradient, scaled down where it outgrows the one that arrives."""

    def __init__(self, grad: Tensor) -> None:
        self._grad = grad
        self.arriving = self.ratio = torch.zeros(())

    def __call__(self, arriving: Tensor) -> Tensor:
        self.arriving = arriving
        return arriving + self.limited(arriving)

    def limited(self, arriving: Tensor) -> Tensor:
        """What is added to a gradient."""
        self.ratio = self._grad.norm() / arriving.norm().clamp_min(1e-12)
        return self._grad * (MOST_GRADIENT_RATIO / self.ratio.clamp_min(1e-12)).clamp_max(1.0)


def _counts(routed: Routed) -> Tensor:
    """Tokens of each expert, ``(L, M, E)``."""
    L, M, _, E = routed.logits_LMTE.shape  # noqa: N806
    place = torch.arange(L * M, device=routed.chosen_LMTK.device).reshape(L, M, 1) * E
    flat = routed.chosen_LMTK.flatten(2) + place
    return torch.bincount(flat.flatten(), minlength=L * M * E).reshape(L, M, E)


def learning_rate(course: Course, step: int) -> float:
    """Linear warm-up, then a cosine down to a tenth."""
    warm = max(1, round(course.warmup * course.steps))
    if step < warm:
        return course.learning_rate * (step + 1) / warm
    done = (step - warm) / max(1, course.steps - warm)
    return course.learning_rate * (_LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))


def _first_experts(run: _Run, text_NS: Tensor, step: int) -> Tensor:
    """The first expert of each byte of `text_NS` after `step` steps, ``(L, N * S)``."""
    passes = (run.model.forward(rows[:, :-1], run.selector(step, training=False)) for rows in _by_rows(text_NS))
    return torch.cat([torch.stack([r.chosen_RK[:, 0] for r in routings]) for _, routings in passes], dim=1)


def _measured(run: _Run, text_NS: Tensor, earlier_LR: Tensor) -> Trained:
    nats, chosen, entropies, squares = [], [], [], []
    E = run.model.shape.num_experts  # noqa: N806
    for rows in _by_rows(text_NS):
        logits, routings = run.model.forward(rows[:, :-1], run.selector(run.course.steps, training=False))
        losses = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none")
        nats.append(losses.reshape(len(rows), -1).mean(1).double().cpu().numpy())
        picked = torch.stack([r.chosen_RK for r in routings])
        chosen.append(picked.reshape(len(routings), len(rows), -1, picked.shape[-1]).cpu().numpy())
        entropies.append([_entropy(r.logits_RE, run.model.shape.gate) / math.log(E) for r in routings])
        squares.append([r.logits_RE.square().mean().item() for r in routings])
    chosen_LNSK = np.concatenate(chosen, axis=1)
    first_LR = chosen_LNSK[..., 0].reshape(len(chosen_LNSK), -1)
    return Trained(
        nats_N=np.concatenate(nats),
        chosen_LNSK=chosen_LNSK,
        entropy_L=np.mean(entropies, axis=0),
        logit_rms_L=np.sqrt(np.mean(squares, axis=0)),
        moved_L=(first_LR != earlier_LR.cpu().numpy()).mean(1),
        counts_PLME=torch.stack(run.counts).cpu().numpy(),
        train_nats_P=torch.stack(run.nats).cpu().double().numpy(),
        gradient_ratio_P=torch.stack(run.ratios).cpu().double().numpy(),
        adds_gradient=run.adds_gradient,
    )


def _by_rows(text_NS: Tensor) -> Sequence[Tensor]:
    """The sequences of one forward pass after the other."""
    return [text_NS[start : start + _VALIDATION_ROWS] for start in range(0, len(text_NS), _VALIDATION_ROWS)]


def _entropy(logits_RE: Tensor, gate: str) -> float:
    """Mean entropy of the routers' distributions, in nats."""
    scores = logits_RE.softmax(-1) if gate == "softmax" else torch.sigmoid(logits_RE)
    share = scores / scores.sum(-1, keepdim=True)
    return float(torch.special.entr(share).sum(-1).mean())


def _long(sequences: Sequences) -> Tensor:
    return torch.from_numpy(sequences.text_NS.astype(np.int64))
