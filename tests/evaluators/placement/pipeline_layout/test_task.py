"""The contract as a user and a program meet it, and what cheats get."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, InstanceResult, Outcome, Split, Tier
from evaluators.placement.pipeline_layout.network_file import Recording
from evaluators.placement.pipeline_layout.scenario import Scenario
from evaluators.placement.pipeline_layout.suite import HOLDOUT_REGIMES, LEAST_GAIN, SEARCH_REGIMES
from evaluators.placement.pipeline_layout.task import PROBLEM
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.in_process import InProcessCandidate

CLOCK = ClockPolicy()
ROOT = Path(__file__).parents[4]
IN_ORDER = (ROOT / "seeds" / "pipeline_layout" / "baselines" / "in_order.py").read_text()
RENTED = {
    "sites": ["a", "b"],
    "latency_ms": [[0.1, 40], [40, 0.1]],
    "gbit_s": [[25, 1], [0.5, 25]],
    "devices": [
        {"site": "a", "tflops": 60, "memory_gb": 32, "count": 4},
        {"site": "b", "tflops": 140, "memory_gb": 80, "count": 2},
    ],
}
Problem = SuiteProblem[Recording | None, Scenario]


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def played(source: str, problem: Problem = PROBLEM, split: Split = Split.SEARCH) -> list[InstanceResult]:
    instances = problem.instances(Tier.SMOKE, split, seeds(split))
    return [one.play(InProcessCandidate(source), CLOCK) for one in instances]


def test_devices_in_order_score_nothing_and_the_bound_one() -> None:
    for result in played(IN_ORDER):
        assert result.score == pytest.approx(0.0, abs=1e-12)
    for one in PROBLEM.instances(Tier.QUICK, Split.HOLDOUT, seeds(Split.HOLDOUT)):
        assert one.score(one.bound) == pytest.approx(1.0)
        assert -1 < one.score(1e12) < 0
        assert one.weak >= LEAST_GAIN * one.bound


CHEATS = {
    "one device twice": "stage[1], replica[1] = stage[0], replica[0]",
    "a layer left out": "layers[0] -= 1",
    "micro-batches left out": "batches[0] = 1",
    "devices counted from the end": "stage[-1] = -2",
    "all layers on one": "stage[:], replica[:], layers[:], batches[:] = -1, -1, 0, 0; stage[0] = replica[0] = 0; "
    "layers[0], batches[0] = job['layers'] * 100, job['micro_batches']",
}


@pytest.mark.parametrize("change", CHEATS.values(), ids=list(CHEATS))
def test_what_is_not_the_whole_job_is_no_answer(change: str) -> None:
    source = IN_ORDER.replace("def layout(", "def honest(") + (
        "\n\ndef layout(devices, latency_s, gb_per_s, job, seed):\n"
        "    found = honest(devices, latency_s, gb_per_s, job, seed)\n"
        "    stage, replica, layers, batches = (found[n] for n in ('stage', 'replica', 'layers', 'micro_batches'))\n"
        f"    {change}\n"
        "    return found\n"
    )
    with pytest.raises(CandidateFailure) as failure:
        played(source)
    assert failure.value.outcome is Outcome.INVALID


def test_speeding_up_the_network_in_the_arguments_gains_nothing() -> None:
    scenario = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())[0]
    devices, *links, job, _ = scenario.arguments()
    assert isinstance(devices, dict)
    assert isinstance(job, dict)
    for array in (*devices.values(), *links):
        assert isinstance(array, np.ndarray)
        array[:] = 1e9
    job["layers"] = 1
    assert scenario.play(InProcessCandidate(IN_ORDER), CLOCK).score == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_networks_are_as_their_regimes_say(split: Split) -> None:
    regimes = {one.name: one for one in (HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES)}
    scenarios = PROBLEM.instances(Tier.FULL, split, seeds(split))
    assert {one.regime for one in scenarios} == set(regimes)
    assert len({one.name for one in scenarios}) == len(scenarios) == 60
    for one in scenarios:
        regime, network = regimes[one.regime], one.network
        assert regime.devices[0] <= network.num_devices <= regime.devices[1]
        assert set(network.memory_D) <= {memory for _, memory in regime.cards}
        assert one.job.micro_batches in regime.micro_batches
        symmetric = np.allclose(network.rate_DD, network.rate_DD.T)
        assert symmetric or regime.upload < 1


def test_the_hold_out_has_names_links_and_sizes_of_its_own() -> None:
    for ours, theirs in (
        ({one.name for one in SEARCH_REGIMES}, {one.name for one in HOLDOUT_REGIMES}),
        ({one.gbit for one in SEARCH_REGIMES}, {one.gbit for one in HOLDOUT_REGIMES}),
    ):
        assert not ours & theirs
    assert max(one.devices[1] for one in HOLDOUT_REGIMES) > max(one.devices[1] for one in SEARCH_REGIMES)


def test_seeds_decide_everything() -> None:
    first, again, other = (PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds(seed=seed)) for seed in (3, 3, 4))
    for one, same, different in zip(first, again, other, strict=True):
        assert (one.network.rate_DD == same.network.rate_DD).all()
        assert (one.bound, one.job) == (same.bound, same.job)
        assert one.bound != different.bound


def test_what_the_user_sets_holds_everywhere() -> None:
    told = {"devices": "8", "layers": "12", "hidden": "1024", "micro_batches": "40", "sequence": "1024"}
    problem = PROBLEM.configured(told)
    for split in (Split.SEARCH, Split.HOLDOUT):
        for one in problem.instances(Tier.QUICK, split, seeds(split)):
            assert one.network.num_devices == 8
            assert (one.job.layers, one.job.hidden, one.job.micro_batches, one.job.sequence) == (12, 1024, 40, 1024)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"device": "4"}, "did you mean 'devices'"),
        ({"devices": "1"}, "devices: expected two or more, found 1"),
        ({"devices": "2", "hidden": "65536"}, "set more devices, or a smaller model"),
        ({"jitter": "0.1"}, "jitter: counts only for a network of a file"),
        ({"layers": "-1"}, "layers: expected a value from 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def written(folder: Path, content: object) -> str:
    path = folder / "rented.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_network_of_the_user_is_played_as_it_is_in_the_report(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"network": written(tmp_path, RENTED), "layers": "24", "hidden": "1536"})
    (reported,) = problem.instances(Tier.REPORT, Split.REPORT, seeds(Split.REPORT))
    assert sorted(reported.network.tflops_D) == [60.0] * 4 + [140.0] * 2
    assert reported.regime == "rented"
    sends_from_b = reported.network.rate_DD[np.ix_(reported.network.tflops_D == 140, reported.network.tflops_D == 60)]
    assert (sends_from_b == 0.0625).all()
    search = problem.instances(Tier.QUICK, Split.SEARCH, seeds())
    assert len(search) == 20
    assert len({tuple(one.network.tflops_D) for one in search}) == 20
    assert {result.regime for result in played(IN_ORDER, problem, Split.HOLDOUT)} == {"rented"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"sites": []}, "sites: expected a list that is not empty"),
        ({"sites": ["a", "a"]}, "sites: expected up to 128 different names"),
        ({"latency_ms": [[0.1, 40]]}, "latency_ms: expected a row for each of 2 sites, found 1"),
        ({"gbit_s": [[25, 1], [0.5]]}, "gbit_s: row 1: expected 2 numbers, found 1"),
        ({"gbit_s": [[25, 0], [0.5, 25]]}, "gbit_s: row 0: expected a number from 0.0001 to 1e"),
        ({"latency_ms": [[0.1, True], [40, 0.1]]}, "latency_ms: row 0: expected a number"),
        ({"devices": [{"site": "c", "tflops": 1, "memory_gb": 1}]}, "devices: 0: site: expected one of a, b"),
        ({"devices": [{"site": "a", "tflops": 1}]}, "devices: 0: expected memory_gb, found site, tflops"),
        ({"devices": [{"site": "a", "tflops": 9, "memory_gb": 80}]}, "devices: expected 2 to 128 devices, found 1"),
        ({"devices": [{"site": "a", "tflops": 9, "memory_gb": 80, "count": 0}]}, "count: expected a whole number"),
        ({"extra": 1}, "expected devices, gbit_s, latency_ms, sites, found extra"),
    ],
)
def test_files_that_are_no_network_are_refused_with_their_place(
    tmp_path: Path, changed: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"network": written(tmp_path, RENTED | changed)})


@pytest.mark.parametrize(
    ("content", "also", "sentence"),
    [
        ("{", {}, "expected JSON"),
        (RENTED, {"devices": "6"}, "expected no devices beside it"),
        (RENTED, {"hidden": "20000"}, "expected memory for a model of"),
    ],
)
def test_networks_on_which_nothing_can_be_played_are_refused(
    tmp_path: Path, content: object, also: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"network": written(tmp_path, content), **also})


def test_feedback_and_pictures_are_aggregates() -> None:
    results = played(IN_ORDER)
    text = PROBLEM.feedback(results)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "- world: score 0" in text
    failed = InstanceResult(name="rack-9", regime="rack", outcome=Outcome.INVALID, detail="layout: stage 3")
    assert "- rack: invalid: layout: stage 3" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(results)] == [5, 5]


def test_every_metric_is_declared() -> None:
    reported = {name for result in played(IN_ORDER) for name in result.metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}
