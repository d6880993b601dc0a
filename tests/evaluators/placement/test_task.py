from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from evaluators import registry
from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterKind, Split, Tier
from evaluators.placement.expert_replication.parameters import PARAMETERS
from evaluators.placement.expert_replication.scenario import Scenario
from evaluators.placement.expert_replication.task import PROBLEM
from evaluators.problem import ClockPolicy, Instance, Problem
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.scenes import STATIC, played, seeds
from tests.evolve.evaluations import ENVIRONMENT
from tests.in_process import InProcessCandidate

README = Path(__file__).parents[3] / "evaluators" / "placement" / "expert_replication" / "README.md"
SMALL: dict[str, int | str] = {"gpus": 8, "experts": 16, "layers": 2, "top_k": 2, "tokens": 512}


def test_registry_knows_the_problem() -> None:
    problem: Problem = registry.problem("expert_replication")
    assert problem.task.name == "expert_replication"
    assert problem.task.metric(problem.task.objective).unit == "1"


@pytest.mark.parametrize(
    ("tier", "split", "count"),
    [
        (Tier.SMOKE, Split.SEARCH, 2),
        (Tier.QUICK, Split.SEARCH, 21),
        (Tier.QUICK, Split.HOLDOUT, 18),
        (Tier.FULL, Split.SEARCH, 42),
        (Tier.FULL, Split.HOLDOUT, 42),
    ],
)
def test_tiers_have_their_instances(tier: Tier, split: Split, count: int) -> None:
    scenarios = PROBLEM.configured(SMALL).instances(tier, split, seeds(split))
    names = [scenario.name for scenario in scenarios]
    assert len(names) == len(set(names)) == count
    other_seeds = PROBLEM.configured(SMALL).instances(tier, split, seeds(split, seed=1))
    assert [scenario.name for scenario in other_seeds] == names


def kinds(split: Split) -> dict[str, set[tuple[object, ...]]]:
    """What the scenarios of a split are made of."""
    scenarios = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    return {
        "regime": {(s.regime,) for s in scenarios},
        "machine": {(s.system.network.gpus, s.system.network.nodes) for s in scenarios},
        "model": {(s.system.experts, s.system.top_k, s.system.expert_bytes, s.system.layers) for s in scenarios},
        "links": {(s.system.network.intra_bytes_per_s, s.system.network.inter_bytes_per_s) for s in scenarios},
    }


def test_validation_shares_neither_regime_nor_machine_nor_model_with_search_or_holdout() -> None:
    search, validation, holdout = (kinds(split) for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT))
    for other in (search, holdout):
        for axis in ("regime", "machine", "model"):
            shared = validation[axis] & other[axis] - {(8, 1)}  # DBRX and Mixtral both take one node
            assert not shared, axis
    assert {experts for experts, *_ in validation["model"]} == {16, 64, 128, 160, 512}
    assert {gpus for gpus, _ in validation["machine"]} == {8, 16, 24, 48, 96}


def test_validation_plays_as_many_scenarios_as_search() -> None:
    validation = PROBLEM.configured(SMALL).instances(Tier.QUICK, Split.VALIDATION, seeds(Split.VALIDATION))
    assert len({scenario.name for scenario in validation}) == len(validation) == 21


def test_same_seeds_same_instances() -> None:
    first, second = (PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds()) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.name, one.weak_us, one.bound_us) == (other.name, other.weak_us, other.bound_us)
        assert (one.workload.totals_WLE == other.workload.totals_WLE).all()


def _systems(split: Split, settings: dict[str, int | str]) -> list[Scenario]:
    problem = PROBLEM.configured({"tokens": 4096, **settings})
    return list(problem.instances(Tier.QUICK, split, seeds(split)))


def test_holdout_has_regimes_shapes_and_machines_of_its_own() -> None:
    search, holdout = (PROBLEM.instances(Tier.QUICK, split, seeds(split)) for split in (Split.SEARCH, Split.HOLDOUT))
    assert not {s.regime for s in search} & {s.regime for s in holdout}
    assert {s.system.experts for s in search} == {256}
    assert {s.system.experts for s in holdout} == {8, 64, 128, 256, 384}
    assert {s.system.network.gpus for s in search} == {32}
    assert {s.system.network.gpus for s in holdout} == {8, 32, 36, 64, 144}
    curves = [
        {float(s.system.curve.table_us[1]) for s in split if s.system.experts == 256} for split in (search, holdout)
    ]
    assert curves[1] - curves[0]


