"""Pipelines of a user's profile: as it is in the report split, with other times and sizes elsewhere.

Shapes: C columns of a profile, K kinds of passes, S stages, D devices.
"""

from __future__ import annotations

import numpy as np

from evaluators.contract import Split
from evaluators.problem import Settings
from evaluators.scheduling.pipeline_schedule.parameters import MIXED
from evaluators.scheduling.pipeline_schedule.pipeline import Pipeline
from evaluators.scheduling.pipeline_schedule.placements import Placement, device_of_stages
from evaluators.scheduling.pipeline_schedule.profile import Profile
from evaluators.scheduling.pipeline_schedule.stages import capacities, links_between

RECORDED = "recorded"
NOISE = 0.03  # relative: times of a stage from one instance to the next
MEMORY = {Split.SEARCH: (1.0, 1.5, 0.7), Split.VALIDATION: (1.0, 1.5, 0.7), Split.HOLDOUT: (1.2, 0.85, 2.0)}
BATCHES = {Split.SEARCH: (3, 2, 4), Split.VALIDATION: (3, 2, 4), Split.HOLDOUT: (5, 2, 3)}  # over devices
REPORT_BATCHES = 4


def recorded_shape(profile: Profile, settings: Settings) -> tuple[int, int]:
    """Devices and stages on each: as told, else every layer is a stage."""
    chunks = int(settings.get("chunks", 0)) or 1
    return int(settings.get("devices", 0)) or profile.layers // chunks, chunks


def recorded_pipeline(
    profile: Profile, index: int, split: Split, settings: Settings, rng: np.random.Generator
) -> Pipeline:
    """The `index`-th pipeline of a split."""
    devices, chunks = recorded_shape(profile, settings)
    told = str(settings.get("placement", MIXED))
    device_S = device_of_stages(Placement.LOOP if told == MIXED else Placement(told), devices, chunks)
    stages_CS = profile.stages_CS(devices * chunks)
    if str(settings.get("backward", MIXED)) == "fused":
        stages_CS = np.stack(
            [stages_CS[0], stages_CS[1] + stages_CS[2], 0 * stages_CS[2], stages_CS[3], 0 * stages_CS[4]]
        )
    report = split is Split.REPORT
    times_KS = stages_CS[:3] if report else stages_CS[:3] * rng.lognormal(0.0, NOISE, (3, devices * chunks))
    batches = REPORT_BATCHES if report else BATCHES[split][index % len(BATCHES[split])]
    memory = 1.0 if report else MEMORY[split][index // len(BATCHES[split]) % len(MEMORY[split])]
    activation_S = np.ceil(stages_CS[3]).astype(np.int64)
    memory_D = np.full(devices, float(settings.get("memory", 0.0)) or memory)
    link_S = np.full(devices * chunks, max(int(settings.get("link_us", -1)), 0), dtype=np.int64)
    capacity = int(settings.get("capacity_mb", 0))
    times_KS = np.where(stages_CS[:3] > 0, np.maximum(np.round(times_KS), 1), 0).astype(np.int64)
    return Pipeline(
        micro_batches=int(settings.get("micro_batches", 0)) or batches * devices,
        device_S=device_S,
        forward_us_S=times_KS[0],
        input_us_S=times_KS[1],
        weight_us_S=times_KS[2],
        activation_mb_S=activation_S,
        kept_mb_S=np.floor(stages_CS[4]).astype(np.int64),
        link_us_S=links_between(device_S, link_S),
        capacity_mb_D=np.full(devices, capacity) if capacity else capacities(device_S, activation_S, memory_D),
    )
