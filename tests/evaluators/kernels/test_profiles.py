"""Profiles by name and by path, and what tasks make of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from evaluators import registry
from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.balancing.moe_loss.task import PROBLEM as LOSS
from evaluators.balancing.moe_loss.time_model import measured_times
from evaluators.contract import ContractError, Parameter, ParameterKind, Split, Tier
from evaluators.kernels import profiles
from evaluators.parameters import file_path, library_files, read_value
from evaluators.placement.expert_replication.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed

LAYER = {
    "tokens": 16384,
    "experts": 64,
    "top_k": 8,
    "router_us": 40.0,
    "schedule_us": 20.0,
    "permute_us": 150.0,
    "gate_up_us": 1500.0,
    "down_us": 800.0,
    "combine_us": 160.0,
}
CONTENT = {
    "tokens": [1, 128, 4096],
    "time_us": [10.0, 12.0, 200.0],
    "expert": {"width": 2048, "expert_width": 1408, "dtype": "bfloat16"},
    "layer": LAYER,
}


def written(folder: Path, content: Mapping[str, object]) -> str:
    path = folder / "made_up.json"
    path.write_text(json.dumps(content))
    return str(path)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a profile in the library, which for this test is a folder of its own."""
    written(tmp_path, CONTENT)
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    return "made_up"


def test_a_profile_says_whose_times_it_holds(tmp_path: Path) -> None:
    profile = profiles.read(written(tmp_path, CONTENT))
    assert profile.name == "made_up"
    assert profile.expert == profiles.ExpertSize(width=2048, expert_width=1408, dtype="bfloat16")
    assert profile.layer is not None
    assert profile.layer.tokens_per_expert == 2048
    assert profile.layer.expert_share == pytest.approx(2300 / 2520)
    assert hash(profile) == hash(profiles.read(written(tmp_path, CONTENT)))


def test_times_between_and_beyond_the_knots(tmp_path: Path) -> None:
    profile = profiles.read(written(tmp_path, CONTENT))
    found = profile.expert_us(np.array([0.0, 1.0, 64.5, 4096.0, 8192.0]))
    assert found.tolist() == [0.0, 10.0, 11.0, 200.0, 400.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expert": {"width": 2048}}, 'expected "width", "expert_width" and "dtype" under "expert"'),
        ({"layer": {**LAYER, "down_us": 0}}, 'expected positive numbers .* under "layer"'),
        ({"layer": [1]}, 'expected positive numbers .* under "layer"'),
        ({"time_us": None}, "expected lists of finite numbers"),
    ],
)
def test_a_malformed_profile_is_explained(tmp_path: Path, change: Mapping[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        profiles.read(written(tmp_path, {**CONTENT, **change}))


def test_a_missing_name_tells_the_shipped_ones(shipped: str) -> None:
    with pytest.raises(ContractError, match="shipped: made_up"):
        profiles.read("h999")
    spec = Parameter(name="p", kind=ParameterKind.FILE, default="", description="", library=profiles.LIBRARY)
    with pytest.raises(ContractError, match="known by name: made_up"):
        read_value(spec, "h999")


def test_a_name_stays_a_name_and_counts_by_its_content(shipped: str) -> None:
    by_name, by_path = PROBLEM.configured({"profile": shipped}), PROBLEM.configured({"profile": _path_of(shipped)})
    assert file_path(by_name.task.parameters["profile"]) == Path(shipped)
    assert by_name.task.identity == by_path.task.identity != PROBLEM.task.identity
    assert by_name.configured(by_name.task.parameters).task == by_name.task


def test_a_changed_profile_is_refused_under_its_old_digest(shipped: str) -> None:
    value = PROBLEM.configured({"profile": shipped}).task.parameters["profile"]
    Path(_path_of(shipped)).write_text(json.dumps({**CONTENT, "time_us": [1.0, 2.0, 3.0]}))
    with pytest.raises(ContractError, match="has changed since it was named"):
        PROBLEM.configured({"profile": value})


def test_placement_takes_the_measured_expert(shipped: str) -> None:
    seeds = SeedSource(secret_from_seed(0), Split.HOLDOUT)
    problem = PROBLEM.configured({"profile": shipped, "gpus": 16, "experts": 64})
    for scenario in problem.instances(Tier.SMOKE, Split.HOLDOUT, seeds):
        assert scenario.system.expert_bytes == 3 * 2048 * 1408
        assert scenario.system.curve.table_us[[1, 2, 129]].tolist() == [10.0, 12.0, 200.0]


def test_placement_refuses_another_expert_than_the_measured(shipped: str) -> None:
    with pytest.raises(ContractError, match="was measured with hidden=2048, found 7168"):
        PROBLEM.configured({"profile": shipped, "hidden": 7168})


def test_imbalance_costs_what_was_measured(tmp_path: Path) -> None:
    """Two devices with two experts each; even is 2048 tokens, which take about 106 us; twice as many take 200."""
    profile = profiles.read(written(tmp_path, CONTENT))
    times = measured_times(profile, expert_share=None, nats_per_time=0.1)
    device, even_us = np.array([0, 0, 1, 1]), float(profile.expert_us(np.array([2048.0]))[0])
    assert times.expert_share == pytest.approx(2300 / 2520)
    assert times.relative_step_time(np.full((3, 4), 128), device) == pytest.approx(1.0)
    busy = times.relative_step_time(np.array([[200, 200, 0, 0]]), device)
    assert busy == pytest.approx(1 + 2300 / 2520 * (200.0 / even_us - 1))
    assert times.relative_step_time(np.array([[200, 0, 200, 0]]), device) == 1.0, "dead experts earn nothing"


def test_the_share_of_expert_time_may_be_set_beside_a_profile(tmp_path: Path) -> None:
    profile = profiles.read(written(tmp_path, CONTENT))
    assert measured_times(profile, expert_share=0.25, nats_per_time=0.1).expert_share == 0.25


def test_moe_loss_takes_a_profile_by_name(shipped: str) -> None:
    seeds = SeedSource(secret_from_seed(0), Split.SEARCH)
    for scenario in scenarios(Tier.SMOKE, Split.SEARCH, LOSS.configured({"profile": shipped}).task.parameters, seeds):
        assert scenario.times.profile == profiles.read(shipped)
    assert LOSS.configured({"profile": shipped}).task.identity != LOSS.task.identity


def test_moe_loss_needs_the_times_of_a_layer(tmp_path: Path) -> None:
    path = written(tmp_path, {name: CONTENT[name] for name in ("tokens", "time_us")})
    with pytest.raises(ContractError, match='needs the times of a layer, under "layer"'):
        LOSS.configured({"profile": path})


@pytest.mark.parametrize("task", ["expert_replication", "moe_loss"])
def test_the_choice_says_which_profiles_are_shipped(task: str) -> None:
    spec = next(spec for spec in registry.problem(task).task.parameter_specs if spec.name == "profile")
    assert profiles.shipped_text() in spec.description


@pytest.mark.parametrize("name", profiles.names())
def test_every_shipped_profile_is_one(name: str) -> None:
    profile = profiles.read(name)
    assert profile.expert is not None
    assert profile.layer is not None


def _path_of(name: str) -> str:
    return str(library_files(profiles.LIBRARY)[name])