def test_validation_leaves_alone_what_the_user_fixed() -> None:
    played = _systems(Split.VALIDATION, {"gpus": 16, "device": "h20"})
    assert {s.system.network.gpus for s in played} == {16}
    assert {s.system.network.intra_bytes_per_s for s in played} == {350e9}
    assert len({s.system.experts for s in played}) == 5
    played = _systems(Split.VALIDATION, {"experts": 64})
    assert {s.system.experts for s in played} == {64}
    assert {s.system.network.gpus for s in played} == {16, 24, 48, 96}


def test_holdout_leaves_alone_what_the_user_fixed() -> None:
    holdout = _systems(Split.HOLDOUT, {"gpus": 16, "device": "h20"})
    assert {s.system.network.gpus for s in holdout} == {16}
    assert len({s.system.experts for s in holdout}) == 5
    holdout = _systems(Split.HOLDOUT, {"experts": 64})
    assert {s.system.experts for s in holdout} == {64}
    assert {s.system.network.gpus for s in holdout} == {32, 36, 64, 144}


@pytest.mark.parametrize(
    "settings",
    [
        {"gpus": 16},
        {"gpus": 12},
        {"nodes": 8},
        {"experts": 64},
        {"experts": 60, "gpus": 8},
        {"redundant": 0},
        {"redundant": 64},
        {"groups": 4},
        {"top_k": 4},
        {"layers": 3},
    ],
    ids=str,
)
def test_what_is_left_open_is_fitted(settings: dict[str, int | str]) -> None:
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        scenarios = PROBLEM.configured(settings).instances(Tier.SMOKE, split, seeds(split))
        assert played(scenarios[0], STATIC).outcome is Outcome.SCORED


def test_service_settings_reach_every_scenario() -> None:
    settings: dict[str, int | float | str] = {
        **SMALL,
        "all_to_all": "flat",
        "overlap": "serial",
        "migration": "async",
        "window_iterations": 7,
        "window_s": 3.5,
        "intra_gb_s": 100.0,
        "inter_gb_s": "20",
    }
    for scenario in PROBLEM.configured(settings).instances(Tier.QUICK, Split.SEARCH, seeds()):
        system = scenario.system
        assert (system.network.hierarchical, system.overlapped, system.asynchronous) == (False, False, True)
        assert (system.iterations_per_window, system.seconds_per_window, system.tokens) == (7, 3.5, 512)
        assert (system.network.intra_bytes_per_s, system.network.inter_bytes_per_s) == (100e9, 20e9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpu": 16}, "did you mean 'gpus'"),
        ({"gpus": "many"}, "gpus: expected an integer"),
        ({"gpus": 1}, "gpus: expected a value from 2"),
        ({"device": "a100"}, "device: expected one of mixed, h800"),
        ({"nodes": 5}, "nodes: expected a divisor of gpus = 32, found 5"),
        ({"groups": 7}, "groups: expected a divisor of experts = 256, found 7"),
        ({"groups": 4, "group_limit": 5}, "group_limit: expected at most groups = 4, found 5"),
        ({"experts": 8, "top_k": 8, "gpus": 8}, "top_k: expected fewer than the 8 experts"),
        ({"redundant": 33}, "next that does is redundant=64"),
        ({"experts": 4, "gpus": 2, "top_k": 1, "redundant": 6}, "expected at most 4"),
    ],
)
def test_bad_settings_are_explained(settings: dict[str, int | str], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        PROBLEM.configured(settings)


def test_identity_is_the_users_settings_only() -> None:
    assert PROBLEM.task.parameters == {}
    assert PROBLEM.configured({}).task.identity == PROBLEM.task.identity
    fixed = PROBLEM.configured({"gpus": "32"})
    assert fixed.task.parameters == {"gpus": 32}
    assert fixed.task.identity != PROBLEM.task.identity


def test_defaults_are_what_is_played() -> None:
    defaults = {spec.name: spec.default for spec in PARAMETERS}
    system = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())[0].system
    network = system.network
    played_defaults = {
        "gpus": network.gpus,
        "nodes": network.nodes,
        "experts": system.experts,
        "top_k": system.top_k,
        "redundant": system.slots - system.experts,
        "groups": network.groups,
        "group_limit": network.group_limit,
    }
    assert {name: defaults[name] for name in played_defaults} == played_defaults
    assert all(spec.description for spec in PARAMETERS)
    assert all(spec.default == "" for spec in PARAMETERS if spec.kind is ParameterKind.FILE)


