from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.scheduling.transaction_order.recorded import read_recording
from evaluators.scheduling.transaction_order.scenario import Kind
from evaluators.scheduling.transaction_order.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed

ROWS = [["w-x", "r-y"], ["r-x"], ["w-y", "*", "w-x"], ["r-z", "r-y"]] * 5


def written(tmp_path: Path, content: object) -> str:
    path = tmp_path / "mine.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def seeds(split: Split = Split.SEARCH, seed: int = 1) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def test_the_report_split_plays_a_file_as_it_is(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"workload": written(tmp_path, {"one": ROWS, "two": ROWS[:3]})})
    one, two = problem.instances(Tier.REPORT, Split.REPORT, seeds(Split.REPORT))
    assert [one.name, two.name] == ["one", "two"]
    assert one.batch.lengths_N.tolist() == [2, 1, 3, 2] * 5
    assert two.batch.writes_NM.tolist() == [[True, False, False], [False, False, False], [True, False, True]]
    assert len(np.unique(two.batch.keys_NM[two.batch.keys_NM >= 0])) == 3  # x, y and the operation without a key
    assert one.window.kind is Kind.BATCH
    assert one.window.admit == 20


def test_other_splits_play_parts_in_other_orders(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"workload": written(tmp_path, ROWS)})
    scenarios = problem.instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert {scenario.regime for scenario in scenarios} == {"recorded"}
    assert {scenario.batch.size for scenario in scenarios} == {18}
    assert scenarios[0].batch.lengths_N.tolist() != scenarios[1].batch.lengths_N.tolist()
    assert problem.task.identity != PROBLEM.task.identity


def test_a_long_recording_is_played_in_stretches_that_no_other_split_sees(tmp_path: Path) -> None:
    rows = [["w-a"] * (1 + place // 100) for place in range(400)]  # lengths 1 to 4 say which quarter
    recording = read_recording(f"{written(tmp_path, rows)}@digest")
    rng = np.random.default_rng(0)
    seen = {
        split: {int(one) for index in range(20) for one in recording.part(index, 20, split, rng).lengths_N}
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)
    }
    assert seen == {Split.SEARCH: {1, 2}, Split.VALIDATION: {3}, Split.HOLDOUT: {4}}
    assert recording.part(0, 20, Split.SEARCH, rng).size == 20
    assert recording.part(0, 101, Split.SEARCH, rng).size == 360  # no stretch is as long


def test_a_recording_may_be_a_stream(tmp_path: Path) -> None:
    told = {"workload": written(tmp_path, ROWS), "kind": "stream", "waiting": "6", "admit": "3"}
    (*_, scenario) = PROBLEM.configured(told).instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert (scenario.batch.size, scenario.window.waiting, scenario.window.admit) == (18, 6, 3)


def test_a_recording_too_long_for_one_order_is_cut_in_the_report_split(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, [['w-a']] * 450)}@digest")
    assert [(name, batch.size) for name, batch in recording.whole(200)] == [
        ("mine-0", 200), ("mine-1", 200), ("mine-2", 50)
    ]  # fmt: skip


def test_no_transaction_is_played_alone(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, [['w-a']] * 401)}@digest")
    assert [batch.size for _, batch in recording.whole(200)] == [200, 200]
    assert [batch.size for _, batch in recording.whole(399)] == [399, 2]


def test_the_public_form_of_one_text_a_transaction_is_read_too(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"workload": written(tmp_path, {"txn0": "w-17 r-5 w-3", "txn1": "r-17 * w-5"})})
    (scenario,) = problem.instances(Tier.REPORT, Split.REPORT, seeds(Split.REPORT))
    assert scenario.name == "mine"
    assert scenario.batch.lengths_N.tolist() == [3, 3]
    assert scenario.batch.writes_NM.tolist() == [[True, False, True], [False, False, True]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("r-a w-b", "expected JSON, found"),
        (3, "expected a list of transactions, or an object"),
        ({}, "expected a list of transactions, or an object"),
        ([], "mine: expected a list of two or more transactions, found one of 0"),
        ([["w-a"]], "expected a list of two or more transactions, found one of 1"),
        ({"one": "w-a"}, "expected a list of two or more transactions, found one of 1"),
        ({"one": 5}, "one: expected a list of two or more transactions, found int"),
        ([["w-a"], []], "transaction 1: expected 1 to 1000 operations, found 0"),
        ([["w-a"], ["r-a"] * 1001], "transaction 1: expected 1 to 1000 operations, found 1001"),
        ([["w-a"], 7], "transaction 1: expected a list of operations, found int"),
        ([["w-a"], ["x-a"]], 'transaction 1, operation 0: expected "r-KEY", "w-KEY" or "\\*", found \'x-a\''),
        ([["w-a"], ["r-b", "wb"]], "transaction 1, operation 1: expected .* found 'wb'"),
        ([["w-a"], ["w-"]], "found 'w-'"),
        ([["w-a"], [None]], "found None"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"workload": written(tmp_path, content)})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot read"):
        PROBLEM.configured({"workload": str(tmp_path / "none.json")})
