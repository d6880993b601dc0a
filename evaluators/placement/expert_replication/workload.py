"""Drifting expert loads, calibrated to published statistics of DeepSeek-R1 (TensorRT-LLM blog 4).

Each expert's popularity is a mixture over domains of requests plus a slow random walk of its logit:
``logit[d, l, e] = skew_l (sqrt(rho) a[l, e] + sqrt(1 - rho) b[d, l, e]) + group[l, e] + walk_t[l, e]`` with a and b
heavy-tailed, and ``p = sum_d w_t[d] softmax(logit[d])``. Tokens of one request choose alike, so counts are
Dirichlet-multinomial, not multinomial. Fitted: expert CV 1.28, busiest expert 10.95 times over the mean, GPU (EP32) CV
0.48 and 1.56. A regime says how the weights and the walk move; times are in windows.

Shapes: W windows, I iterations kept per window, L layers, E experts, D domains, R routing groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Floats

DOMAINS = 6
TAIL = 6  # degrees of freedom of the popularity logits
SHARED = 0.45  # rho: the part of the popularity that all domains share
GROUP_SD = 0.15
LAYER_RAMP = 0.25  # deeper layers are more skewed
LAYER_SD = 0.25
DOMAIN_SD = 1.0  # of the domain weights' logits
ACTIVE_BOOST = 4.0  # logit of the domain that a recurring phase or a burst brings
REQUEST_CORRELATION = 3.0  # tokens that choose alike: concentration = choices / this
MOST_LIKELY = 0.9  # a token picks an expert at most once
RECENT_ITERATIONS = 5  # that a forecast for the next one looks at (Hecate, arXiv 2502.02581)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """How the load of a scenario moves; durations are in windows, 0 is never."""

    name: str
    walk_sd: float = 0.25
    walk_half_life: float = 30.0
    window_sd: float = 0.0  # of a logit's noise that is new in every window
    domain_time: float = 30.0  # correlation time of the domain weights
    jump_every: int = 0  # new domain weights
    alternate_every: int = 0  # two domains take turns, each this long
    burst_chance: float = 0.0  # of a window with a domain of its own
    trend_sd: float = 0.0  # drift of each logit per window, the same way all along
    quiet_share: float = 1.0  # every other window has this share of the tokens
    token_share: float = 1.0  # tokens, compared with the service's
    skew: float = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShape:
    """Size of the loads to draw."""

    layers: int
    experts: int
    top_k: int
    groups: int
    tokens: int  # per iteration
    iterations_per_window: int
    kept_iterations: int
    warmup: int  # windows before the first plan
    scored: int

    @property
    def windows(self) -> int:
        """All windows."""
        return self.warmup + self.scored


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """What happened. The first plan sees the first `warmup` windows and serves the next one."""

    totals_WLE: npt.NDArray[np.int64]  # tokens per window
    iterations_WILE: npt.NDArray[np.int32]  # a few single iterations of each window, in order of time
    warmup: int
    recent_WILE: npt.NDArray[np.float16]  # of scored windows: the iterations just before each kept one, mean load = 1

    @property
    def scored(self) -> int:
        """Windows that are served under a plan."""
        return len(self.totals_WLE) - self.warmup


def draw_workload(regime: Regime, shape: LoadShape, rng: np.random.Generator) -> Workload:
    """Loads of `shape.windows` windows; the same generator state gives the same loads."""
    popularity_DLE = _popularity(regime, shape, rng)
    weights_WD = _domain_weights(regime, shape.windows, rng)
    trend_LE: Floats = regime.trend_sd * rng.standard_normal((shape.layers, shape.experts))
    walk = _Walk(regime, shape, rng)
    totals, iterations, recent = [], [], []
    forecaster = rng.spawn(1)[0]  # a stream of its own: other loads stay what they were without forecasts
    before_LE: Floats | None = None
    for window, weights_D in enumerate(weights_WD):
        logits_ILE = walk.next_window() + trend_LE * (window - shape.warmup)
        chances_ILE = _chances(popularity_DLE, weights_D, logits_ILE, shape.top_k)
        quiet = regime.quiet_share if window % 2 else 1.0
        choices = max(1, round(shape.tokens * regime.token_share * quiet)) * shape.top_k
        totals.append(_counts(chances_ILE.mean(axis=0), choices * shape.iterations_per_window, rng))
        iterations.append(np.minimum(_counts(chances_ILE, choices, rng), choices // shape.top_k))
        if before_LE is not None and window >= shape.warmup:
            recent.append(_recent(before_LE, chances_ILE, choices, shape, forecaster))
        before_LE = chances_ILE[-1]
    return Workload(np.stack(totals), np.stack(iterations).astype(np.int32), shape.warmup, np.stack(recent))


def _popularity(regime: Regime, shape: LoadShape, rng: np.random.Generator) -> Floats:
    """Choice weights of each domain before drift, ``(D, L, E)``, largest 1 in each layer."""
    num_layers, num_experts = shape.layers, shape.experts
    unit = np.sqrt((TAIL - 2) / TAIL)
    shared = rng.standard_t(TAIL, (num_layers, num_experts)) * unit
    own = rng.standard_t(TAIL, (DOMAINS, num_layers, num_experts)) * unit
    depth = np.linspace(-LAYER_RAMP, LAYER_RAMP, num_layers) + LAYER_SD * rng.standard_normal(num_layers)
    group = GROUP_SD * rng.standard_normal((num_layers, shape.groups))
    mixed = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
    logits = regime.skew * np.exp(depth)[:, None] * mixed + np.repeat(group, num_experts // shape.groups, axis=1)
    weights: Floats = np.exp(logits - logits.max(axis=2, keepdims=True))
    return weights


def _domain_weights(regime: Regime, num_windows: int, rng: np.random.Generator) -> Floats:
    """Share of each domain in each window, ``(W, D)``."""
    keep = np.exp(-1.0 / regime.domain_time) if regime.domain_time else 1.0
    state = rng.standard_normal(DOMAINS)
    logits = np.empty((num_windows, DOMAINS))
    for window in range(num_windows):
        jump = regime.jump_every and window and window % regime.jump_every == 0
        memory = 0.0 if jump else keep
        state = memory * state + np.sqrt(1 - memory**2) * rng.standard_normal(DOMAINS)
        logits[window] = DOMAIN_SD * state
        logits[window, _active_domains(regime, window, rng)] += ACTIVE_BOOST
    weights: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _active_domains(regime: Regime, window: int, rng: np.random.Generator) -> list[int]:
    """The domain that stands out in this window, if one does."""
    if regime.alternate_every:
        return [window // regime.alternate_every % 2]
    if regime.burst_chance and rng.random() < regime.burst_chance:
        return [int(rng.integers(DOMAINS))]
    return []


class _Walk:
    """Mean-reverting random walk of every expert's logit, a few steps per window."""

    def __init__(self, regime: Regime, shape: LoadShape, rng: np.random.Generator) -> None:
        self._rng = rng
        self._size = (shape.kept_iterations, shape.layers, shape.experts)
        self._sd, self._window_sd = regime.walk_sd, regime.window_sd
        self._keep = 0.5 ** (1.0 / (regime.walk_half_life * shape.kept_iterations))
        self._state = self._sd * rng.standard_normal(self._size[1:])

    def next_window(self) -> Floats:
        """``(I, L, E)``."""
        steps = self._rng.standard_normal(self._size) * (self._sd * np.sqrt(1 - self._keep**2))
        for step in steps:
            step += self._keep * self._state
            self._state = step
        noisy: Floats = steps + self._window_sd * self._rng.standard_normal(self._size[1:])
        return noisy


