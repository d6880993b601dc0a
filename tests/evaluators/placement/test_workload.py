from __future__ import annotations

import numpy as np
import pytest

from evaluators.placement.cost import Floats, per_part
from evaluators.placement.expert_replication.ranges import HOLDOUT_REGIMES, SEARCH_REGIMES, VALIDATION_REGIMES
from evaluators.placement.expert_replication.workload import LoadShape, Regime, draw_workload

DEEPSEEK = LoadShape(
    layers=58,
    experts=256,
    top_k=8,
    groups=8,
    tokens=32 * 1024,
    iterations_per_window=100,
    kept_iterations=2,
    warmup=2,
    scored=2,
)
SMALL = LoadShape(
    layers=4,
    experts=32,
    top_k=4,
    groups=4,
    tokens=1024,
    iterations_per_window=50,
    kept_iterations=3,
    warmup=4,
    scored=8,
)
REGIMES = {regime.name: regime for regime in SEARCH_REGIMES + VALIDATION_REGIMES + HOLDOUT_REGIMES}


def _excess(loads: Floats) -> float:
    mean = loads.mean(axis=-1)
    return float(((loads.max(axis=-1) - mean) / mean).mean())


def _variation(loads: Floats) -> float:
    return float((loads.std(axis=-1) / loads.mean(axis=-1)).mean())


def test_default_loads_are_as_skewed_as_published() -> None:
    """TensorRT-LLM blog 4: expert CV 1.28 and 10.95 above the mean, GPU (EP32) 0.48 and 1.564."""
    workloads = [draw_workload(REGIMES["slow"], DEEPSEEK, np.random.default_rng(seed)) for seed in range(3)]
    experts = np.concatenate([workload.iterations_WILE[:, 0].astype(np.float64) for workload in workloads])
    gpus = per_part(experts, 32)
    assert _variation(experts) == pytest.approx(1.28, rel=0.15)
    assert _excess(experts) == pytest.approx(10.95, rel=0.15)
    assert _variation(gpus) == pytest.approx(0.48, rel=0.15)
    assert _excess(gpus) == pytest.approx(1.564, rel=0.15)


@pytest.mark.parametrize("regime", REGIMES.values(), ids=REGIMES)
def test_counts_are_those_of_the_tokens(regime: Regime) -> None:
    workload = draw_workload(regime, SMALL, np.random.default_rng(1))
    assert workload.totals_WLE.shape == (12, 4, 32)
    assert workload.iterations_WILE.shape == (12, 3, 4, 32)
    tokens = SMALL.tokens * regime.token_share
    choices = np.where(np.arange(12) % 2, regime.quiet_share, 1.0) * tokens * SMALL.top_k
    assert (workload.totals_WLE.sum(axis=2) == (choices * 50)[:, None]).all()
    assert (workload.iterations_WILE.sum(axis=3) <= choices[:, None, None]).all()
    assert workload.iterations_WILE.max() <= tokens
    assert (workload.iterations_WILE >= 0).all()


def test_same_seed_same_loads() -> None:
    first, second, other = (draw_workload(REGIMES["burst"], SMALL, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first.totals_WLE == second.totals_WLE).all()
    assert (first.iterations_WILE == second.iterations_WILE).all()
    assert (first.totals_WLE != other.totals_WLE).any()


def _likeness(regime: Regime, lag: int) -> float:
    """Mean correlation of the loads of windows `lag` apart."""
    totals = [draw_workload(regime, SMALL, np.random.default_rng(seed)).totals_WLE for seed in range(8)]
    pairs = [(w[i].ravel(), w[i + lag].ravel()) for w in totals for i in range(len(w) - lag)]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def test_regimes_drift_in_their_order() -> None:
    likeness = [_likeness(REGIMES[name], 1) for name in ("stationary", "slow", "medium", "fast")]
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[0] > 0.99
    assert likeness[-1] < 0.9


def test_recurring_loads_are_more_like_those_two_windows_ago() -> None:
    assert _likeness(REGIMES["recurring"], 2) > 0.9 > _likeness(REGIMES["recurring"], 1)
    assert _likeness(REGIMES["weekly"], 4) > 0.9 > _likeness(REGIMES["weekly"], 2)
