"""Files as users have them: from spreadsheets, from Windows, packed, cut off, of another kind."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError
from evaluators.registry import problem
from evaluators.user_array import array_of, whole_numbers
from evaluators.user_file import read_json, read_text, told_columns

JOBS = "arrival_s,cpu,memory,seconds,weight\n" + "".join(f"{3 * i},1,{2 + i % 5},{20 + i % 70},1\n" for i in range(200))
REGIONS = ("aws:a", "aws:b", "aws:c", "gcp:d", "gcp:e", "azure:f", "azure:g")
GRID = "src_region,dst_region,gbps,usd_per_gb\n" + "".join(
    f"{here},{there},{1 + i},0.0{1 + j}\n"
    for i, here in enumerate(REGIONS)
    for j, there in enumerate(REGIONS)
    if i != j
)
CLUSTER = {
    "gpus": [{"memory_gb": 40, "count": 3}],
    "models": [{"size_gb": size, "rate": 3, "slo": 5} for size in (20, 16, 12, 9, 7)],
}
SHOP = {"a": {"d": [[3, 4, 2], [5, 1, 4], [2, 2, 6]], "m": [[0, 1, 2], [1, 2, 0], [2, 0, 1]]}}
SPOT = {"zones": {"a": [{"state": ("up", "down")[i % 2], "seconds": 9000 + 700 * (i % 7)} for i in range(200)]}}
LOADS = {"load_history": [{"logical_expert_load": [[5, 1, 90, 7, 3, 40, 2, 9, 4, 4]]} for _ in range(200)]}
DRAWN = random.Random(0)
TRANSACTIONS = [[f"{DRAWN.choice('rw')}-{DRAWN.randrange(9)}" for _ in range(5)] for _ in range(60)]
NETWORK = {
    "sites": ["a", "b"],
    "latency_ms": [[0.1, 60], [60, 0.1]],
    "gbit_s": [[100, 2], [1, 25]],
    "devices": [{"site": s, "tflops": f, "memory_gb": 40, "count": 4} for s, f in (("a", 140), ("b", 55), ("a", 90))],
}
LAYERS = "forward_us,input_us,weight_us,activation_mb,kept_mb\n" + "".join(
    f"{100 + i},{120 + i},{80 + i},{9 + i % 3},{4 + i % 3}\n" for i in range(12)
)
GRAPH = {
    "tasks": {f"t{i}": 10 + 7 * (i % 5) for i in range(20)},
    "edges": [[f"t{i}", f"t{j}", 1000 * (i + 1)] for i in range(20) for j in (2 * i + 1, 2 * i + 2) if j < 20],
}
TABLE = "user,item\n" + "".join(f"u{i % 7},a title that is long {i % 5}\n" for i in range(60))
TRAFFIC = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:{i // 60:02d}:{i % 60:02d}.0000000,{100 + i % 50},{20 + i % 7}\n" for i in range(600)
)
TEXTS = {
    ("broadcast", "grid"): GRID,
    ("cluster_balance", "trace"): JOBS,
    ("model_packing", "cluster"): json.dumps(CLUSTER, indent=1),
    ("job_shop", "instances"): json.dumps(SHOP, indent=1),
    ("spot_deadline", "trace"): json.dumps(SPOT, indent=1),
    ("expert_replication", "loads"): json.dumps(LOADS, indent=1),
    ("transaction_order", "workload"): json.dumps(TRANSACTIONS, indent=1),
    ("sequence_split", "lengths"): json.dumps([100 + 7 * i for i in range(600)], indent=1),
    ("pipeline_layout", "network"): json.dumps(NETWORK, indent=1),
    ("pipeline_schedule", "profile"): LAYERS,
    ("task_graph", "graph"): json.dumps(GRAPH, indent=1),
    ("table_reorder", "table"): TABLE,
    ("llm_serving", "trace"): TRAFFIC,
}
KINDS: dict[str, Callable[[str], bytes]] = {
    "mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "windows": lambda text: text.replace("\n", "\r\n").encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "an empty line at the end": lambda text: text.encode() + b"\n",
}
BROKEN = {
    "empty": b"",
    "damaged": b"\x1f\x8b" + 90 * b"\xff",
    "latin-1": b"name,more\ncaf\xe9,1\n",
    "a spreadsheet": b"PK\x03\x04" + 90 * b"\0",
    "brackets without end": 20_000 * b'{"a":',
    "a long line": 200_000 * b"a" + b"\n",
}
CUT = (-9, -4)  # bytes of a gzip file, the last eight of which only check it


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TEXTS, ids=lambda task: task[0])
def test_a_file_says_the_same_however_it_was_written(tmp_path: Path, task: tuple[str, str], kind: str) -> None:
    name, parameter = task
    path = tmp_path / "mine.dat"
    path.write_bytes(KINDS[kind](TEXTS[task]))
    problem(name).configured({parameter: str(path)})


def refused(task: tuple[str, str], path: Path, content: bytes) -> str:
    """The sentence by which a task refuses its file with this content."""
    path.write_bytes(content)
    with pytest.raises(ContractError) as refusal:
        problem(task[0]).configured({task[1]: str(path)})
    return str(refusal.value)


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("task", TEXTS, ids=lambda task: task[0])
def test_a_broken_file_is_refused_in_a_sentence_that_can_be_read(
    tmp_path: Path, task: tuple[str, str], kind: str
) -> None:
    sentence = refused(task, tmp_path / "mine.dat", BROKEN[kind])
    assert "mine.dat" in sentence
    assert len(sentence) < 600


@pytest.mark.parametrize("end", CUT)
@pytest.mark.parametrize("task", TEXTS, ids=lambda task: task[0])
def test_a_gzip_file_that_is_cut_off_is_refused(tmp_path: Path, task: tuple[str, str], end: int) -> None:
    packed = gzip.compress(TEXTS[task].encode())
    assert "Compressed file ended before" in refused(task, tmp_path / "mine.gz", packed[:end])


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"

    def refusal(content: bytes, most_bytes: int = 1 << 20) -> str:
        path.write_bytes(content)
        with pytest.raises(ContractError) as error:
            read_text(path, "table mine.csv", "CSV", most_bytes)
        return str(error.value)

    assert refusal(b"a,b\n1,\xe9\n") == (
        "table mine.csv, line 2: expected CSV in UTF-8, found the byte 0xe9; save the file as UTF-8"
    )
    assert "expected CSV, found a zip archive, as .xlsx and .npz are" in refusal(b"PK\x03\x04...")
    assert "gzipped or not, found Compressed file ended" in refusal(gzip.compress(b"a,b")[:-4])
    assert refusal(gzip.compress(2_000_000 * b"a")) == "table mine.csv: expected at most 1 MiB of CSV, found more"


def test_an_object_that_names_something_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"a": [1], "b": [2], "a": [3]}')
    with pytest.raises(ContractError, match="expected JSON, found the name 'a' twice in one object"):
        read_json(path, "mine.json")
    path.write_text(" \n")
    with pytest.raises(ContractError, match="expected JSON, found an empty file"):
        read_json(path, "mine.json")


def test_a_line_of_names_is_told_with_what_separates_it() -> None:
    assert told_columns(["a", "b"]) == "'a,b'"
    assert told_columns(["a;b"]) == "'a;b', separated by semicolons instead of commas"
    assert told_columns(["a\tb"]).endswith("separated by tabs instead of commas")
    assert told_columns([]) == "an empty file"
    assert len(told_columns(["a" * 1000])) < 200


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "an empty file"), (b"1,2\n", "another kind of file"), (b"PK\x03\x04", "an archive of arrays")],
)
def test_what_is_no_array_is_told_as_what_it_is(content: bytes, found: str) -> None:
    with pytest.raises(ContractError, match=f"trace mine: expected integers, found {found}"):
        array_of(content, "trace mine", "integers")


def test_ids_beyond_int64_do_not_turn_negative() -> None:
    assert whole_numbers(np.array([3, 2**63 + 5], dtype=np.uint64)).tolist() == [3, 2**63 - 1]
