"""On which device each stage is, for the placements that training systems use.

Shapes: S stages.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from evaluators.scheduling.pipeline_schedule.pipeline import Ints


class Placement(StrEnum):
    """How the stages go over the devices when there are several on each."""

    LOOP = "loop"  # 0 1 2 3 0 1 2 3: interleaved, after Narayanan et al. 2021
    WAVE = "wave"  # 0 1 2 3 3 2 1 0: the V of Qi et al. 2024; and on, 0 1 2 3: the waves of Liu et al., Hanayo, 2023


def device_of_stages(placement: Placement, devices: int, chunks: int) -> Ints:
    """``(S,)`` the device of each of `devices * chunks` stages."""
    there = np.arange(devices)
    turns = [there[::-1] if placement is Placement.WAVE and chunk % 2 else there for chunk in range(chunks)]
    return np.concatenate(turns).astype(np.int64)