def _chances(popularity_DLE: Floats, weights_D: Floats, logits_ILE: Floats, top_k: int) -> Floats:
    """Chance that one choice is for each expert, ``(I, L, E)``."""
    drift = np.exp(logits_ILE)
    normaliser_ILD = np.einsum("dle,ile->ild", popularity_DLE, drift)
    chances = drift * np.einsum("dle,ild->ile", popularity_DLE, weights_D / normaliser_ILD)
    capped: Floats = np.minimum(chances, MOST_LIKELY / top_k)
    capped /= capped.sum(axis=2, keepdims=True)
    return capped


def _counts(chances: Floats, choices: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Dirichlet-multinomial counts along the last axis, adding to `choices`."""
    mixed = rng.standard_gamma(chances * (choices / REQUEST_CORRELATION)) + 1e-12
    mixed /= mixed.sum(axis=-1, keepdims=True)
    return rng.multinomial(choices, mixed)


def _recent(
    before_LE: Floats, chances_ILE: Floats, choices: int, shape: LoadShape, rng: np.random.Generator
) -> npt.NDArray[np.float16]:
    """Loads of the `RECENT_ITERATIONS` before each kept iteration, ``(I, L, E)``; see `relative`.

    A kept iteration is any of its stretch of the window, in which chances stay; the iterations before it reach into the
    stretch before, (R + 1) / 2 of R on average over places in a stretch and stretches of R and longer. A gamma variate
    with the mean and variance of Dirichlet-multinomial counts stands for their sum.
    """
    stretch = shape.iterations_per_window / shape.kept_iterations
    earlier = min(1.0, (RECENT_ITERATIONS + 1) / 2 / stretch)
    before_ILE = np.concatenate([before_LE[None], chances_ILE[:-1]])
    mean_ILE = RECENT_ITERATIONS * choices * (earlier * before_ILE + (1 - earlier) * chances_ILE)
    spread = 1.0 + REQUEST_CORRELATION
    return relative(spread * rng.standard_gamma(mean_ILE / spread))


def relative(loads: Floats) -> npt.NDArray[np.float16]:
    """Loads over their mean along the last axis; half precision is finer than the noise of a few iterations."""
    mean = np.maximum(loads.mean(axis=-1, keepdims=True), 1e-9)
    proportions: npt.NDArray[np.float16] = (loads / mean).astype(np.float16)
    return proportions
