"""Runs the same seed with one worker and with two, and compares the archives: programs, order and every score.

``evolve run expert_replication --attempts 200 --seed 1 --order index --planner-clock modelled``
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from archive.records import Attempt
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators.contract import Split
from evaluators.jsonable import dumps


def run(path: Path, task: str, attempts: int, workers: int) -> float:
    """Wall seconds of one run into `path`."""
    words = ["run", task, "--seed", "1", "--order", "index", "--planner-clock", "modelled", "--attempts", str(attempts)]
    words += ["--workers", str(workers), "--final-tier", "quick", "--finalists", "1", "--archive", f"sqlite:///{path}"]
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-m", "evolve.cli", *words], check=True, capture_output=True)
    return time.perf_counter() - began_s


def timeless(attempt: Attempt) -> tuple[object, ...]:
    """The attempt without its run and its clock times."""
    return (
        attempt.index,
        attempt.state,
        attempt.island,
        attempt.operator,
        attempt.parent_id,
        attempt.inspiration_ids,
        attempt.candidate_id,
        attempt.change,
        attempt.rejection,
        attempt.tell_order,
    )


Scores = Mapping[tuple[str, str, str], Sequence[tuple[object, ...]]]


def content(path: Path) -> tuple[list[tuple[object, ...]], Scores]:
    """Attempts in order, and every instance of every evaluation that is not on the hold-out (whose secret differs).

    Of an instance its name, outcome, score and metrics count; the words of a failure may hold an address or a time.
    """
    with Archive.open(f"sqlite:///{path}", create=False, read_only=True) as archive:
        (run_row,) = archive.runs()
        attempts = [timeless(attempt) for attempt in archive.attempts(run_row.id)]
        scores = {
            (s.candidate_id, str(s.evaluation.tier), str(s.evaluation.split)): [
                (i.name, i.outcome, i.score, dumps(i.metrics)) for i in s.evaluation.instances
            ]
            for s in archive.evaluations_of_run(run_row.id)
            if s.evaluation.split is not Split.HOLDOUT
        }
    return attempts, scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="expert_replication")
    parser.add_argument("--attempts", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = {workers: Path(folder) / f"{workers}.db" for workers in (1, 2)}
        seconds = {w: round(run(path, arguments.task, arguments.attempts, w), 1) for w, path in paths.items()}
        (attempts_1, scores_1), (attempts_2, scores_2) = (content(path) for path in paths.values())
    write_result(
        "repeatability",
        {
            "task": arguments.task,
            "attempts": len(attempts_1),
            "same_attempts_in_the_same_order": attempts_1 == attempts_2,
            "evaluations": len(scores_1),
            "same_scores_of_every_instance": scores_1 == scores_2,
            "differing": sorted(
                key for key in scores_1.keys() | scores_2.keys() if scores_1.get(key) != scores_2.get(key)
            ),
            "seconds_with_1_worker": seconds[1],
            "seconds_with_2_workers": seconds[2],
        },
    )


if __name__ == "__main__":
    main()
