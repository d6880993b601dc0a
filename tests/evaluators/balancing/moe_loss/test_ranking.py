"""The ranking that the score must give at `quick`; minutes long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.contract import Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.balancing.moe_loss.losses import in_process

BASELINES = Path(__file__).parents[4] / "seeds" / "moe_loss" / "baselines"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["none", "micro_batch_lbl", "controls/entropy_maximisation"])
def test_what_balances_badly_or_too_strictly_ranks_below_the_reference(name: str) -> None:
    pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")
    source = (BASELINES / f"{name}.py").read_text(encoding="utf-8")
    seeds = SeedSource(secret_from_seed(0), Split.SEARCH)
    results = [
        scenario.play(in_process(source), ClockPolicy()) for scenario in scenarios(Tier.QUICK, Split.SEARCH, {}, seeds)
    ]
    assert np.mean([result.counted_score for result in results]) < -0.005
    gain = float(np.mean([result.metrics["nats_gain"] for result in results]))
    assert (gain > 0.01) is (name != "micro_batch_lbl")  # cross-entropy alone would rank the others first
