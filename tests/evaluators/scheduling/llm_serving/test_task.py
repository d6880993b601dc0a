"""The task as its users meet it: tiers, splits, parameters, anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, PlannerClock, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.llm_serving.fleet import Goal
from evaluators.scheduling.llm_serving.scenario import Scenario
from evaluators.scheduling.llm_serving.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.llm_serving.serving import trace_file
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[4] / "seeds" / "llm_serving"
MODELLED = ClockPolicy(clock=PlannerClock.MODELLED)


def scenarios(
    tier: Tier, split: Split = Split.SEARCH, settings: Mapping[str, ParameterValue | str] | None = None, seed: int = 0
) -> Sequence[Scenario]:
    return PROBLEM.configured(settings or {}).instances(tier, split, SeedSource(secret_from_seed(seed), split))


def played(scenario: Scenario, name: str, clock: ClockPolicy = MODELLED) -> InstanceResult:
    return scenario.play(InProcessCandidate((SEEDS / f"{name}.py").read_text()), clock)


def test_round_robin_scores_exactly_zero_everywhere() -> None:
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        for scenario in scenarios(Tier.SMOKE, split):
            assert played(scenario, "baselines/round_robin").score == 0.0


def test_quick_has_a_scenario_for_every_regime_and_the_hold_out_has_its_own() -> None:
    search, validation, holdout = (scenarios(Tier.QUICK, s) for s in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT))
    assert len(search) == len(validation) == len(holdout) == 15
    assert len({s.regime for s in search}) == 15
    assert {s.regime for s in search} == {s.regime for s in validation}
    assert not {s.regime for s in search} & {s.regime for s in holdout}
    assert search[0].arrivals != validation[0].arrivals
    assert search[0].arrivals == scenarios(Tier.QUICK)[0].arrivals
    assert any(s.fleet.failure for s in search)
    assert any(s.fleet.is_split for s in search)
    assert {s.fleet.goal for s in search} == {s.fleet.goal for s in validation} == {s.fleet.goal for s in holdout}
    assert {s.fleet.goal for s in search} == set(Goal)
    assert any(a.priority for s in search for a in s.arrivals)
    assert any(a.predicted for s in search for a in s.arrivals)
    for scenario in (*search, *validation, *holdout):
        weak, bound = scenario.weak_utility, scenario.bound
        assert 0.15 < weak < 0.85 < bound <= 1.0, scenario.name


def test_feedback_says_the_limits_and_which_of_them_was_missed() -> None:
    rushed = scenarios(Tier.SMOKE, settings={"priority_share": 0.5, "slo_ttft_s": 0.002, "slo_tpot_s": 10.0})[0]
    result = played(rushed, "initial")
    assert result.metrics["ttft_late"] == pytest.approx(1.0)
    assert result.metrics["attainment"] == 0.0
    assert result.metrics["tpot_late"] == 0.0
    told = PROBLEM.feedback([result])
    assert "missed: TTFT 1.00 (limit 0.002 s, urgent 0.001 s), TPOT 0.00 (limit 10000 ms), starved 0.00" in told
    calm = scenarios(Tier.SMOKE, settings={"slo_ttft_s": 1e3, "slo_tpot_s": 1e-4})[0]
    slow = played(calm, "initial")
    assert (slow.metrics["ttft_late"], slow.metrics["attainment"]) == (0.0, 1.0 - slow.metrics["tpot_late"])
    assert "missed: TTFT 0.00 (limit 1000 s), TPOT 1.00 (limit 0.1 ms)" in PROBLEM.feedback([slow])


def test_a_replay_of_a_measured_run_reports_the_same_to_the_bit() -> None:
    scenario = scenarios(Tier.SMOKE)[0]
    measured = played(scenario, "initial", ClockPolicy())
    stored = ClockPolicy(clock=PlannerClock.REPLAYED, stored_delays_s={scenario.name: measured.delays_s})
    assert played(scenario, "initial", stored) == measured
    assert measured.metrics["simulated_requests_per_s"] > 0
    assert played(scenario, "initial") == played(scenario, "initial")


def test_a_user_sets_fleet_traffic_and_limits() -> None:
    settings: dict[str, ParameterValue | str] = {
        "replicas": "2",
        "model": "llama3-70b",
        "tp": "8",
        "service": "code",
        "load": 0.1,
        "slo_ttft_s": 3.0,
        "priority_share": 1.0,
        "link_gb_s": 50,
        "kv_tokens": 100_000,
    }
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        for scenario in scenarios(Tier.SMOKE, split, settings):
            assert len(scenario.fleet.costs) == 2
            assert {cost.kv_tokens for cost in scenario.fleet.costs} == {100_000}
            assert scenario.fleet.link_bytes_per_s == 50e9
            assert {a.priority for a in scenario.arrivals} == {1}
            assert {a.slo_ttft_s for a in scenario.arrivals} == {1.5}
            assert played(scenario, "initial").outcome is Outcome.SCORED


@pytest.mark.parametrize("settings", [{"tp": 1}, {"replicas": 1}, {"model": "llama2-70b", "tp": 4, "gpu": "h100"}])
def test_what_is_left_open_fits_what_is_set(settings: dict[str, ParameterValue | str]) -> None:
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        for scenario in scenarios(Tier.SMOKE, split, settings):
            assert len(set(scenario.fleet.costs)) == 1
            assert played(scenario, "initial").outcome is Outcome.SCORED


def test_a_user_sets_a_goal_beside_latency() -> None:
    for name, metric in (("energy", "energy_j_per_token"), ("tuning", "tuned_tokens_per_s")):
        for scenario in scenarios(Tier.SMOKE, settings={"goal": name, "replicas": 2}):
            metrics = played(scenario, "initial").metrics
            assert metric in metrics
            assert 0 <= metrics["goal"] <= 1
    assert {s.fleet.goal for s in scenarios(Tier.QUICK, settings={"model": "llama3-8b"})} == set(Goal) - {Goal.QUALITY}


def test_a_rate_stands_for_a_load() -> None:
    for scenario in scenarios(Tier.SMOKE, settings={"rate": 9.0}):
        assert len(scenario.arrivals) / scenario.arrivals[-1].arrival_s == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"replica": 2}, "did you mean 'replicas'"),
        ({"gpu": "h100"}, "there is no cost profile of llama3-8b on h100"),
        ({"tp": 3}, "there is no cost profile"),
        ({"model": "llama3-70b", "tp": 1}, "use more GPUs per replica"),
        ({"replicas": 2, "prefill_replicas": 2}, "fewer than the 2 replicas"),
        ({"load": -1}, "from 0.001 to 3"),
        ({"rate": 1e-300}, "at least 0.001 requests/s"),
        ({"trace": "/nowhere/trace.csv"}, "cannot read"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, ParameterValue | str], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        PROBLEM.configured(settings)


def test_a_users_trace_is_played(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-01 00:00:{i % 60:02d}.5,{100 + i},{10 + i}\n" for i in range(60))
    trace = tmp_path / "mine.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows)
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in scenarios(Tier.SMOKE, split, {"trace": str(trace), "replicas": 2}):
            assert {a.prompt - a.output for a in scenario.arrivals} == {90}
            assert played(scenario, "initial").outcome is Outcome.SCORED


def test_a_trace_too_large_for_the_fleet_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "huge.csv"
    rows = "".join(f"2024-01-01 00:00:{i:02d}.5,90000,10\n" for i in range(30))
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows)
    with pytest.raises(ContractError, match="can never fit a KV cache"):
        scenarios(Tier.SMOKE, settings={"trace": str(trace), "kv_tokens": 50_000})


def test_recorded_azure_traffic_is_played() -> None:
    trace = trace_file("AzureLLMInferenceTrace_code.csv.gz")
    for scenario in scenarios(Tier.SMOKE, settings={"trace": str(trace)}):
        assert played(scenario, "initial").outcome is Outcome.SCORED


def test_feedback_names_regimes_and_failures_and_no_requests() -> None:
    results = [played(scenario, "initial") for scenario in scenarios(Tier.SMOKE)]
    failed = InstanceResult(name="x-0", regime="x", outcome=Outcome.INVALID, detail="why")
    told = PROBLEM.feedback([*results, failed])
    assert all(result.regime in told for result in results)
    assert "x: invalid: why" in told
    assert all(
        len(picture.rows) == len({r.regime for r in results}) for picture in PROBLEM.pictures([*results, failed])
    )


def test_the_report_tier_finds_a_capacity_below_the_bound() -> None:
    scenario = next(s for s in scenarios(Tier.SMOKE) if s.regime == "one")
    metrics = played(replace(scenario, finds_capacity=True), "baselines/slo_chunks").metrics
    assert metrics["capacity_rps"] > 0
    assert metrics["capacity_over_bound"] == pytest.approx(metrics["capacity_rps"] / scenario.capacity_bound)