def test_every_metric_is_declared_and_plain() -> None:
    scenario = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())[0]
    declared = {spec.name for spec in PROBLEM.task.metrics} - {
        "score",
        "oracle_score",
        "even_balance_bound",
        "node_balance_bound",
    }
    metrics = played(scenario, STATIC).metrics
    assert set(metrics) == declared
    assert json.loads(json.dumps(dict(metrics))) == metrics
    assert np.isfinite(list(metrics.values())).all()


def test_documents_name_every_key_of_the_configuration() -> None:
    scenario = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())[0]
    config = scenario.system.config(scenario.workload.scored, 1)
    words = PROBLEM.task.entry_points[0].description
    for text in (README.read_text(), words):
        assert [key for key in config if key not in text] == []


def _results() -> list[InstanceResult]:
    scenarios = PROBLEM.configured(SMALL).instances(Tier.QUICK, Split.SEARCH, seeds())
    results = [scenario.play(InProcessCandidate(STATIC), ClockPolicy()) for scenario in scenarios]
    failed = InstanceResult(name="x", regime="slow", outcome=Outcome.CRASHED, detail="ValueError: no")
    return [*results, failed]


def test_feedback_is_a_line_per_regime_and_names_failures() -> None:
    text = PROBLEM.feedback(_results())
    lines = text.splitlines()
    assert len(lines) == 1 + 7 + 1
    assert lines[1].startswith("- stationary: score 0; busiest GPU ")
    assert "all-to-all" in lines[1]
    assert "GPU balance" in lines[1]
    assert lines[-1] == "- slow: crashed: ValueError: no"
    assert len(text) < 3000


def test_bars_have_a_row_per_regime_and_lines_one_per_window() -> None:
    pictures = PROBLEM.pictures(_results())
    for picture in pictures:
        assert len(picture.rows) == {"bar": 7, "line": 8}[picture.chart]
        assert all(len(row) == len(picture.columns) for row in picture.rows)
    assert {picture.chart for picture in pictures} == {"bar", "line"}
    assert all(picture.rows == () for picture in PROBLEM.pictures([]))


def test_lines_are_the_means_of_a_regimes_windows() -> None:
    results = _results()
    balance, time = [picture for picture in PROBLEM.pictures(results) if picture.chart == "line"]
    for column, regime in enumerate(balance.columns[1:], start=1):
        members = [r for r in results if r.regime == regime and r.outcome is Outcome.SCORED]
        expected = np.mean([r.metrics["gpu_balance"] for r in members])
        assert np.mean([row[column] for row in balance.rows]) == pytest.approx(expected)
        assert min(row[column] for row in time.rows) >= 1.0


class _Metered(InProcessCandidate):
    cpu_s = 0.0


def test_an_evaluation_has_lines_but_no_value_per_window() -> None:
    problem = PROBLEM.configured(SMALL)
    workload = Workload.build(problem, Tier.SMOKE, Split.SEARCH, secret_from_seed(0))
    with nullcontext(_Metered(STATIC)) as candidate:
        scored = evaluate(problem, workload, STATIC, lambda *_: nullcontext(candidate), ENVIRONMENT, ClockPolicy())
    assert [picture.chart for picture in scored.pictures] == ["bar", "bar", "line", "line"]
    assert [result.curves for result in scored.instances] == [{}] * len(scored.instances)


def test_smoke_plays_the_edges_of_the_contract_unless_the_user_fixed_a_shape() -> None:
    source = SeedSource(secret_from_seed(1), Split.SEARCH)
    free = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, source)
    fixed = PROBLEM.configured({"gpus": 16}).instances(Tier.SMOKE, Split.SEARCH, source)
    broken = "\n".join(
        [
            "class Policy:",
            "    def __init__(self, config):",
            "        assert config['slots_per_gpu'] > 1, 'one slot per GPU'",
            "    def plan(self, loads, samples, placement, window):",
            "        return {'placement': placement}",
        ]
    )

    def failures(instances: Sequence[Instance]) -> list[str]:
        found = []
        for instance in instances:
            try:
                instance.play(InProcessCandidate(broken), ClockPolicy())
            except CandidateFailure as failure:
                found.append(failure.detail)
        return found

    assert len({instance.name for instance in free}) == len(free) == 5
    assert len(failures(free)) == 1
    assert failures(fixed) == []
