"""The contract as a user and a program meet it, and what cheats get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.placement.model_packing.cluster_file import NamedCluster
from evaluators.placement.model_packing.report import adrs_score
from evaluators.placement.model_packing.scenario import Scenario, make_scenario
from evaluators.placement.model_packing.suite import SEARCH_REGIMES
from evaluators.placement.model_packing.task import PROBLEM
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.placement.model_packing.clusters import FIRST_FIT, a_cluster
from tests.in_process import InProcessCandidate

CLOCK = ClockPolicy()
BEST = "def place(parts, memory_gb, budget_gb, seed):\n    return [0, 0, 1, 1, 2, 2]"


def seeds(split: Split = Split.SEARCH) -> SeedSource:
    return SeedSource(secret_from_seed(0), split)


def played(
    problem: SuiteProblem[tuple[NamedCluster, ...], Scenario], source: str, tier: Tier = Tier.SMOKE
) -> list[InstanceResult]:
    return [one.play(InProcessCandidate(source), CLOCK) for one in problem.instances(tier, Split.SEARCH, seeds())]


def a_scenario() -> Scenario:
    return make_scenario("scene-0", "scene", a_cluster(), candidate_seed=7)


def test_first_fit_scores_nothing_and_the_bound_one() -> None:
    for result in played(PROBLEM, FIRST_FIT):
        assert result.score == 0.0
    scenario = a_scenario()
    assert scenario.score(scenario.bound) == 1.0
    assert scenario.score(scenario.weak) == 0.0
    assert scenario.score(0.0) >= FLOOR


def test_a_placement_is_measured_by_our_own_copies() -> None:
    result = a_scenario().play(InProcessCandidate(BEST), CLOCK)
    assert result.metrics["room_gb"] == pytest.approx(12.5)
    assert result.metrics["max_kvpr"] == pytest.approx(0.08)
    assert result.metrics["room_over_bound"] <= 1.0


CHEATS = {
    "a GPU of its own for each part": "list(range(6))",
    "GPUs counted from the end": "[0, 0, 1, 1, -1, -1]",
    "only the easy parts": "[0, 0, 1]",
    "all on one": "[0] * 6",
    "shards together": "[0, 1, 1, 0, 2, 2]",
}


@pytest.mark.parametrize("answer", CHEATS.values(), ids=list(CHEATS))
def test_what_public_evaluators_let_through_is_no_answer(answer: str) -> None:
    with pytest.raises(CandidateFailure) as failure:
        a_scenario().play(
            InProcessCandidate(f"def place(parts, memory_gb, budget_gb, seed):\n    return {answer}"), CLOCK
        )
    assert failure.value.outcome is Outcome.INVALID


def test_lowering_the_rates_in_the_arguments_gains_nothing() -> None:
    scenario = a_scenario()
    parts, memory, *_ = scenario.arguments()
    assert isinstance(parts, dict)
    assert isinstance(memory, np.ndarray)
    for array in (*parts.values(), memory):
        assert isinstance(array, np.ndarray)
        array[:] = 1
    honest = scenario.play(InProcessCandidate(BEST), CLOCK)
    assert honest.metrics["room_gb"] == pytest.approx(12.5)


def test_failing_on_hard_clusters_lowers_the_public_form_too() -> None:
    results = played(PROBLEM.configured({"suite": "published"}), FIRST_FIT)
    easy = [InstanceResult(name="a", regime="r", outcome=Outcome.SCORED, score=1.0, metrics={"max_kvpr": 0.02})]
    failed = [InstanceResult(name="b", regime="r", outcome=Outcome.CRASHED)]
    assert adrs_score(easy) == pytest.approx(51.0)
    assert adrs_score(easy + failed) < 1.0
    assert adrs_score(results) == pytest.approx(1.0, abs=1e-3)
    assert adrs_score(failed) < 1e-5


def test_the_public_instances_are_the_same_in_every_split() -> None:
    problem = PROBLEM.configured({"suite": "published"})
    search, holdout = (problem.instances(Tier.QUICK, split, seeds(split)) for split in (Split.SEARCH, Split.HOLDOUT))
    assert len(search) == len(holdout) == 50
    for one, other in zip(search, holdout, strict=True):
        assert (one.cluster.size_N == other.cluster.size_N).all()


def test_what_the_user_sets_holds_everywhere() -> None:
    told: dict[str, ParameterValue | str] = {
        "gpus": "6", "memory_gb": "96", "parts_per_gpu": "5", "load": "0.7", "budget": "0.5",
    }  # fmt: skip
    problem = PROBLEM.configured(told)
    for split in (Split.SEARCH, Split.HOLDOUT):
        for one in problem.instances(Tier.QUICK, split, seeds(split)):
            assert one.regime != "pairs"
            assert one.cluster.memory_G.tolist() == [96.0] * 6
            assert one.cluster.num_parts == 30
            assert one.cluster.size_N.sum() / 576 == pytest.approx(0.7, abs=0.02)
            if one.regime in ("drift", "surge"):
                assert one.cluster.budget_gb > 0.4 * one.cluster.size_N.sum()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"gpu": "4"}, "did you mean 'gpus'"),
        ({"gpus": "1"}, "gpus: expected two or more, found 1"),
        ({"gpus": "512", "parts_per_gpu": "20"}, r"gpus: expected gpus \* parts_per_gpu up to 4096, found 10240"),
        ({"load": "1.2"}, "load: expected a value from 0 to 0.97"),
        ({"memory_gb": "nan"}, "memory_gb: expected a number"),
        ({"gpus": "3", "parts_per_gpu": "1", "load": "0.97"}, "set a lower load, or more gpus or parts_per_gpu"),
        ({"suite": "prism"}, "suite: expected one of mixed, published"),
        ({"suite": "published", "gpus": "4"}, "suite: the public instances are as they are; expected no gpus"),
        ({"jitter": "0.1"}, "jitter: counts only for clusters of a file"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


@pytest.mark.parametrize("said", [{"gpus": "4"}, {"budget": "0.1"}, {"suite": "published"}])
def test_a_file_says_all_there_is(tmp_path: Path, said: dict[str, str]) -> None:
    path = tmp_path / "cluster.json"
    path.write_text(
        '{"gpus": [{"memory_gb": 80, "count": 2}], "models": [{"size_gb": 9, "rate": 1, "slo": 5, "parts": 2}, '
        '{"size_gb": 30, "rate": 9, "slo": 5}, {"size_gb": 20, "rate": 4, "slo": 9}]}'
    )
    with pytest.raises(ContractError, match="cluster: says what there is"):
        PROBLEM.configured({"cluster": str(path), **said})


def test_feedback_and_pictures_are_aggregates() -> None:
    results = played(PROBLEM, FIRST_FIT)
    text = PROBLEM.feedback(results)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "- tight: score 0" in text
    assert "as in ADRS" in text
    failed = InstanceResult(name="tight-9", regime="tight", outcome=Outcome.INVALID, detail="place: GPU 3")
    assert "- tight: invalid: place: GPU 3" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(results)] == [5, 5, 5]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared() -> None:
    reported = {name for result in played(PROBLEM, FIRST_FIT) for name in result.metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}
