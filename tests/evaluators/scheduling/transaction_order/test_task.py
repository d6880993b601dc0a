from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.scheduling.transaction_order.patterns import PATTERNS
from evaluators.scheduling.transaction_order.recorded import Recording
from evaluators.scheduling.transaction_order.scenario import Kind, Scenario
from evaluators.scheduling.transaction_order.suite import (
    HOLDOUT_SIZES,
    HOLDOUT_WINDOWS,
    SEARCH_SIZES,
    SEARCH_WINDOWS,
    recipes,
)
from evaluators.scheduling.transaction_order.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.transaction_order.batches import ARRIVAL, CLOCK, SHORTEST
from tests.in_process import InProcessCandidate

SEARCH_REGIMES = ["smallbank", "tpcc", "ycsb", "hot_reads", "uniform", "stream"]
HOLDOUT_REGIMES = ["epinions", "taobench", "auction", "ycsb_long", "stream"]


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def smoke(
    problem: SuiteProblem[Recording | None, Scenario], split: Split = Split.SEARCH, seed: int = 0
) -> list[Scenario]:
    return list(problem.instances(Tier.SMOKE, split, seeds(split, seed)))


def results(problem: SuiteProblem[Recording | None, Scenario], source: str) -> list[InstanceResult]:
    return [scenario.play(InProcessCandidate(source), CLOCK) for scenario in smoke(problem)]


def test_the_hold_out_has_other_patterns_sizes_and_windows() -> None:
    assert not set(SEARCH_SIZES) & set(HOLDOUT_SIZES)
    assert not set(SEARCH_WINDOWS) & set(HOLDOUT_WINDOWS)
    search, holdout = (recipes(Tier.FULL, split, {}) for split in (Split.SEARCH, Split.HOLDOUT))
    assert list(dict.fromkeys(recipe.regime for recipe in search)) == SEARCH_REGIMES
    assert list(dict.fromkeys(recipe.regime for recipe in holdout)) == HOLDOUT_REGIMES
    assert not {recipe.pattern for recipe in search} & {recipe.pattern for recipe in holdout}


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT, Split.REPORT])
@pytest.mark.parametrize("tier", [Tier.QUICK, Tier.FULL])
def test_names_are_unique_and_there_are_enough(tier: Tier, split: Split) -> None:
    names = [recipe.name for recipe in recipes(tier, split, {})]
    assert len(set(names)) == len(names) >= 12


def test_seeds_decide_everything() -> None:
    first, again, other = (smoke(PROBLEM, seed=seed) for seed in (3, 3, 4))
    assert all((a.batch.keys_NM == b.batch.keys_NM).all() and a.bound == b.bound
               for a, b in zip(first, again, strict=True))  # fmt: skip
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.weak != c.weak for a, c in zip(first, other, strict=True))


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_has_conflicts_and_something_to_gain(name: str) -> None:
    problem = PROBLEM.configured({"pattern": name, "transactions": "60", "kind": "batch"})
    scenarios = smoke(problem)
    assert {scenario.regime for scenario in scenarios} == {name}
    assert np.mean([scenario.weak / scenario.bound for scenario in scenarios]) > 1.15
    for scenario in scenarios:
        keys = scenario.batch.keys_NM
        assert sorted(set(keys[keys >= 0].tolist())) == list(range(keys.max() + 1))


def test_a_skew_makes_keys_hotter() -> None:
    flat, steep = (
        smoke(PROBLEM.configured({"pattern": "ycsb", "skew": skew, "transactions": 60, "kind": "batch"}))
        for skew in (0.3, 1.5)
    )
    assert sum(one.bound for one in steep) > 1.5 * sum(one.bound for one in flat)


def test_what_the_user_sets_holds_everywhere() -> None:
    told: dict[str, ParameterValue | str] = {
        "transactions": "25", "kind": "stream", "waiting": "7", "admit": "3", "pattern": "tpcc"
    }  # fmt: skip
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in smoke(PROBLEM.configured(told), split):
            window = scenario.window
            assert (scenario.batch.size, window.kind, window.waiting, window.admit) == (25, Kind.STREAM, 7, 3)


def test_a_long_search_gives_a_known_makespan() -> None:
    for scenario in smoke(PROBLEM.configured({"known_moves": "50"})):
        assert scenario.best_known is not None
        assert scenario.bound <= scenario.best_known


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"transaction": "60"}, "did you mean 'transactions'"),
        ({"transactions": "1"}, "transactions: expected two or more, found 1"),
        ({"transactions": "9999"}, "transactions: expected a value from 0 to 400"),
        ({"kind": "batches"}, "kind: expected one of mixed, batch, stream"),
        ({"kind": "batch", "waiting": "9"}, "waiting, admit: count only in a stream"),
        ({"waiting": "8", "admit": "9"}, r"admit: expected at most as many as wait \(8\), found 9"),
        ({"admit": "30"}, r"admit: expected at most as many as wait \(24\), found 30"),
        ({"pattern": "tpch"}, "pattern: expected one of mixed, smallbank"),
        ({"pattern": "tpcc", "skew": "0.5"}, "skew: the pattern tpcc has none; expected one of smallbank, ycsb"),
        ({"skew": "nan"}, "skew: expected a number"),
        ({"skew": "9"}, "skew: expected a value from -1 to 3"),
        ({"skew": "-0.5"}, "skew: expected 0 or more, or -1 for the scenario's own, found -0.5"),
        ({"waiting": "1"}, "waiting: expected a value from 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def test_a_pattern_beside_a_workload_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('[["w-a"], ["w-a"]]')
    with pytest.raises(ContractError, match="expected no pattern or skew beside it"):
        PROBLEM.configured({"workload": str(path), "pattern": "ycsb"})


@pytest.mark.parametrize("beside", [{"waiting": "2"}, {"admit": "2"}, {"kind": "batch", "waiting": "2"}])
def test_a_window_beside_a_workload_that_is_no_stream_is_refused(tmp_path: Path, beside: dict[str, str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text('[["w-a"], ["w-a"]]')
    with pytest.raises(ContractError, match="waiting, admit: count only in a stream; set kind=stream"):
        PROBLEM.configured({"workload": str(path), **beside})


def test_feedback_and_pictures_are_aggregates() -> None:
    played = results(PROBLEM, SHORTEST)
    text = PROBLEM.feedback(played)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "tpcc: score" in text
    failed = InstanceResult(name="ycsb-9", regime="ycsb", outcome=Outcome.INVALID, detail="order: expected")
    assert "- ycsb: invalid: order: expected" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [6, 6]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared() -> None:
    problem = PROBLEM.configured({"known_moves": "5"})
    reported = {name for result in results(problem, ARRIVAL) for name in result.metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}
