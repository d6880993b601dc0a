from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from evaluators.placement.cost import Floats, Integers, per_part
from evaluators.placement.expert_replication.balanced_split import min_max_shares
from evaluators.placement.expert_replication.dispatch import at_slots, even_split, expert_sums
from evaluators.placement.expert_replication.system import System
from tests.evaluators.placement.scenes import a_system, draw_loads, draw_placement, systems


def busiest(loads_ILE: Floats, placement_LP: Integers, shares_ILP: Floats, num_gpus: int) -> Floats:
    busiest_IL: Floats = per_part(at_slots(loads_ILE, placement_LP) * shares_ILP, num_gpus).max(axis=2)
    return busiest_IL


def optimal_peak(loads_E: Floats, row_P: Integers, num_gpus: int) -> float:
    """The linear program itself: the last variable is the busiest GPU's load."""
    num_slots = row_P.size
    slots = np.arange(num_slots)
    shared = np.zeros((loads_E.size, num_slots + 1))
    shared[row_P, slots] = 1.0
    on_gpu = np.zeros((num_gpus, num_slots + 1))
    on_gpu[slots // (num_slots // num_gpus), slots] = 1.0
    on_gpu[:, -1] = -1.0
    objective = np.zeros(num_slots + 1)
    objective[-1] = 1.0
    solution = linprog(objective, on_gpu, np.zeros(num_gpus), shared, loads_E)
    assert solution.fun is not None
    return solution.fun


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_split_reaches_the_optimum_of_the_linear_program(system: System, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loads, placement = draw_loads(system, rng), draw_placement(system, rng)
    shares = min_max_shares(loads, placement, system.network.gpus)
    peaks = busiest(loads, placement, shares, system.network.gpus)
    for i, layer in np.ndindex(peaks.shape):
        best = optimal_peak(loads[i, layer], placement[layer], system.network.gpus)
        assert peaks[i, layer] == pytest.approx(best, rel=1e-6, abs=1e-6)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_split_is_a_split_and_no_worse_than_even(seed: int) -> None:
    system = a_system()
    rng = np.random.default_rng(seed)
    loads, placement = draw_loads(system, rng), draw_placement(system, rng)
    shares = min_max_shares(loads, placement, system.network.gpus)
    assert (shares >= 0).all()
    for share_LP in shares:
        assert expert_sums(share_LP, placement, system.experts) == pytest.approx(1.0)
    even = np.broadcast_to(even_split(placement, system.experts), shares.shape)
    exact_peaks = busiest(loads, placement, shares, system.network.gpus)
    assert (exact_peaks <= busiest(loads, placement, even, system.network.gpus) * (1 + 1e-6)).all()


def test_split_without_spare_copies_or_tokens_is_one() -> None:
    row = np.arange(16)[None]
    assert (min_max_shares(np.ones((1, 1, 16)), row, 4) == 1.0).all()
    twice = np.tile(np.arange(4), 2)[None]
    assert (min_max_shares(np.zeros((1, 1, 4)), twice, 2) == 0.5).all()
