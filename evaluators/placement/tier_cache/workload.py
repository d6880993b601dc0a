"""Draws traces: sequences of tokens, and for each the experts that every layer's router chooses.

Shapes: S steps, B tokens side by side, L layers, E experts, K of them per token, R earlier sequences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from evaluators.placement.tier_cache.patterns import Pattern
from evaluators.placement.tier_cache.system import Bools, Floats, System, Trace

Number = TypeVar("Number", np.float32, np.int32)

HISTORY = 12  # sequences before the first
HISTORY_STEPS = 24  # of each
_HALVINGS = 14  # of the interval in which a hint's noise is looked for
_MOST_NOISE = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """One model: what its experts are for."""

    popularity_LE: Floats
    topics_DLE: Floats
    follower_LE: npt.NDArray[np.int64]  # the expert of the next layer that each points to

    @classmethod
    def draw(cls, pattern: Pattern, layers: int, experts: int, rng: np.random.Generator) -> Router:
        """A model of this shape."""
        return cls(
            _normal(rng, pattern.popularity, layers, experts),
            _normal(rng, pattern.topic, pattern.domains, layers, experts),
            np.stack([rng.permutation(experts) for _ in range(layers)]),
        )


def draw_trace(pattern: Pattern, system: System, steps: int, hint: float, rng: np.random.Generator) -> Trace:
    """A trace of `steps` steps; `hint` is the share of the next layer's choices that a hint has among its first K.

    No hint is given for 0, and none from the last layer to the next step, whose token is not known yet.
    """
    router = Router.draw(pattern, system.layers, system.experts, rng)
    logits_SBLE, fresh_S = _logits(pattern, router, system.tokens, steps, system.top_k, rng)
    chosen_SBLE = top_k(logits_SBLE, system.top_k)
    history_RLE = _history(pattern, router, system.top_k, rng)
    hints_SLE = _hints(logits_SBLE, chosen_SBLE, hint, system.top_k, rng)  # last: they change nothing else
    return Trace(
        tokens_NE=_events(chosen_SBLE.sum(axis=1, dtype=np.int32)),
        probabilities_NE=_events(_softmax(logits_SBLE).mean(axis=1)),
        hints_NE=_events(hints_SLE),
        fresh_N=np.repeat(fresh_S, system.layers),
        history_RLE=history_RLE,
    )


def top_k(logits: Floats, k: int) -> Bools:
    """Which experts (last axis) are among the `k` highest."""
    chosen = np.zeros(logits.shape, dtype=bool)
    np.put_along_axis(chosen, np.argpartition(-logits, k - 1, axis=-1)[..., :k], True, axis=-1)
    return chosen


def _logits(
    pattern: Pattern, router: Router, tokens: int, steps: int, k: int, rng: np.random.Generator
) -> tuple[Floats, Bools]:
    """``(S, B, L, E)``, and the steps in which a sequence begins. All tokens' sequences begin together."""
    layers, experts = router.popularity_LE.shape
    shape = (tokens, layers, experts)
    noise_BLE, own_BLE, topic_BLE = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    logits_SBLE = np.empty((steps, *shape), dtype=np.float32)
    fresh_S = np.arange(steps) % pattern.steps == 0
    for step in range(steps):
        if fresh_S[step]:
            topic_BLE = router.topics_DLE[rng.integers(pattern.domains, size=tokens)]
            own_BLE = _normal(rng, pattern.sequence, *shape)
            noise_BLE = _normal(rng, pattern.token, *shape)
        noise_BLE = _moved(noise_BLE, pattern.memory, pattern.token, rng)
        if pattern.drift:
            own_BLE = _moved(own_BLE, 1 - pattern.drift, pattern.sequence, rng)
        logits_SBLE[step] = router.popularity_LE + topic_BLE + own_BLE + noise_BLE
    if pattern.chain:
        _chain(logits_SBLE, router, pattern.chain, k)
    return logits_SBLE, fresh_S


def _chain(logits_SBLE: Floats, router: Router, boost: float, k: int) -> None:
    for layer in range(1, logits_SBLE.shape[2]):
        chosen_SBE = top_k(logits_SBLE[:, :, layer - 1], k)
        logits_SBLE[:, :, layer, router.follower_LE[layer - 1]] += boost * chosen_SBE.astype(np.float32)


def _moved(value: Floats, memory: float, deviation: float, rng: np.random.Generator) -> Floats:
    """One step of an autoregression that keeps its standard deviation."""
    fresh = np.sqrt(1 - memory**2, dtype=np.float32) * _normal(rng, deviation, *value.shape)
    moved: Floats = memory * value + fresh
    return moved


def _history(pattern: Pattern, router: Router, k: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Tokens per expert of earlier sequences, ``(R, L, E)``."""
    logits_SRLE, _ = _logits(pattern, router, HISTORY, min(HISTORY_STEPS, pattern.steps), k, rng)
    history_RLE: npt.NDArray[np.int32] = top_k(logits_SRLE, k).sum(axis=0, dtype=np.int32)
    return history_RLE


def _hints(logits_SBLE: Floats, chosen_SBLE: Bools, hint: float, k: int, rng: np.random.Generator) -> Floats:
    """``(S, L, E)``: at layer l what is predicted of layer l + 1, mean over the tokens."""
    steps, _, layers, experts = logits_SBLE.shape
    told_SLE = np.zeros((steps, layers, experts), dtype=np.float32)
    if hint > 0 and layers > 1:
        next_SBLE, truth_SBLE = logits_SBLE[:, :, 1:], chosen_SBLE[:, :, 1:]
        noise_SBLE = _normal(rng, 1.0, *next_SBLE.shape)
        noisy_SBLE = next_SBLE + _noise_for(hint, next_SBLE, noise_SBLE, truth_SBLE, k) * noise_SBLE
        told_SLE[:, :-1] = _softmax(noisy_SBLE).mean(axis=1)
    return told_SLE


def _noise_for(hint: float, logits: Floats, noise: Floats, truth: Bools, k: int) -> np.float32:
    """The noise with which the first `k` have the wanted share of the truth."""
    low, high = 0.0, _MOST_NOISE
    some = slice(None, None, max(1, len(logits) // 16))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = top_k(logits[some] + np.float32(middle) * noise[some], k) & truth[some]
        low, high = (middle, high) if found.sum() > hint * truth[some].sum() else (low, middle)
    return np.float32(high if hint < 1 else 0.0)


def _events(values_SLE: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """``(S * L, E)``, one row per event."""
    return values_SLE.reshape(-1, values_SLE.shape[-1])


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def _normal(rng: np.random.Generator, deviation: float, *shape: int) -> Floats:
    return np.float32(deviation) * rng.standard_normal(shape, dtype=np.float32)
