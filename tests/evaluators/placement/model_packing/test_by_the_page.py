"""Validity and room of placements, part by part from the page's rules."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.model_packing.cluster import Cluster, Ints
from evaluators.placement.model_packing.placement import fault
from tests.evaluators.placement.model_packing.clusters import random_cluster


def room_by_hand(cluster: Cluster, gpu_N: Ints) -> float | None:
    """The least room; None of a placement that breaks a rule."""
    gpus, parts = range(cluster.num_gpus), range(cluster.num_parts)
    if any(gpu not in gpus for gpu in gpu_N.tolist()):
        return None
    on = [[part for part in parts if gpu_N[part] == gpu] for gpu in gpus]
    left = [part for part in parts if cluster.home_N[part] >= 0 and gpu_N[part] != cluster.home_N[part]]
    if math.fsum(cluster.size_N[left]) > cluster.budget_gb + 1e-9:
        return None
    rooms = [math.inf]
    for gpu, held in enumerate(on):
        free = cluster.memory_G[gpu] - math.fsum(cluster.size_N[part] for part in held)
        if free < -1e-9 or len({int(cluster.model_N[part]) for part in held}) < len(held):
            return None
        if held:
            rooms.append(max(free, 0.0) / math.fsum(cluster.rate_N[part] / cluster.slo_N[part] for part in held))
    return min(rooms)


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32 - 1), gpus=st.integers(1, 5), models=st.integers(1, 8), homes=st.booleans())
def test_placements_are_judged_as_the_rules_say(seed: int, gpus: int, models: int, homes: bool) -> None:
    rng = np.random.default_rng(seed)
    cluster = random_cluster(rng, gpus=gpus, models=models, homes=homes)
    for _ in range(30):
        gpu_N = rng.integers(-1 if rng.random() < 0.1 else 0, gpus + (rng.random() < 0.1), cluster.num_parts)
        by_hand = room_by_hand(cluster, gpu_N)
        assert (fault(cluster, gpu_N) == "") == (by_hand is not None)
        if by_hand is not None:
            assert cluster.room(gpu_N) == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
