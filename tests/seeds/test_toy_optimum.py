"""Planners against the exact optimum of layers with a handful of experts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.seeds.test_expert_replication import PROGRAMS, TOY, busiest
from tests.seeds.toy_optimum import least_peak


def test_optimum_of_layers_that_are_solved_by_hand() -> None:
    assert least_peak(np.array([4.0, 1.0, 1.0]), gpus=2, slots_per_gpu=2) == pytest.approx(3.0)
    assert least_peak(np.array([6.0, 2.0, 2.0, 2.0]), gpus=2, slots_per_gpu=2) == pytest.approx(8.0)
    assert least_peak(np.array([9.0, 3.0]), gpus=2, slots_per_gpu=2) == pytest.approx(6.0)


@pytest.mark.parametrize(("experts", "gpus", "slots"), [(6, 4, 2), (8, 4, 3), (5, 3, 2), (9, 3, 4)])
def test_no_planner_beats_the_optimum_and_swaps_come_near_it(experts: int, gpus: int, slots: int) -> None:
    loads = np.random.default_rng(experts).lognormal(0.0, 1.0, (1, experts))
    best = least_peak(loads[0], gpus, slots)
    repaired = PROGRAMS["eplb_global"]._repair
    eplb = repaired(PROGRAMS["eplb_global"].eplb_global(loads, gpus * slots, gpus), loads, gpus)
    polished = PROGRAMS["lpt_swap"].polish(eplb, loads, gpus)
    peaks = [busiest(plan, loads, gpus) for plan in (eplb, polished)]
    assert best <= peaks[1] * (1 + 1e-9) <= peaks[0] * (1 + 2e-9)
    assert peaks[1] < 1.3 * best


@pytest.mark.slow
def test_optimum_of_flashlbs_example() -> None:
    assert least_peak(TOY[0], gpus=8, slots_per_gpu=2) == pytest.approx(590 / 3)
