from __future__ import annotations

import json
import signal
from pathlib import Path

from archive.store import Archive
from evaluators.contract import Split
from tests.end_to_end.commands import evolve, evolve_rows, started

WORDS = (
    "benchmark",
    "toy",
    "--strategies",
    "weighted,best_of_n",
    "--evaluations",
    "12",
    "--repeats",
    "2",
    "--out",
    ".",
)


def test_a_benchmark_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    process = started(tmp_path, *WORDS)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("1 of 4 runs done"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the same command goes on" in errors

    again = evolve(tmp_path, *WORDS)
    assert again.returncode == 0, again.stderr
    assert "ends highest on the hold-out" in again.stdout
    runs = evolve_rows(tmp_path, "runs", "--archive", "sqlite:///benchmark.db")
    assert len(runs) == 4
    document = json.loads((tmp_path / "strategies_toy.json").read_text())
    assert [len(curve["holdout"]) for curve in document["curves"]] == [13] * 4
    with Archive.open(f"sqlite:///{tmp_path}/benchmark.db") as archive:
        rows = [row for run in archive.runs() for row in archive.evaluations_of_run(run.id)]
    archived = {row.candidate_id: row.evaluation for row in rows if row.evaluation.split is Split.HOLDOUT}
    for curve in document["curves"]:
        assert curve["leader_holdout"] == archived[curve["leaders"][-1]["candidate_id"]].objective
        assert curve["holdout"][-1] == archived[curve["champions"][-1]["candidate_id"]].objective
    assert document["run_file"]["evaluations"] == 12
    assert document["changes"]["weighted"] == {"sampler": "weighted"}
    assert set(document["baselines"]) == {"half", "median"}


def test_an_unknown_strategy_names_the_nearest(tmp_path: Path) -> None:
    done = evolve(tmp_path, "benchmark", "toy", "--strategies", "weigthed")
    assert done.returncode == 1
    assert "did you mean 'weighted'" in done.stderr


def test_a_strategy_for_models_without_models_is_refused(tmp_path: Path) -> None:
    done = evolve(tmp_path, "benchmark", "toy", "--strategies", "default,advice")
    assert done.returncode == 1
    assert "advice: needs models, name them in a run file (--config FILE)" in done.stderr
