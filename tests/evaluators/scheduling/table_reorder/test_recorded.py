from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.scheduling.table_reorder.cache import Cache
from evaluators.scheduling.table_reorder.recorded import read_recording
from evaluators.scheduling.table_reorder.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed

TEXT = 'title,review,score\nAlien,"good, really",5\nAlien,bad,5\nHeat,good,\n"He said ""no""","two\nlines",3\n'


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def seeds(split: Split = Split.SEARCH, seed: int = 1) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def rows_of(count: int) -> str:
    return "key,quarter\n" + "".join(f"{row},{'x' * (1 + 4 * (4 * row // count))}\n" for row in range(count))


def test_the_report_split_plays_a_file_as_it_is(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"table": written(tmp_path, TEXT), "block": 8})
    (scenario,) = problem.instances(Tier.REPORT, Split.REPORT, seeds(Split.REPORT))
    assert scenario.name == "mine"
    assert scenario.table.values_NC.tolist() == [[0, 0, 0], [0, 1, 0], [1, 2, 1], [2, 3, 2]]
    assert scenario.cache == Cache(block=8, capacity=-(-scenario.table.tokens // 8) * 8, in_flight=1)


def test_tokens_are_characters_of_name_and_value_and_three_divided_by_four(tmp_path: Path) -> None:
    (_, table), *_ = read_recording(f"{written(tmp_path, TEXT)}@digest").whole(9)
    assert table.lengths_NC[0].tolist() == [4, 6, 3]  # title: Alien 13; review: good, really 21; score: 5 9
    assert table.lengths_NC[2].tolist() == [3, 4, 2]  # an empty cell has its name


def test_other_splits_play_parts_in_the_order_of_the_file(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"table": written(tmp_path, rows_of(20))})
    scenarios = problem.instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert {scenario.regime for scenario in scenarios} == {"recorded"}
    assert {scenario.table.num_rows for scenario in scenarios} == {18}
    for scenario in scenarios:
        assert (np.diff(scenario.table.lengths_NC[:, 1]) >= 0).all()
    assert {scenario.cache.in_flight for scenario in scenarios} == {1, 8, 16}  # engines in turns
    assert problem.task.identity != PROBLEM.task.identity


def test_a_long_table_is_played_in_stretches_that_no_other_split_sees(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, rows_of(400))}@digest")
    rng = np.random.default_rng(0)
    seen = {
        split: {int(one) for _ in range(20) for one in recording.part(20, split, rng).lengths_NC[:, 1]}
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)
    }
    assert seen == {Split.SEARCH: {3, 4}, Split.VALIDATION: {5}, Split.HOLDOUT: {6}}
    assert recording.part(101, Split.SEARCH, rng).num_rows == 360  # no stretch is as long


def test_a_table_too_long_for_one_plan_is_cut_in_the_report_split(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, rows_of(3100))}@digest")
    assert [(name, table.num_rows) for name, table in recording.whole(2000)] == [("mine-0", 2000), ("mine-1", 1100)]


def test_no_row_is_played_alone(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, rows_of(3001))}@digest")
    assert [table.num_rows for _, table in recording.whole(1500)] == [1500, 1500]
    assert [table.num_rows for _, table in recording.whole(2999)] == [2999, 2]


def test_a_file_of_a_spreadsheet_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    recording = read_recording(f"{written(tmp_path, chr(0xFEFF) + TEXT.replace(chr(10), chr(13) + chr(10)))}@digest")
    assert recording.names == ["title", "review", "score"]
    assert len(recording.rows) == 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: expected the names of 2 to 40 columns, found 0"),
        ("a\n1\n2\n", "line 1: expected the names of 2 to 40 columns, found 1"),
        (",".join(f"c{i}" for i in range(41)) + "\n", "line 1: expected the names of 2 to 40 columns, found 41"),
        ("a,\n1,2\n3,4\n", "line 1: expected a name for column 2, found none"),
        ("a,b,a\n1,2,3\n", "line 1: expected different names, found 'a' twice"),
        ("a,b\n1,2\n3\n", "line 3: expected 2 cells, found 1"),
        ("a,b\n1,2\n3,4,5\n", "line 3: expected 2 cells, found 3"),
        ("a,b\n1,2\n", "expected two or more rows below the names, found 1"),
        ('a,b\n1,2\n"3,4\n', "line 3: expected CSV, found"),
        ('a,b\n1,2\n"3"x,4\n', "line 3: expected CSV, found"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"table": written(tmp_path, text)})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(ContractError, match="expected CSV in UTF-8, found"):
        PROBLEM.configured({"table": str(path)})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot read"):
        PROBLEM.configured({"table": str(tmp_path / "none.csv")})
