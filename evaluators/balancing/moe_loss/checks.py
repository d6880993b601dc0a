"""What a program must keep to beyond shapes: no memory but its state, no look ahead, no names for experts, no excess.

Each is checked by asking again about data that the program cannot tell from the rest, at moments it cannot foresee.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluators.balancing.moe_loss.balancer import Balancer, Floats, StepLoss, StepView, device_of_expert
from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome

Indices = npt.NDArray[np.int64]
_PROBE_SCALES = (1.0, 30.0, 0.0)  # of the logits: ordinary, exploded, all alike
_TOLERANCE = 1e-3  # of the largest gradient: another order of the experts is another order of summing
_LEAST_GRADIENT = 1e-6  # rounding of terms that cancel is not a difference


class StepChecks:
    """The checks of one training."""

    def __init__(self, balancer: Balancer, course: Course, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._balancer = balancer
        self._repeated_step = int(rng.integers(1, max(course.steps, 2)))  # where an earlier step is asked again
        self._asked_step = int(rng.integers(0, self._repeated_step))
        self._kept: tuple[StepView, Floats, StepLoss] | None = None
        self._state_before = balancer.state
        self._rng = rng
        self._total_steps = course.steps
        self._blind_left = 2
        self._repeated_layer = int(rng.integers(balancer.num_layers))

    def after(self, step: int, view: StepView, found: StepLoss) -> None:
        """Called after each step.

        Raises:
            CandidateFailure: Loaded anew, and given an earlier step again, the program answers otherwise.
        """
        if step == self._asked_step:
            self._kept = view, self._state_before, found
        if step == self._repeated_step and self._kept is not None:
            earlier, state, first = self._kept
            again, _ = self._balancer.peek(earlier, self._asked_step, state, fresh=True)
            if not _same(again.grad_LMTE, first.grad_LMTE) or not _same(again.router_grad_LED, first.router_grad_LED):
                raise CandidateFailure(
                    Outcome.INVALID,
                    "loss gave another gradient for the same batch, step and state: what it remembers must be in "
                    "state, and randomness must come from b.gen",
                )
        self._state_before = self._balancer.state

    def training_select(self, logits_MTE: Floats, layer: int, step: int) -> Floats:
        """Selection scores in training; in one step, for one layer, asked of the program loaded anew as well.

        Raises:
            CandidateFailure: Loaded anew, the program selects otherwise.
        """
        scores = self._balancer.select(logits_MTE, layer, step, training=True)
        if step == self._repeated_step and layer == self._repeated_layer:
            again = self._balancer.select(logits_MTE, layer, step, training=True, fresh=True)
            if not np.array_equal(again, scores):
                raise CandidateFailure(
                    Outcome.INVALID,
                    "select gave other scores for the same batch, step and state: what it remembers must be in state, "
                    "and randomness must come from b.gen",
                )
        return scores

    def blind_select(self, logits_MTE: Floats, layer: int, step: int) -> Floats:
        """Selection scores on validation data. The tokens come in no order, so no scores can tell what follows one.

        Raises:
            CandidateFailure: In another order, and loaded anew, the program scores a token otherwise.
        """
        scores = self._shuffled(logits_MTE, layer, step, fresh=False)
        if step == self._total_steps and self._blind_left > 0:
            self._blind_left -= 1
            again = self._shuffled(logits_MTE, layer, step, fresh=True)
            if not np.allclose(again, scores, rtol=1e-4, atol=1e-6):
                raise CandidateFailure(
                    Outcome.INVALID,
                    "select looked ahead: with training=False the scores of a token changed with other tokens",
                )
        return scores

    def _shuffled(self, logits_MTE: Floats, layer: int, step: int, *, fresh: bool) -> Floats:
        tokens = logits_MTE.reshape(-1, logits_MTE.shape[-1])
        order = self._rng.permutation(len(tokens))
        asked = self._balancer.select(tokens[order].reshape(logits_MTE.shape), layer, step, training=False, fresh=fresh)
        scores = np.empty_like(tokens)
        scores[order] = asked.reshape(tokens.shape)
        return scores.reshape(logits_MTE.shape)


def probe(balancer: Balancer, shape: Shape, course: Course, seed: int) -> None:
    """Losses on made-up logits and with the experts in another order, before the training.

    Args:
        balancer: At its first state.
        shape: Of the model.
        course: Of the training.
        seed: Of the made-up logits.

    Raises:
        CandidateFailure: A loss or gradient that is not finite, or experts that are not treated alike.
    """
    rng = np.random.default_rng([seed, 2])
    tokens = course.sequences_per_micro_batch * shape.context
    logits = rng.standard_normal((shape.num_layers, 1, tokens, shape.num_experts), dtype=np.float32)
    router = rng.standard_normal((shape.num_layers, shape.num_experts, shape.d_model), dtype=np.float32)
    for scale in _PROBE_SCALES:
        view = _made_view(balancer, logits * np.float32(scale), router, shape.top_k)
        found, _ = balancer.peek(view, 0, balancer.state)
        if scale == 1.0:
            order = _other_order(shape, rng)
            turned = _made_view(balancer, logits[..., order], router[:, order], shape.top_k)
            again, _ = balancer.peek(turned, 0, balancer.state)
            _require_alike(_permuted(found.grad_LMTE, order, axis=-1), again.grad_LMTE)
            _require_alike(_permuted(found.router_grad_LED, order, axis=-2), again.router_grad_LED)
    if balancer.selects:
        _probe_selection(balancer, logits, shape, rng)


def _probe_selection(balancer: Balancer, logits: Floats, shape: Shape, rng: np.random.Generator) -> None:
    layer, order = int(rng.integers(shape.num_layers)), _order_for_selection(shape, rng)
    found = balancer.select(logits[layer], layer, 0, training=False)
    again = balancer.select(np.ascontiguousarray(logits[layer][..., order]), layer, 0, training=False)
    if not np.allclose(again, found[..., order], rtol=_TOLERANCE, atol=_LEAST_GRADIENT):
        raise CandidateFailure(
            Outcome.INVALID, "select must treat all experts alike: with the experts in another order the scores changed"
        )


def _made_view(balancer: Balancer, logits: Floats, router: Floats, top_k: int) -> StepView:
    chosen = np.argsort(-logits, axis=-1, kind="stable")[..., :top_k]
    return StepView(
        logits_LMTE=np.ascontiguousarray(logits),
        chosen_LMTK=chosen.astype(np.int16),
        selection_LMTE=np.ascontiguousarray(logits) if balancer.selects else None,
        router_LED=np.ascontiguousarray(router),
    )


def _other_order(shape: Shape, rng: np.random.Generator) -> Indices:
    """Experts in another order in which those of a device stay together; null experts keep their places."""
    device = device_of_expert(shape.working_experts)
    members = [rng.permutation(np.flatnonzero(device == d)) for d in range(int(device.max()) + 1)]
    alike = len({len(group) for group in members}) == 1
    places = rng.permutation(len(members)) if alike and not shape.null_experts else np.arange(len(members))
    return np.concatenate([*(members[place] for place in places), np.arange(len(device), shape.num_experts)])


def _order_for_selection(shape: Shape, rng: np.random.Generator) -> Indices:
    """Another order that also keeps each k-th of the experts together, as a rule with k groups of neighbours needs."""
    E, working = shape.num_experts, shape.working_experts  # noqa: N806
    group = E // shape.top_k if E % shape.top_k == 0 else E
    size = working // (int(device_of_expert(working).max()) + 1)  # experts of a device
    order = np.arange(E)
    for start in range(0, E, group):
        first, last = -(-start // size), min(start + group, working) // size  # the devices wholly inside
        places = np.arange(first, last) if shape.null_experts else rng.permutation(np.arange(first, last))
        members = [rng.permutation(np.arange(size)) + size * place for place in places]
        if members:
            order[first * size : last * size] = np.concatenate(members)
    if not shape.null_experts and group % size == 0:
        order = order.reshape(-1, group)[rng.permutation(E // group)].ravel()
    return order


def _permuted(grad: Floats | None, order: Indices, axis: int) -> Floats | None:
    return None if grad is None else np.take(grad, order, axis=axis)


def _same(one: Floats | None, other: Floats | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)


def _require_alike(before: Floats | None, after: Floats | None) -> None:
    """`before` in the order of `after`."""
    if before is None and after is None:
        return
    expected = np.float32(0.0) if before is None else before
    found = np.float32(0.0) if after is None else after
    scale = max(float(np.abs(expected).max()), _LEAST_GRADIENT)
    if float(np.abs(found - expected).max()) > _TOLERANCE * scale:
        raise CandidateFailure(
            Outcome.INVALID, "loss must treat all experts alike: with the experts in another order the gradient changed"
        )
