from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Outcome, Split, Tier
from evaluators.kernels.profiles import read
from evaluators.placement.expert_replication.loads import RecordedLoads, read_load_history
from evaluators.placement.expert_replication.scenario import Scenario
from evaluators.placement.expert_replication.task import PROBLEM
from evaluators.placement.token_ids import read_token_ids
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.placement.scenes import SHIFTING, played, seeds

MACHINE: dict[str, int | str] = {"gpus": 4, "nodes": 1}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Eighty iterations, 3 layers, 8 experts; step s counts from 100 s, so that a count tells its step."""
    steps = [[[100 * step + expert for expert in range(8)] for _ in range(3)] for step in range(80)]
    path = tmp_path / "loads.json"
    path.write_text(json.dumps({"load_history": [{"logical_expert_load": step} for step in steps]}))
    return path


@pytest.fixture
def token_ids(tmp_path: Path) -> Path:
    path = tmp_path / "ids.npy"
    np.save(path, np.random.default_rng(0).integers(0, 8, (6000, 3, 2)).astype(np.int16))
    return path


def _problem(loads: Path, **settings: int | str) -> SuiteProblem[RecordedLoads | None, Scenario]:
    return PROBLEM.configured({**MACHINE, "loads": str(loads), "top_k": 2, **settings})


def _steps_seen(problem: SuiteProblem[RecordedLoads | None, Scenario], split: Split) -> set[int]:
    scenarios = problem.instances(Tier.QUICK, split, seeds(split))
    return {int(step) for s in scenarios for step in s.workload.iterations_WILE[..., 0, 0].ravel() // 100}


def test_splits_take_disjoint_stretches(history: Path) -> None:
    problem = _problem(history)
    seen = {split: _steps_seen(problem, split) for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)}
    assert max(seen[Split.SEARCH]) < 40 <= min(seen[Split.VALIDATION])
    assert max(seen[Split.VALIDATION]) < 60 <= min(seen[Split.HOLDOUT])
    assert max(seen[Split.HOLDOUT]) < 80


def test_history_sets_the_model(history: Path) -> None:
    scenarios = _problem(history).instances(Tier.QUICK, Split.SEARCH, seeds())
    assert len(scenarios) >= 12
    assert len({scenario.name for scenario in scenarios}) == len(scenarios)
    assert {(s.system.layers, s.system.experts, s.system.top_k) for s in scenarios} == {(3, 8, 2)}


def test_recorded_loads_are_played(history: Path, token_ids: Path) -> None:
    for path in (history, token_ids):
        scenario = _problem(path, experts=8).instances(Tier.SMOKE, Split.SEARCH, seeds())[0]
        assert played(scenario, SHIFTING).outcome is Outcome.SCORED


def test_tokens_are_counted_per_iteration(token_ids: Path) -> None:
    scenario = _problem(token_ids, tokens=50).instances(Tier.QUICK, Split.SEARCH, seeds())[0]
    assert (scenario.workload.iterations_WILE.sum(axis=3) == 100).all()
    assert scenario.system.tokens == 50


def test_window_iterations_are_taken_from_the_file(token_ids: Path) -> None:
    problem = _problem(token_ids, tokens=20, window_iterations=5)
    scenario = problem.instances(Tier.QUICK, Split.SEARCH, seeds())[0]
    assert (scenario.workload.totals_WLE.sum(axis=2) == 5 * 20 * 2).all()
    short = _problem(token_ids, tokens=20, window_iterations=20)
    with pytest.raises(ContractError, match="the holdout stretch has 75 iterations, but a scenario of this tier needs"):
        short.instances(Tier.QUICK, Split.HOLDOUT, seeds(Split.HOLDOUT))


def test_identity_follows_the_content(history: Path) -> None:
    first = _problem(history).task.identity
    copy = history.with_name("copy.json")
    copy.write_text(history.read_text())
    assert _problem(copy).task.identity == first
    copy.write_text(history.read_text().replace("100", "101"))
    assert _problem(copy).task.identity != first


def test_contradicting_settings_are_refused(history: Path) -> None:
    with pytest.raises(ContractError, match="the file has experts = 8, but experts was set to 16"):
        _problem(history, experts=16)
    with pytest.raises(ContractError, match="the file has layers = 3, but layers was set to 4"):
        _problem(history, layers=4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON or .npy"),
        ("[]", 'expected an object with a list "load_history"'),
        ('{"load_history": []}', "expected steps of one shape"),
        ('{"load_history": [{}]}', r"load_history\[0\]: expected an object with \"logical_expert_load\""),
        ('{"load_history": [{"logical_expert_load": [1, 2]}]}', r"load_history\[0\].*found 1 dimensions"),
        ('{"load_history": [{"logical_expert_load": [[1], [1, 2]]}]}', r"load_history\[0\]: expected numbers"),
        ('{"load_history": [{"logical_expert_load": [["a"]]}]}', r"load_history\[0\]: expected numbers"),
        ('{"load_history": [{"logical_expert_load": [[-1]]}]}', "expected token counts from 0"),
        ('{"load_history": [{"logical_expert_load": [[NaN]]}]}', "expected token counts from 0"),
        (f'{{"load_history": [{{"logical_expert_load": [[1{400 * "0"}]]}}]}}', r"load_history\[0\]: expected numbers"),
        (
            '{"load_history": [{"logical_expert_load": [[1]]}, {"logical_expert_load": [[1, 2]]}]}',
            "expected steps of one shape",
        ),
    ],
)
def test_malformed_history_is_explained(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(ContractError, match=message):
        read_load_history(path)


def test_malformed_token_ids_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "bad.npy"
    path.write_bytes(b"not an array")
    with pytest.raises(ContractError, match="expected a .npy array of integers"):
        read_token_ids(path)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ContractError, match="expected a .npy array of integers"):
        read_token_ids(path)
    np.save(path, np.zeros((4, 3), np.int16))
    with pytest.raises(ContractError, match=r"expected integers \[tokens, layers, k\], found int16 of shape \(4, 3\)"):
        read_token_ids(path)
    with path.open("wb") as file:
        np.savez(file, ids=np.zeros((4, 3, 2), np.int16))
    with pytest.raises(ContractError, match="found an archive of arrays"):
        read_token_ids(path)
    np.save(path, np.full((6000, 3, 2), 9, np.int16))
    with pytest.raises(ContractError, match="expected expert ids from 0 to 7, found 9 to 9"):
        _problem(path, experts=8)
    np.save(path, np.full((6000, 3, 2), 2**40))
    with pytest.raises(ContractError, match=f"expected expert ids below 4096, found {2**40}"):
        _problem(path)


def test_too_short_a_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.npy"
    np.save(path, np.zeros((40, 3, 2), np.int16))
    with pytest.raises(ContractError, match="expected 48 iterations or more, found 40"):
        _problem(path, experts=8, tokens=1)


def test_profile_replaces_the_device(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text('{"tokens": [1, 64, 4096], "time_us": [10.0, 12.0, 200.0]}')
    problem = PROBLEM.configured({"profile": str(path)})
    scenario = problem.instances(Tier.SMOKE, Split.SEARCH, seeds())[0]
    assert scenario.system.curve.table_us[[1, 2, 65]].tolist() == [10.0, 12.0, 200.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON"),
        ("[1]", "expected an object with the lists"),
        ('{"tokens": [1, "x"], "time_us": [1, 2]}', "expected lists of finite numbers"),
        ('{"tokens": [1, 2, 3], "time_us": [1, 2]}', "found 3 and 2"),
        ('{"tokens": [2, 1], "time_us": [1, 2]}', "expected increasing tokens"),
        ('{"tokens": [1, 2], "time_us": [0, 2]}', "positive times"),
    ],
)
def test_malformed_profile_is_explained(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "profile.json"
    path.write_text(content)
    with pytest.raises(ContractError, match=message):
        read(str(path))
