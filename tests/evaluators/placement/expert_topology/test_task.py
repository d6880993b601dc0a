from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluators import registry
from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.placement.expert_topology.scenario import Scenario, build_scenario
from evaluators.placement.expert_topology.suite import recipes
from evaluators.placement.expert_topology.system import Residency
from evaluators.placement.expert_topology.task import PROBLEM
from evaluators.placement.expert_topology.workload import Workload
from evaluators.problem import Problem
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.expert_topology.scenes import CLOCK, a_network, a_system, as_routing
from tests.in_process import InProcessCandidate

SPLITS = (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)
IN_ORDER = (
    "import numpy as np\n"
    "def place(trace, source, config):\n"
    "    return np.tile(np.arange(config['slots']) % config['experts'], (config['layers'], 1))\n"
)


def smoke(split: Split = Split.SEARCH, seed: int = 0, **settings: ParameterValue) -> tuple[Scenario, ...]:
    problem = PROBLEM.configured(settings)
    return tuple(problem.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(seed), split)))


def test_the_registry_knows_the_problem() -> None:
    problem: Problem = registry.problem("expert_topology")
    assert problem.task.name == "expert_topology"
    assert problem.task.metric(problem.task.objective).unit == "1"


@pytest.mark.parametrize(("tier", "count"), [(Tier.SMOKE, 4), (Tier.QUICK, 20), (Tier.FULL, 40), (Tier.REPORT, 60)])
def test_tiers_have_their_instances(tier: Tier, count: int) -> None:
    for split in SPLITS:
        names = [recipe.name for recipe in recipes(tier, split, {})]
        assert len(names) == len(set(names)) == count


def test_splits_share_neither_regime_nor_machine_nor_model() -> None:
    kinds: dict[Split, dict[str, set[object]]] = {}
    for split in SPLITS:
        found = recipes(Tier.FULL, split, {})
        kinds[split] = {
            "regime": {r.regime.name for r in found},
            "machine": {(r.system.network.gpus, r.system.network.nodes) for r in found},
            "model": {(r.system.experts, r.system.top_k, r.system.hidden) for r in found},
        }
    for axis in ("regime", "machine", "model"):
        assert not kinds[Split.SEARCH][axis] & kinds[Split.HOLDOUT][axis]
        assert not kinds[Split.SEARCH][axis] & kinds[Split.VALIDATION][axis]
        assert len(kinds[Split.SEARCH][axis]) >= 4


def test_the_search_has_every_way_of_serving_with_and_without_spare_slots() -> None:
    found = recipes(Tier.QUICK, Split.SEARCH, {})
    ways = {(r.system.residency, r.system.network.hierarchical, r.system.overlapped) for r in found}
    assert ways == {
        (Residency.FOLLOW, False, False),
        (Residency.HOME, True, False),
        (Residency.FOLLOW, True, True),
        (Residency.HOME, False, False),
    }
    assert {r.system.spare > 0 for r in found} == {True, False}


def test_experts_in_order_score_zero_and_name_the_weak_baseline() -> None:
    for scenario in smoke():
        result = scenario.play(InProcessCandidate(IN_ORDER), CLOCK)
        assert result.outcome is Outcome.SCORED
        assert result.score == 0.0
        assert result.metrics["time_over_contiguous"] == 1.0
        assert result.metrics["time_over_bound"] > 1.0
        parts = sum(result.metrics[part] for part in ("balanced_us", "imbalance_us", "exchange_us"))
        assert parts == pytest.approx(result.metrics["time_us"])
        assert 0.0 < result.metrics["gpu_balance"] <= 1.0
        assert result.metrics["abroad"] <= result.metrics["away"]


def test_equal_seeds_give_equal_scenarios() -> None:
    assert [s.weak_us for s in smoke(seed=3)] == [s.weak_us for s in smoke(seed=3)]
    assert [s.weak_us for s in smoke(seed=3)] != [s.weak_us for s in smoke(seed=4)]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"gpu": 4}, "no parameter 'gpu'; did you mean"),
        ({"gpus": 6, "nodes": 4}, "nodes: expected a divisor of gpus = 6, found 4"),
        ({"experts": 8, "top_k": 8}, "top_k: expected fewer than experts = 8, found 8"),
        ({"gpus": 16, "experts": 60, "redundant": 0}, "the next that does is redundant=4"),
        ({"gpus": 2, "experts": 4, "redundant": 4, "top_k": 2}, "redundant: expected fewer than 4"),
        ({"residency": "away"}, "residency: expected one of mixed, home, follow, found 'away'"),
        ({"inter_gb_s": -1}, "inter_gb_s: expected a value from 0"),
        ({"trace": "no/such.npy"}, "trace: cannot read"),
        ({"profile": "nothing-measured"}, "profile: cannot read"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(settings: dict[str, ParameterValue], found: str) -> None:
    with pytest.raises(ContractError, match=found):
        PROBLEM.configured(settings)


def test_settings_rule_every_scenario() -> None:
    found = smoke(gpus=8, nodes=2, experts=16, top_k=2, residency="home", all_to_all="flat", inter_gb_s=10)
    assert {s.system.network.inter_bytes_per_s for s in found} == {10e9}
    assert {(s.system.residency, s.system.network.hierarchical) for s in found} == {(Residency.HOME, False)}
    assert {(s.system.network.gpus, s.system.experts) for s in found} == {(8, 16)}


def test_where_nothing_can_be_gained_there_is_nothing_to_score() -> None:
    system = a_system(a_network(2, 1), experts=2, slots=2, layers=2, top_k=1)
    routing = as_routing(np.tile(np.arange(2)[:, None, None], (8, 2, 1)), np.tile(np.arange(2), 8))
    with pytest.raises(ContractError, match="already take the least time possible"):
        build_scenario("s", "r", system, Workload(routing, routing), 0)


def test_feedback_speaks_of_regimes_services_and_failures() -> None:
    results = [scenario.play(InProcessCandidate(IN_ORDER), CLOCK) for scenario in smoke()]
    told = PROBLEM.feedback(results)
    assert "- chained: score 0" in told
    assert "- coherent: score" in told
    assert "GPU balance" in told
    failed = InstanceResult(name="clans-decode-0", regime="clans", outcome=Outcome.INVALID, detail="layer 1: no")
    assert "clans: invalid: layer 1: no" in PROBLEM.feedback([*results, failed])
    assert [picture.chart for picture in PROBLEM.pictures(results)] == ["bar"] * 3


def test_a_profile_gives_the_times_and_the_widths_of_its_expert(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({"tokens": [1, 64, 1024], "time_us": [7.0, 9.0, 120.0]}))
    for scenario in smoke(profile=str(path)):
        assert scenario.system.curve.time_us(np.array([1.0, 2.0, 64.0, 65.0])).tolist() == [7.0, 9.0, 9.0, 120.0]
    path.write_text('{"tokens": [1, 64]}')
    with pytest.raises(ContractError, match="profile"):
        PROBLEM.configured({"profile": str(path)})


def test_widths_alone_leave_the_models_of_the_split_as_they_are() -> None:
    found = recipes(Tier.QUICK, Split.SEARCH, {"hidden": 512, "layers": 3})
    assert {(r.system.hidden, r.system.layers) for r in found} == {(512, 3)}
    assert {(r.system.experts, r.system.top_k) for r in found} == {(64, 2), (64, 6), (32, 4), (32, 1)}
