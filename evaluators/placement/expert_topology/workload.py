"""Drawn routing: tokens with topics, layers with popular experts, and experts that follow one another.

Shapes: T tokens, L layers, K experts per token, E experts, G GPUs, Z topics, F successors of an expert.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Floats
from evaluators.placement.expert_topology.journey import Routing
from evaluators.placement.expert_topology.traffic import Whole

RANK_DECAY = 0.5  # a successor's boost, from each next choice of the layer before


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A kind of routing. Strengths are standard deviations of, or additions to, an expert's log weight."""

    name: str
    popularity: float = 0.6  # differences between experts, alike for all tokens
    topical: float = 0.6  # differences between topics
    topics: int = 8
    boost: float = 2.0  # of an expert that follows one chosen in the layer before
    fanout: int = 1  # experts that follow each, drawn without order; with `clan` not used
    clan: int = 0  # experts in a clan: all of a clan follow all of one clan of the layer before; 0: no clans
    locality: float = 0.3  # share of a GPU's tokens with topics of its own
    shift: float = 0.0  # share of the topics of a GPU that are others when the placement serves
    drift: float = 0.0  # change of popularity until then
    spare: float = 0.0  # spare slots over experts


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceShape:
    """How much is traced."""

    layers: int
    experts: int
    top_k: int
    gpus: int
    shown: int  # tokens that a program sees
    iterations: int
    per_iteration: int  # tokens of each iteration that is scored

    @property
    def scored(self) -> int:
        """Tokens over all scored iterations."""
        return self.iterations * self.per_iteration


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """What a program sees, and what it is scored on."""

    shown: Routing
    scored: Routing


def draw_workload(regime: Regime, shape: TraceShape, rng: np.random.Generator) -> Workload:
    """Two samples of one routing, the second after its shift and drift."""
    layers, experts = shape.layers, shape.experts
    popularity_LE = regime.popularity * rng.standard_normal((layers, experts))
    topical_LZE = regime.topical * rng.standard_normal((layers, regime.topics, experts))
    drift_LE = regime.drift * rng.standard_normal((layers, experts))
    successors_LEF = _successors(regime, layers, experts, rng)
    mix_GZ = _topic_mix(regime, shape.gpus, rng)
    later_GZ = (1 - regime.shift) * mix_GZ + regime.shift * _topic_mix(regime, shape.gpus, rng)
    now_LZE, later_LZE = popularity_LE[:, None] + topical_LZE, (popularity_LE + drift_LE)[:, None] + topical_LZE
    return Workload(
        _sample(now_LZE, successors_LEF, mix_GZ, regime.boost, shape, shape.shown, 1, rng),
        _sample(later_LZE, successors_LEF, later_GZ, regime.boost, shape, shape.per_iteration, shape.iterations, rng),
    )


def _successors(regime: Regime, layers: int, experts: int, rng: np.random.Generator) -> Whole:
    """The experts of layer l that follow each of layer l - 1, ``(L, E, F)``."""
    if not regime.clan:
        orders = [[rng.permutation(experts) for _ in range(regime.fanout)] for _ in range(layers)]
        return np.moveaxis(np.array(orders), 1, 2)
    size = math.gcd(regime.clan, experts)
    clans_LCF = np.stack([rng.permutation(experts).reshape(-1, size) for _ in range(layers)])
    clan_LE = np.empty((layers, experts), dtype=np.int64)
    np.put_along_axis(clan_LE, clans_LCF.reshape(layers, -1), np.repeat(np.arange(experts // size), size)[None], 1)
    followed: Whole = np.stack([clans_LCF[layer][clan_LE[layer - 1]] for layer in range(layers)])
    return followed


def dealt(tokens: int, gpus: int) -> Whole:
    """The GPU of each token's sequence: dealt out in turn, so that all have as many."""
    return (np.arange(tokens) % gpus).astype(np.int16)


def _topic_mix(regime: Regime, gpus: int, rng: np.random.Generator) -> Floats:
    """Shares of the topics among each GPU's tokens, ``(G, Z)``."""
    own = rng.dirichlet(np.full(regime.topics, 0.15), size=gpus)
    mixed: Floats = (1 - regime.locality) / regime.topics + regime.locality * own
    return mixed


def _sample(
    logits_LZE: Floats,
    successors_LEF: Whole,
    mix_GZ: Floats,
    boost: float,
    shape: TraceShape,
    tokens: int,
    iterations: int,
    rng: np.random.Generator,
) -> Routing:
    source_T = np.tile(dealt(tokens, shape.gpus), iterations)
    topic_T = (rng.random(source_T.size)[:, None] > mix_GZ.cumsum(axis=1)[source_T]).sum(axis=1)
    topic_T = np.minimum(topic_T, mix_GZ.shape[1] - 1)  # shares add to 1 but for rounding
    ids_TLK = np.empty((source_T.size, shape.layers, shape.top_k), dtype=np.int16)
    for layer, logits_ZE in enumerate(logits_LZE):
        waits_TE = rng.standard_exponential((source_T.size, shape.experts), dtype=np.float32)
        waits_TE /= np.exp(logits_ZE).astype(np.float32)[topic_T]
        if layer:
            _favour(waits_TE, successors_LEF[layer], ids_TLK[:, layer - 1], boost)
        ids_TLK[:, layer] = _smallest(waits_TE, shape.top_k)
    return Routing(ids_TLK=ids_TLK, source_T=source_T, iterations=iterations)


def _favour(waits_TE: npt.NDArray[np.float32], successors_EF: Whole, before_TK: Whole, boost: float) -> None:
    """The successors of what was chosen before wait less: whoever waits least is chosen first."""
    rows = np.arange(len(waits_TE))
    for rank in range(before_TK.shape[1]):
        factor = math.exp(-boost * RANK_DECAY**rank)
        for column in successors_EF[before_TK[:, rank]].T:
            waits_TE[rows, column] *= np.float32(factor)


def _smallest(waits_TE: npt.NDArray[np.float32], count: int) -> Whole:
    """The `count` columns of the smallest values, smallest first."""
    if count == 1:
        least: Whole = waits_TE.argmin(axis=1)[:, None]
        return least
    found = np.argpartition(waits_TE, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(waits_TE, found, axis=1), axis=1)
    nearest: Whole = np.take_along_axis(found, order, axis=1)
    return nearest
