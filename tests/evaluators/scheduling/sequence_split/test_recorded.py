from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.scheduling.sequence_split.recorded import Recording, read_recording
from evaluators.scheduling.sequence_split.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed

TRACES = os.environ.get("EVENKEEL_TRACES", "")


def written(folder: Path, text: str) -> str:
    path = folder / "mine.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[10, 20,", "expected a JSON list or a .npy, found"),
        ('{"a": [10, 20]}', "expected a list of whole numbers, found dict"),
        ("[10]", "expected two or more lengths, found 1"),
        ("[10, 2.5]", "entry 1: expected 1 to 10000000 tokens, found 2.5"),
        ('[10, 20, "30"]', "entry 2: expected 1 to 10000000 tokens, found 30"),
        ("[true, 20]", "entry 0: expected 1 to 10000000 tokens, found True"),
        ("[10, 0]", "entry 1: expected 1 to 10000000 tokens, found 0"),
        ("[10, -3]", "entry 1: .* found -3"),
        ("[10, null]", "entry 1: .* found None"),
        ("[10, [20]]", r"entry 1: .* found \[20\]"),
        (f"[10, {10**30}]", "entry 1: expected 1 to 10000000 tokens, found 1000"),
        ("", "expected a JSON list or a .npy, found"),
    ],
)
def test_files_that_are_no_lengths_are_refused_with_their_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"lengths": written(tmp_path, text)})


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.ones(5), "integer dtype, found shape \\(5,\\) of float64"),
        (np.ones((2, 3), dtype=np.int64), "one dimension .* found shape \\(2, 3\\)"),
        (np.array([5, -1]), "entry 1: expected 1 to 10000000 tokens, found -1"),
        (np.array([5, 2**64 - 1], dtype=np.uint64), "entry 1: expected 1 to 10000000"),
        (np.array(["a", None], dtype=object), "expected a .npy of whole numbers"),
    ],
)
def test_arrays_that_are_no_lengths_are_refused(tmp_path: Path, array: np.ndarray, sentence: str) -> None:
    path = tmp_path / "mine.npy"
    np.save(path, array)
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"lengths": str(path)})


def test_a_cut_off_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npy"
    np.save(path, np.arange(1, 100))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ContractError, match="expected a .npy of whole numbers"):
        PROBLEM.configured({"lengths": str(path)})


def test_both_forms_read_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(1, 400, dtype=np.uint16))
    (tmp_path / "b.json").write_text(json.dumps(list(range(1, 400))))
    one, other = (read_recording(f"{tmp_path / name}@0").lengths for name in ("a.npy", "b.json"))
    assert (one == other).all()
    assert one.dtype == np.int64


def test_the_report_split_plays_the_file_in_order(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"lengths": written(tmp_path, json.dumps(list(range(1, 101)))), "sequences": "40"})
    scenarios = problem.instances(Tier.FULL, Split.REPORT, SeedSource(secret_from_seed(0), Split.REPORT))
    assert [scenario.batch.lengths_N.tolist() for scenario in scenarios] == [
        list(range(1, 41)), list(range(41, 81)), list(range(81, 101)),
    ]  # fmt: skip


def test_splits_play_stretches_that_are_apart() -> None:
    recording = Recording(np.arange(1, 1001))
    rng = np.random.default_rng(0)
    for _ in range(30):
        search, validation, holdout = (
            recording.part(100, split, rng) for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)
        )
        assert search.max() <= 500 < validation.min()
        assert validation.max() <= 750 < holdout.min()


def test_a_short_file_gives_parts_in_random_order() -> None:
    part = Recording(np.arange(1, 101)).part(256, Split.SEARCH, np.random.default_rng(0))
    assert len(part) == len(set(part.tolist())) == 90


def test_a_cap_that_the_longest_cannot_fit_under_is_refused(tmp_path: Path) -> None:
    lengths = written(tmp_path, json.dumps([100] * 50 + [9000]))
    with pytest.raises(ContractError, match="cap: 4 ranks of 2000 tokens hold 8000, but sequences have up to 9000"):
        PROBLEM.configured({"lengths": lengths, "ranks": "4", "cap": "2000"})
    PROBLEM.configured({"lengths": lengths, "ranks": "4", "cap": "2250"})


@pytest.mark.skipif(not TRACES, reason="set EVENKEEL_TRACES to the folder of the public traces")
@pytest.mark.parametrize("name", ["AzureLLMInferenceTrace_code.csv.gz", "mooncake_conversation_trace.jsonl.gz"])
def test_lengths_of_public_traces_make_batches(name: str, tmp_path: Path) -> None:
    with gzip.open(Path(TRACES) / name, "rt", encoding="utf-8") as lines:
        if "jsonl" in name:
            lengths = [row["input_length"] + row["output_length"] for row in map(json.loads, lines)]
        else:
            lengths = [int(row["ContextTokens"]) + int(row["GeneratedTokens"]) for row in csv.DictReader(lines)]
    problem = PROBLEM.configured({"lengths": written(tmp_path, json.dumps(lengths))})
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in problem.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(0), split)):
            assert scenario.batch.size == 256
            assert scenario.bound_us < scenario.weak_us
