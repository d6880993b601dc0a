"""A training as a value, what it measured, and the reference's trainings, each done once per process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from evaluators.balancing.moe_loss import balance, rules
from evaluators.balancing.moe_loss.balancer import Balancer, device_of_expert
from evaluators.balancing.moe_loss.corpus import TRAINING, VALIDATION, Mix, Sequences, TextSource, draw
from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.balancing.moe_loss.time_model import TimeModel
from evaluators.candidate import Candidate, CandidateFailure
from evaluators.contract import ContractError, Outcome

if TYPE_CHECKING:
    from evaluators.balancing.moe_loss.trainer import Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that a training depends on beside the program."""

    shape: Shape
    course: Course
    source: TextSource
    mix: Mix
    seed: int

    def data(self) -> Mapping[str, Sequences]:
        """Training and validation sequences."""
        return _data(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One training in numbers."""

    iso_nats: float  # validation cross-entropy, with the step time exchanged into nats
    metrics: Mapping[str, float]
    adds_gradient: bool  # so that its strength matters
    clipped: float  # share of the steps on which its gradient was scaled down
    worked: float  # share of the choices that experts with weights took, in the layer where it is least
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def run(recipe: Recipe, candidate: Candidate, strength: float, times: TimeModel, candidate_seed: int) -> Measured:
    """Train with a program and measure.

    Args:
        recipe: The training.
        candidate: The program; loaded anew.
        strength: What its gradients are multiplied by.
        times: What imbalance costs.
        candidate_seed: Of the randomness that the program is given.

    Raises:
        CandidateFailure: The program failed, its gradients were too large on too many steps, or it left the experts
            idle.
    """
    trained = _trained(recipe, candidate, strength, candidate_seed)
    measured = measure(trained, recipe, times)
    if measured.worked < rules.LEAST_WORK * recipe.shape.working_share:
        rules.require_work(measured.worked, recipe.shape.working_share, reference(recipe, 1.0, times).worked)
    # What is stronger than the program asked for is only scaled down.
    if strength <= 1.0 and measured.clipped > rules.MOST_CLIPPED:
        rules.require_moderate(measured.clipped, reference(recipe, 1.0, times).clipped)
    return measured


def _trained(recipe: Recipe, candidate: Candidate, strength: float, candidate_seed: int) -> Trained:
    from evaluators.balancing.moe_loss import checks, trainer

    balancer = Balancer(candidate, recipe.shape, recipe.course, candidate_seed)
    checks.probe(balancer, recipe.shape, recipe.course, recipe.seed)
    return trainer.train(recipe.shape, recipe.course, recipe.data(), recipe.seed, balancer, strength)


@lru_cache(maxsize=256)
def reference(recipe: Recipe, strength: float, times: TimeModel) -> Measured:
    """The reference loss on a training; its own text, so nothing of it depends on a program.

    Raises:
        ContractError: It cannot be trained on this model; no program is to blame.
    """
    from evaluators.balancing.moe_loss.hosting import OwnLoss, reference_source

    try:
        return measure(_trained(recipe, OwnLoss(reference_source()), strength, 0), recipe, times)
    except CandidateFailure as failure:
        s = recipe.shape
        raise ContractError(
            f"the reference loss cannot be trained with these settings (experts={s.working_experts}, top_k={s.top_k}, "
            f"null_experts={s.null_experts}, null_kind={s.null_kind}, gate={s.gate}): {failure.detail}"
        ) from failure


def require_torch() -> None:
    """Refuse at once, in words, where torch is missing.

    Raises:
        ContractError: It is.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ContractError("moe_loss trains with torch: install it with `pip install 'evenkeel[torch]'`") from error


def measure(trained: Trained, recipe: Recipe, times: TimeModel) -> Measured:
    """All metrics of a training.

    Raises:
        CandidateFailure: It diverged.
    """
    shape, choices = recipe.shape, rules.late(trained.counts_PLME)  # (P, L, E)
    worked = choices[..., : shape.working_experts]
    done = np.minimum(worked, shape.capacity_tokens(recipe.course.sequences * shape.context))
    share = charged_share(done.sum(-1), worked.sum(-1), choices.sum(-1), shape.working_share)
    batch, done = balance.even_where_idle(worked), balance.even_where_idle(done)
    step_time = times.relative_step_time(done, device_of_expert(shape.working_experts), share)
    nats = float(trained.nats_N.mean())
    iso_nats = nats + times.nats_per_time * math.log(step_time)
    metrics = {
        "iso_nats": iso_nats,
        "nats": nats,
        "step_time": step_time,
        "max_violation_batch": float(balance.max_violation(batch).mean()),
        "variation": float(balance.variation(batch).mean()),
        "gini": float(balance.gini(batch).mean()),
        **{f"dropped_{name}": float(balance.dropped_share(batch, c).mean()) for name, c in _CAPACITIES},
        "null_share": float(1.0 - worked.sum() / choices.sum()),
        "gradient_ratio": float(trained.gradient_ratio_P.mean()),
        "logit_rms": float(trained.logit_rms_L.mean()),
        "routing_entropy": float(trained.entropy_L.mean()),
        "fluctuation": float(trained.moved_L.mean()),
        **_on_validation(trained, recipe),
    }
    if not np.isfinite(list(metrics.values())).all():
        raise CandidateFailure(Outcome.INVALID, "the training diverged: a metric is not finite")
    return Measured(
        iso_nats=iso_nats,
        metrics=metrics,
        adds_gradient=trained.adds_gradient,
        clipped=rules.clipped_share(trained.gradient_ratio_P),
        worked=rules.worked_share(choices, shape.working_experts),
        curves=_curves(trained, recipe),
    )


def charged_share(
    done_X: balance.Counts, worked_X: balance.Counts, choices_X: balance.Counts, meant: float
) -> balance.Values:
    """Share of the choices whose time is charged: what experts with weights took, at least the share meant for them.

    Null experts are a budget, as in LongCat-Flash (arXiv 2509.01322): who takes more of them saves nothing, who takes
    fewer pays. What capacity drops of the work is not charged.
    """
    kept = np.where(worked_X > 0, done_X / np.maximum(worked_X, 1), 1.0)
    return np.asarray(np.maximum(worked_X / choices_X, meant) * kept)


_CAPACITIES = (("1", 1.0), ("1_25", 1.25), ("2", 2.0))


def _on_validation(trained: Trained, recipe: Recipe) -> dict[str, float]:
    chosen, experts = trained.chosen_LNSK, recipe.shape.num_experts
    data = recipe.data()["validation"]
    L, N, S, K = chosen.shape  # noqa: N806
    one_hot = np.zeros((L, N, experts), dtype=np.int64)
    place = np.arange(L * N).reshape(L, N, 1) * experts
    one_hot += np.bincount((chosen.reshape(L, N, -1) + place).ravel(), minlength=one_hot.size).reshape(one_hot.shape)
    worked = balance.even_where_idle(one_hot[..., : recipe.shape.working_experts])
    overall = balance.even_where_idle(one_hot[..., : recipe.shape.working_experts].sum(1))
    domain, byte = np.repeat(data.domain_N, S), data.text_NS[:, :-1].astype(np.int64).ravel()
    classes = (("domain", domain, len(data.domains)), ("byte", byte, recipe.shape.vocabulary))
    flat = chosen.reshape(L, N * S, K)
    shares = {
        f"{name}_information": float(
            np.mean([balance.information_share(balance.joint_counts(of, rows, num, experts)) for rows in flat])
        )
        for name, of, num in classes
    }
    return {
        "max_violation_global": float(balance.max_violation(overall).mean()),
        "max_violation_worst_layer": float(balance.max_violation(overall).max()),
        "max_violation_sequence": float(balance.max_violation(worked).mean()),
        "dead_share": float(balance.dead_share(overall).mean()),
        **shares,
    }


def _curves(trained: Trained, recipe: Recipe) -> dict[str, tuple[float, ...]]:
    """Load by step, and for each domain the share of its tokens that each expert of the last layer got."""
    busiest = balance.max_violation(trained.counts_PLME.sum(2)).mean(1)
    data, experts = recipe.data()["validation"], recipe.shape.num_experts
    chosen = trained.chosen_LNSK[-1]
    domain = np.repeat(data.domain_N, chosen.shape[1])
    joint = balance.joint_counts(domain, chosen.reshape(-1, chosen.shape[-1]), len(data.domains), experts)
    shares = joint / np.maximum(joint.sum(1, keepdims=True), 1)
    nats = {
        f"nats {name}": (float(trained.nats_N[data.domain_N == i].mean()),)
        for i, name in enumerate(data.domains)
        if np.any(data.domain_N == i)
    }
    by_domain = {
        f"experts {n}": tuple(map(float, shares[i])) for i, n in enumerate(data.domains) if f"nats {n}" in nats
    }
    return {"max_violation": tuple(map(float, busiest)), **nats, **by_domain}


@lru_cache(maxsize=64)
def _data(recipe: Recipe) -> Mapping[str, Sequences]:
    course, length = recipe.course, recipe.shape.context
    wanted = (("training", TRAINING, course.steps * course.sequences), ("validation", VALIDATION, course.validation))
    return {name: draw(recipe.source, recipe.mix, recipe.seed, part, num, length) for name, part, num in wanted}
