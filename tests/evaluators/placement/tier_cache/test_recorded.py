from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.placement.tier_cache.recorded import read_recording
from evaluators.placement.tier_cache.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.tier_cache.traces import CLOCK, LRU, a_system
from tests.in_process import InProcessCandidate

LENGTH = 2000


def recorded(length: int = LENGTH) -> np.ndarray:
    """Two layers of eight experts, two per token; the pair of layer 0 says which quarter of the recording it is."""
    quarter = 4 * np.arange(length) // length
    rng = np.random.default_rng(0)
    first = np.stack([2 * quarter, 2 * quarter + 1], axis=1)
    second = np.argsort(rng.random((length, 8)), axis=1)[:, :2]
    return np.stack([first, second], axis=1).astype(np.int16)


def written(tmp_path: Path, ids: np.ndarray) -> str:
    path = tmp_path / "mine.npy"
    np.save(path, ids)
    return str(path)


def seeds(split: Split, seed: int = 1) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def test_a_recording_gives_the_shape_and_is_played_as_it_is(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"trace": written(tmp_path, recorded()), "steps": 40, "hint": 0.0})
    scenarios = problem.instances(Tier.SMOKE, Split.SEARCH, seeds(Split.SEARCH))
    assert {scenario.regime for scenario in scenarios} == {"recorded"}
    scenario = scenarios[0]
    assert (scenario.system.layers, scenario.system.experts, scenario.system.top_k) == (2, 8, 2)
    played_TLE = scenario.trace.tokens_NE.reshape(40, 2, 8)
    ids = recorded()
    whole_TLE = np.zeros((LENGTH, 2, 8), dtype=int)
    np.put_along_axis(whole_TLE, ids.astype(int), 1, axis=2)
    assert any((whole_TLE[at : at + 40] == played_TLE).all() for at in range(LENGTH - 40))
    assert scenario.play(InProcessCandidate(LRU), CLOCK).score == 0.0
    assert problem.task.identity != PROBLEM.task.identity


def test_no_split_sees_what_another_plays(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, recorded())}@digest", 0)
    system, rng = a_system(2, 8, 8, top_k=2, tokens=3), np.random.default_rng(0)
    seen = {}
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        traces = [recording.trace(system, 30, 0.0, split, rng) for _ in range(30)]
        used = [trace.tokens_NE[::2].any(axis=0) | trace.history_RLE[:, 0].any(axis=0) for trace in traces]
        seen[split] = set((np.flatnonzero(np.any(used, axis=0)) // 2).tolist())
    assert seen == {Split.SEARCH: {0, 1}, Split.VALIDATION: {2}, Split.HOLDOUT: {3}}


def test_the_history_lies_before_what_is_played(tmp_path: Path) -> None:
    ids = recorded(3000)
    ids[:, 0, 0], ids[:, 0, 1] = np.where(np.arange(3000) < 500, 0, 2), np.where(np.arange(3000) < 500, 1, 3)
    recording = read_recording(f"{written(tmp_path, ids)}@digest", 0)
    trace = recording.trace(a_system(2, 8, 8, top_k=2), 30, 0.0, Split.SEARCH, np.random.default_rng(1))
    assert trace.history_RLE[:, 0, :2].sum() == trace.history_RLE[:, 0].sum()
    assert not trace.tokens_NE[::2, :2].any()


@pytest.mark.parametrize("hint", [0.5, 1.0])
def test_hints_of_a_recording_are_about_as_good_as_said(tmp_path: Path, hint: float) -> None:
    recording = read_recording(f"{written(tmp_path, recorded())}@digest", 64)
    trace = recording.trace(a_system(2, 64, 20, top_k=2), 200, hint, Split.SEARCH, np.random.default_rng(1))
    hits = (trace.hints_NE[:-1:2] * (trace.tokens_NE[1::2] > 0)).sum(axis=1).mean()
    assert hits == pytest.approx(hint, abs=0.06)
    assert not trace.hints_NE[1::2].any()


def test_the_shipped_recording_of_the_family_can_be_played() -> None:
    with resources.as_file(resources.files("evaluators.placement.expert_replication") / "recorded_moe.npy") as path:
        problem = PROBLEM.configured({"trace": str(path), "capacity": 25})
        (*_, scenario) = problem.instances(Tier.SMOKE, Split.HOLDOUT, seeds(Split.HOLDOUT))
    assert (scenario.system.layers, scenario.system.experts, scenario.system.top_k) == (4, 32, 4)
    assert scenario.system.capacity == 32
    assert scenario.bound_us < scenario.weak_us


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda ids: ids.astype(float), r"expected integers \[tokens, layers, k\], found float64 of shape"),
        (lambda ids: ids[:, :, 0], r"found int16 of shape \(2000, 2\)"),
        (lambda ids: ids[:0], r"found int16 of shape \(0, 2, 2\)"),
        (lambda ids: np.where(np.arange(LENGTH)[:, None, None] == 7, -1, ids), "token 7, layer 0: expected ids from 0"),
        (lambda ids: np.repeat(ids[:, :, :1], 2, axis=2), "token 0, layer 0: expected a token's experts to differ"),
        (lambda ids: ids[:100], r"a split has a quarter of it \(25 tokens\), but .* take"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(tmp_path: Path, change: object, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"trace": written(tmp_path, change(recorded()))})  # type: ignore[operator]


def test_too_few_experts_for_a_file_are_refused(tmp_path: Path) -> None:
    ids = recorded()
    ids[:, 1] = [0, 1]
    path = written(tmp_path, ids)
    with pytest.raises(ContractError, match="token 1500, layer 0: expected ids below experts, 6, found 6"):
        PROBLEM.configured({"trace": path, "experts": 6})


def test_a_file_that_is_no_array_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npy"
    path.write_text("no array")
    with pytest.raises(ContractError, match="expected a .npy array of integers, found"):
        PROBLEM.configured({"trace": str(path)})
    np.savez(tmp_path / "mine.npz", ids=recorded())
    with pytest.raises(ContractError, match="found an archive of arrays"):
        PROBLEM.configured({"trace": str(tmp_path / "mine.npz")})
    with pytest.raises(ContractError, match="cannot read"):
        PROBLEM.configured({"trace": str(tmp_path / "none.npy")})


@pytest.mark.parametrize("name", ["layers", "top_k", "pattern"])
def test_what_a_trace_says_itself_is_refused_beside_it(tmp_path: Path, name: str) -> None:
    told: dict[str, str | int] = {"layers": 4, "top_k": 2, "pattern": "sticky"}
    with pytest.raises(ContractError, match=f"expected no {name} beside it"):
        PROBLEM.configured({"trace": written(tmp_path, recorded()), name: told[name]})
