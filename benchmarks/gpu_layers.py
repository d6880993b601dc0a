"""The items that time stages and whole layers. Imported in the worker only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from benchmarks.gpu_scale import Scale
from evaluators.kernels import stages, torch_stages
from evaluators.kernels.cases import Case, Popularity
from evaluators.kernels.cost_curve import time_stages
from evaluators.kernels.profiles import ExpertSize
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.stopwatches import device_state
from evaluators.kernels.tiles import Backward
from evaluators.kernels.workbench import Experts, timer_on

LINK_GB_S = 450.0  # NVLink 4, one direction, of an H200's datasheet: the all-to-all is modelled, never measured
SEED = 11
TRAIN_LAUNCHES = 20  # of a train that the host's clock spans


def stage_times(scale: Scale, shape: str, popularity: str) -> dict[str, Any]:
    """Every forward stage by itself, with even or skewed loads."""
    device, size = torch.device(scale.device_type), scale.shapes[shape]
    counts = loads(size, Popularity(popularity))
    timings = time_stages(timer_on(device, scale.effort), size, device, tuple(Stage), counts)
    return {
        "shape": asdict(size),
        "most_over_mean": max(counts) / (size.rows / size.experts),
        "timings": {stage.value: asdict(timing) for stage, timing in timings.items()},
        "state": _state(),
    }


def backward_times(scale: Scale, shape: str) -> dict[str, Any]:
    """The four grouped products of the backward pass."""
    device, size = torch.device(scale.device_type), scale.shapes[shape]
    inputs = stages.layer_inputs(size, device, SEED, loads(size, Popularity.EVEN))
    timer = timer_on(device, scale.effort)
    timings = {step.value: asdict(timer.time(stages.launch(step, inputs))) for step in Backward}
    return {"shape": asdict(size), "timings": timings, "state": _state()}


def layer_against(scale: Scale, shape: str, name: str, rival: str) -> dict[str, Any]:
    """Our whole layer and torch's in turns, and the host's time of ours; `rival` is ``grouped_mm`` or ``looped``."""
    device, size = torch.device(scale.device_type), scale.shapes[shape]
    inputs = stages.layer_inputs(size, device, SEED, loads(size, Popularity.EVEN))
    timer = timer_on(device, scale.effort)
    ours = stages.whole_layer(name, inputs)
    theirs = torch_stages.torch_whole_layer(name, inputs, looped=rival == "looped")
    found = timer.compare({"ours": ours, rival: theirs})
    train = 1 if scale.dry else TRAIN_LAUNCHES
    return {
        "shape": asdict(size),
        "timings": {who: asdict(timing) for who, timing in found.timings.items()},
        "ratio": found.ratios[rival],
        "ours_by_host_us": timer.per_call_us(ours, train),
        "state": _state(),
    }


def critical_path(scale: Scale, shape: str) -> dict[str, Any]:
    """Expert parallelism on one GPU: each group's experts timed apart, the slowest group decides.

    The all-to-all is modelled: the bytes of the busiest group, there and back, over its link.
    """
    device, size = torch.device(scale.device_type), scale.shapes[shape]
    expert = ExpertSize(width=size.width, expert_width=size.expert_width, dtype=size.dtype)
    by_load = {popularity: loads(size, popularity) for popularity in (Popularity.EVEN, Popularity.SKEWED)}
    per_group = size.experts // scale.groups
    most = max(sum(group) for counts in by_load.values() for group in _groups(counts, per_group))
    experts, timer = Experts.random(expert, per_group, most, device, SEED), timer_on(device, scale.effort)
    found = {}
    for popularity, counts in by_load.items():
        groups = _groups(counts, per_group)
        timings = [timer.time(experts.launch(group)) for group in groups]
        copies = max(sum(group) for group in groups) * (1 - 1 / scale.groups)
        found[popularity.value] = {
            "tokens": [sum(group) for group in groups],
            "group_us": [timing.median_us for timing in timings],
            "critical_us": max(timing.median_us for timing in timings),
            "mean_us": float(np.mean([timing.median_us for timing in timings])),
            "all_to_all_us_modelled": 2 * copies * size.width * 2 / (1e3 * LINK_GB_S),
        }
    return {"shape": asdict(size), "groups": scale.groups, "loads": found, "state": _state()}


def loads(shape: LayerShape, popularity: Popularity) -> list[int]:
    """Rows of each expert, drawn as a router with that popularity would: ragged even where it is even."""
    chosen = Case(name="", shape=replace(shape), popularity=popularity).draw(np.random.default_rng(SEED))
    return [int(count) for count in np.bincount(chosen.ravel(), minlength=shape.experts)]


def _groups(counts: Sequence[int], per_group: int) -> list[list[int]]:
    return [list(counts[first : first + per_group]) for first in range(0, len(counts), per_group)]


def _state() -> dict[str, float] | None:
    found = device_state()
    return None if found is None else asdict(found)
