"""What the stages of a generated pipeline take and hold: a transformer's layers, spread over stages, with its ends.

A layer whose forward pass takes 1, a share a of it attention, takes ``1 - a + 2 a`` for the gradient of its input
(attention's is twice its forward) and ``1 - a`` for that of its weights (attention has none). Every constant is of the
order that is published; none was measured.

Shapes: K kinds of passes, S stages, D devices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.scheduling.pipeline_schedule.pipeline import Ints, Pipeline
from evaluators.scheduling.pipeline_schedule.placements import Placement, device_of_stages

Floats = npt.NDArray[np.float64]
Range = tuple[float, float]
LAYER_US = 1000.0  # forward, times the layers of a stage
LAYER_MB = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """How stages differ; ranges are drawn from once for each pipeline."""

    layers: Range = (2.0, 6.0)  # of a device, over all its stages
    attention: Range = (0.1, 0.4)  # share of a layer's forward
    kept: Range = (0.55, 0.9)  # of an activation, from its input gradient to its weight gradient
    embedding: Range = (0.0, 0.3)  # what the first stage has besides, in layers
    head: Range = (0.0, 0.5)  # what the last stage has besides, in layers
    jitter: float = 0.03  # relative spread between stages
    speeds: float = 0.0  # relative spread between devices, and of their memory
    link: Range = (0.01, 0.06)  # of a stage's mean forward
    links: float = 0.0  # share of the links that are five times as slow
    recomputed: float = 0.0  # share of the stages that hold little and run their forward again before going back
    encoder: float = 0.0  # share of the stages, the first, that have other layers whose weights are frozen
    fused: bool = False  # whether the backward pass is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many of everything, and where."""

    devices: int
    chunks: int
    placement: Placement
    micro_batches: int
    memory: float  # of a device, in activations of D micro-batches on an average device: 1 is what 1F1B holds


def draw_pipeline(model: Model, shape: Shape, rng: np.random.Generator) -> Pipeline:
    """A pipeline of this shape."""
    device_S = device_of_stages(shape.placement, shape.devices, shape.chunks)
    work_KS, size_S, kept = _stages(model, shape, rng)
    times_KS = LAYER_US * work_KS * _spread(rng, shape.devices, model.speeds)[device_S]
    slow_S = np.where(rng.random(len(device_S)) < model.links, 5.0, 1.0)
    link_S = times_KS[0].mean() * rng.uniform(*model.link) * slow_S
    activation_S = np.ceil(LAYER_MB * size_S).astype(np.int64)
    return Pipeline(
        micro_batches=shape.micro_batches,
        device_S=device_S,
        forward_us_S=_whole(times_KS[0]),
        input_us_S=_whole(times_KS[1]),
        weight_us_S=_whole(times_KS[2]),
        activation_mb_S=activation_S,
        kept_mb_S=np.floor(kept * activation_S * (work_KS[2] > 0)).astype(np.int64),
        link_us_S=links_between(device_S, _whole(link_S)),
        capacity_mb_D=capacities(device_S, activation_S, shape.memory * _spread(rng, shape.devices, model.speeds)),
    )


def _stages(model: Model, shape: Shape, rng: np.random.Generator) -> tuple[Floats, Floats, float]:
    """``(K, S)`` times and ``(S,)`` sizes of the stages, in layers, and the share that is kept."""
    count = shape.devices * shape.chunks
    layers = rng.uniform(*model.layers) / shape.chunks
    attention, kept = rng.uniform(*model.attention), rng.uniform(*model.kept)
    size = layers * _spread(rng, count, model.jitter)
    work = np.stack([size, size * (1 + attention), size * (1 - attention)])
    head, embedding = rng.uniform(*model.head), rng.uniform(*model.embedding)
    work[:, -1] += head
    size[-1] += head
    work[:, 0] += np.array([0.3, 0.0, 1.0]) * embedding
    work[:, : round(model.encoder * count)] *= np.array([[1.6], [1.6], [0.0]])
    again = rng.random(count) < model.recomputed
    work[1] += np.where(again, work[0], 0.0)
    if model.fused:
        work, kept = np.stack([work[0], work[1] + work[2], np.zeros(count)]), 0.0
    return work, np.where(again, 0.2 * size, size), kept


def links_between(device_S: Ints, link_us_S: Ints) -> Ints:
    """``(S,)`` times from each stage to the next: none on one device, and none behind the last."""
    stays_S = np.append(device_S[1:] == device_S[:-1], True)
    return np.asarray(np.where(stays_S, 0, link_us_S), dtype=np.int64)


def capacities(device_S: Ints, activation_mb_S: Ints, memory_D: Floats) -> Ints:
    """``(D,)`` MB: of the activations of D micro-batches on an average device so much, and one micro-batch at least."""
    whole_D = np.bincount(device_S, weights=activation_mb_S)
    capacity_D = np.maximum(np.round(memory_D * len(whole_D) * whole_D.mean()), whole_D)
    return np.asarray(capacity_D, dtype=np.int64)


def _spread(rng: np.random.Generator, count: int, relative: float) -> Floats:
    return rng.lognormal(0.0, relative, count)


def _whole(times: Floats) -> Ints:
    return np.round(times).astype(np.int64)
