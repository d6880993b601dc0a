"""Makes an archive by a measured run, replays fifty of its evaluations, then edits rows and sees them caught.

``evolve run expert_replication --seed 1`` with planner time measured; programs are different each, all splits occur.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from archive.records import StoredEvaluation
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators.contract import Outcome
from evolve.cli.verifying import Check, Verifier, Wish
from evolve.execution.opening import local_backend
from evolve.identity import problem_of
from evolve.verification import Status

EDITS = {
    "a score, by one unit in the last place or so": "UPDATE instances SET score = score * (1 + 3e-16)",
    "a metric": "UPDATE instances SET metrics = replace(metrics, '\"planner_s\":', '\"planner_s\":1')",
    "the outcome": "UPDATE instances SET outcome = 'crashed', score = NULL",
}


def run(folder: Path, task: str, attempts: int) -> None:
    words = ["run", task, "--seed", "1", "--attempts", str(attempts), "--workers", "2", "--final-tier", "quick"]
    words += ["--archive", f"sqlite:///{folder}/run.db"]
    subprocess.run([sys.executable, "-m", "evolve.cli", *words], check=True, capture_output=True)


def archived(archive: Archive, number: int) -> list[StoredEvaluation]:
    """The newest evaluations with a workload worth the name: hold-out and validation first, then search."""
    (row,) = archive.runs()
    stored = [
        s
        for s in archive.evaluations_of_run(row.id)
        if s.evaluation.tier != "smoke" and s.evaluation.outcome is Outcome.SCORED
    ]
    rare = [s for s in stored if s.evaluation.split != "search"]
    return [*rare, *(s for s in reversed(stored) if s.evaluation.split == "search")][:number]


async def replay(archive: Archive, rows: Sequence[StoredEvaluation]) -> list[Check]:
    made = rows[0].evaluation
    problem = problem_of(archive, made.task, made.task_identity)
    async with local_backend(problem, {}, 2, allow_unsafe=False) as backend:
        verifiers = [
            Verifier(archive, archive.candidate(r.candidate_id), problem, Wish(replay_only=True)) for r in rows
        ]
        return list(await asyncio.gather(*(v.check(r, backend) for v, r in zip(verifiers, rows, strict=True))))


def edit(path: Path, statement: str, row_id: int) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"{statement} WHERE evaluation_id = ? AND ordinal = 2", (row_id,))
    connection.close()


def caught_edits(path: Path, rows: Sequence[StoredEvaluation]) -> dict[str, str]:
    """What `verify` says of one edited row each."""
    for row, statement in zip(rows, EDITS.values(), strict=False):
        edit(path, statement, row.id)
    with Archive.open(f"sqlite:///{path}", create=False, read_only=True) as archive:
        ids = [row.id for row in rows[: len(EDITS)]]
        edited = [s for row in rows[: len(EDITS)] for s in archive.evaluations(row.candidate_id) if s.id in ids]
        edited = list({s.id: s for s in edited}.values())
        checks = {check.stored.id: check for check in asyncio.run(replay(archive, edited))}
    return {what: f"{checks[i].status}: {checks[i].detail}" for what, i in zip(EDITS, ids, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="expert_replication")
    parser.add_argument("--attempts", type=int, default=40)
    parser.add_argument("--number", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "run.db"
        run(Path(name), arguments.task, arguments.attempts)
        with Archive.open(f"sqlite:///{path}", create=False, read_only=True) as archive:
            rows = archived(archive, arguments.number)
            began_s = time.perf_counter()
            checks = asyncio.run(replay(archive, rows))
            seconds = time.perf_counter() - began_s
        edits = caught_edits(path, rows)
    made = [row.evaluation for row in rows]
    write_result(
        "verify_fifty",
        {
            "task": arguments.task,
            "evaluations": len(rows),
            "programs": len({row.candidate_id for row in rows}),
            "splits": dict(Counter(str(evaluation.split) for evaluation in made)),
            "instances": sum(len(evaluation.instances) for evaluation in made),
            "stored_planner_delays": sum(len(i.delays_s) for evaluation in made for i in evaluation.instances),
            "of_which_not_zero": sum(d > 0 for evaluation in made for i in evaluation.instances for d in i.delays_s),
            "reproduced_bit_for_bit": sum(check.status is Status.REPRODUCED for check in checks),
            "not_reproduced": [check.detail for check in checks if check.status is not Status.REPRODUCED],
            "seconds": round(seconds, 1),
            "edited_rows": edits,
        },
    )


if __name__ == "__main__":
    main()
