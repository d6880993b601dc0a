"""Recorded routing: what a trace holds, and that the placement task reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="moe_loss trains with torch, which is not installed here")

from evaluators import registry
from evaluators.balancing.moe_loss.corpus import Mix
from evaluators.balancing.moe_loss.record import RoutingTrace, record
from evaluators.contract import Split, Tier
from evaluators.placement.expert_replication.loads import read_loads
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.balancing.moe_loss.losses import COURSE, SHAPE

SMALL = replace(SHAPE, num_layers=3)


@pytest.fixture(scope="module")
def trace() -> RoutingTrace:
    return record(SMALL, COURSE, checkpoints=3, sequences=160, mix=Mix.SKEWED, seed=1)


def test_every_byte_of_every_checkpoint_has_its_experts(trace: RoutingTrace) -> None:
    num_bytes = 3 * 160 * SMALL.context
    assert trace.experts_TLK.shape == trace.gates_TLK.shape == (num_bytes, 3, 2)
    assert trace.hints_TLK.shape == (num_bytes, 2, 2)
    assert (trace.experts_TLK[..., 0] != trace.experts_TLK[..., 1]).all()
    assert trace.gates_TLK.sum(-1) == pytest.approx(1.0, abs=2e-3)
    assert np.bincount(trace.checkpoint_T).tolist() == [num_bytes // 3] * 3
    assert np.bincount(trace.domain_T, minlength=10).argmax() == 0  # half of the text is of the first domain


def test_hints_foretell_the_next_layers_experts(trace: RoutingTrace) -> None:
    last = trace.checkpoint_T == 2
    hints, experts = trace.hints_TLK[last], trace.experts_TLK[last][:, 1:]
    hits = (hints[..., None] == experts[..., None, :]).any(-1).mean()
    assert hits > 1.3 * SMALL.top_k / SMALL.num_experts  # better than by chance


def test_the_same_seed_records_the_same(trace: RoutingTrace) -> None:
    again = record(SMALL, COURSE, checkpoints=3, sequences=160, mix=Mix.SKEWED, seed=1)
    assert np.array_equal(trace.experts_TLK, again.experts_TLK)


def test_the_placement_task_plays_what_was_recorded(trace: RoutingTrace, tmp_path: Path) -> None:
    path = tmp_path / "trace.npy"
    trace.write(path)
    with np.load(path.with_suffix(".npz")) as rest:
        assert rest["hints"].shape == trace.hints_TLK.shape
        assert rest["domains"].tolist()[6:] == ["arithmetic", "brackets", "records", "code"]
    problem = registry.problem("expert_replication").configured({"loads": str(path), "gpus": "4"})
    played = problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(0), Split.SEARCH))
    assert played
    settings = read_loads(str(problem.task.parameters["loads"]), {}).settings()
    assert (settings["experts"], settings["layers"], settings["top_k"]) == (8, 3, 2)
