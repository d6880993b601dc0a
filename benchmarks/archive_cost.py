"""What the archive costs: CPU per attempt, and whether add, duplicate check and leaderboard stay flat as it grows.

Usage: ``python -m benchmarks.archive_cost [--million] [--postgres URL-of-an-empty-database]``

One attempt is asked, replied (4 kB program), evaluating, smoke and quick with twelve instances each, both looked up
first, and told: six writing transactions and two reads. All candidates of a filled archive are in ONE run, the worst
case of the duplicate check. CPU is this process's: on PostgreSQL the server's comes on top. Each figure is the median.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, insert

from archive import schema
from archive.evaluation_mapping import evaluation_values, instance_values
from archive.mapping import Values, attempt_values
from archive.packing import pack_text
from archive.queries import leaderboard
from archive.records import Attempt, AttemptState, Candidate, EvaluationKey, Founder, FounderRole, Run, candidate_id
from archive.shared_rows import Circumstances
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators.contract import Environment, Evaluation, InstanceResult, Outcome, Split, Tier
from evaluators.seeding import SeedSource

RUN_ID, TASK_IDENTITY, ENVIRONMENT_CLASS = "benchrun", "0123456789ab", "x86_64 | numpy2.1 | rlimit+seccomp+landlock7"
CHUNK = 2_000
REPEATS = 300
PROGRAM = "".join(f"    load_{i} = weights[{i}] * demand.sum() / (1.0 + penalty)\n" for i in range(70))  # 4 kB
ENVIRONMENT = Environment(
    cpu_model="benchmark",
    architecture="x86_64",
    operating_system="Linux",
    python="3.11",
    libraries={"numpy": "2.1.0", "scipy": "1.14.0"},
    sandbox="rlimit+seccomp+landlock7",
    evaluator_revision="benchmark",
)
RUN = Run(
    id=RUN_ID,
    task="toy",
    task_identity=TASK_IDENTITY,
    parameters={"gpus": 16},
    seed=1,
    secret="s" * 32,
    config="{}",
    software="benchmark",
    created_at="2026-01-01T00:00:00+00:00",
)


def source_of(number: int) -> str:
    return f"def place(weights, demand, penalty={number}):\n{PROGRAM}    return load_0\n"


def digest_of(number: int) -> str:
    return hashlib.sha256(f"tree {number}".encode()).hexdigest()


def score_of(number: int) -> float:
    return int(digest_of(number)[:12], 16) / 16**12


def evaluation_of(score: float, tier: Tier, split: Split = Split.SEARCH) -> Evaluation:
    instances = tuple(
        InstanceResult(
            name=f"instance-{i}",
            regime=f"regime-{i % 3}",
            outcome=Outcome.SCORED,
            score=score + (i - 5.5) / 100,
            metrics={"balance": 0.123456789 * i, "moved_bytes": 1234567.0},
        )
        for i in range(12)
    )
    return Evaluation(
        task="toy",
        task_identity=TASK_IDENTITY,
        tier=tier,
        split=split,
        outcome=Outcome.SCORED,
        objective=score,
        metrics={"balance": 0.75, "moved_bytes": 1234567.0},
        instances=instances,
        feedback="the busiest GPU carries 1.31 of the mean load; regime-2 is the worst\n" * 8,
        environment=ENVIRONMENT,
        environment_class=ENVIRONMENT_CLASS,
        seeds=SeedSource(RUN.secret, split).digest(),
        cpu_s=1.0,
        wall_s=1.0,
    )


def key_of(program_id: str, evaluation: Evaluation) -> EvaluationKey:
    return EvaluationKey(
        candidate_id=program_id,
        task_identity=TASK_IDENTITY,
        tier=evaluation.tier,
        split=evaluation.split,
        seeds=evaluation.seeds,
        environment_class=ENVIRONMENT_CLASS,
        planner_clock="measured",
    )


def asked(index: int, parent_id: str) -> Attempt:
    return Attempt(
        run_id=RUN_ID,
        index=index,
        state=AttemptState.ASKED,
        island=index % 4,
        proposer="genetic",
        operator="crossover",
        parent_id=parent_id,
        inspiration_ids=(parent_id, parent_id),
        num_tells=index,
        asked_at=RUN.created_at,
    )


def carry_attempt(archive: Archive, index: int, parent_id: str, candidate: Candidate) -> None:
    """One attempt from asked to told."""
    attempt = asked(index, parent_id)
    archive.add_attempt(attempt)
    attempt = replace(attempt, state=AttemptState.REPLIED, candidate_id=candidate.id, change="a constant")
    archive.record_replied(attempt, candidate)
    attempt = replace(attempt, state=AttemptState.EVALUATING)
    archive.advance_attempt(attempt, expected=AttemptState.REPLIED)
    for tier in (Tier.SMOKE, Tier.QUICK):
        evaluation = evaluation_of(0.5, tier)
        key = key_of(candidate.id, evaluation)
        if archive.find_evaluation(key) is None:
            archive.add_evaluation(candidate.id, evaluation, key, RUN_ID, index)
    archive.record_told(replace(attempt, state=AttemptState.RECORDED, told_at=RUN.created_at, tell_order=index))


def begin(archive: Archive) -> str:
    """A run with ten baselines that have hold-out scores; returns the first one's id."""
    archive.add_run(RUN)
    founders = [Candidate.of(f"baseline = {number}\n", digest_of(-1 - number)) for number in range(10)]
    for ordinal, candidate in enumerate(founders):
        archive.add_candidate(candidate)
        archive.add_founder(
            Founder(
                run_id=RUN_ID,
                ordinal=ordinal,
                role=FounderRole.BASELINE,
                name=f"baseline_{ordinal}",
                candidate_id=candidate.id,
            )
        )
        for evaluation in (evaluation_of(0.4, Tier.QUICK), evaluation_of(0.3, Tier.FULL, Split.HOLDOUT)):
            archive.add_evaluation(candidate.id, evaluation, key_of(candidate.id, evaluation), RUN_ID)
    return founders[0].id


def fill(archive: Archive, size: int, parent_id: str) -> None:
    """Archives `size` recorded attempts with a candidate and a quick evaluation each, in large transactions."""
    packed = len(pack_text(source_of(0)))
    print(f"filling with {size} candidates of {packed} compressed bytes")
    with archive.reading() as connection:
        first = connection.execute(schema.evaluations.select().order_by(schema.evaluations.c.id.desc())).first()
    first_id = (first.id if first else 0) + 1
    for start in range(0, size, CHUNK):
        with archive._database.writing() as connection:
            fill_chunk(connection, range(start, min(start + CHUNK, size)), first_id, parent_id)


def fill_chunk(connection: Connection, numbers: range, first_id: int, parent_id: str) -> None:
    rows: dict[str, list[Values]] = {"candidates": [], "attempts": [], "evaluations": [], "instances": []}
    for number in numbers:
        source, evaluation = source_of(number), evaluation_of(score_of(number), Tier.QUICK)
        program_id = candidate_id(source)
        evaluation_id = first_id + number
        rows["candidates"].append({"id": program_id, "source": pack_text(source), "ast_digest": digest_of(number)})
        done = replace(asked(number, parent_id), state=AttemptState.RECORDED, candidate_id=program_id)
        rows["attempts"].append(attempt_values(replace(done, tell_order=number, told_at=RUN.created_at)))
        key = key_of(program_id, evaluation)
        values = evaluation_values(evaluation, key) | Circumstances.of(evaluation, key).digests
        place = {"id": evaluation_id, "run_id": RUN_ID, "attempt_index": number, "created_at": RUN.created_at}
        rows["evaluations"].append(values | place)
        instances = [instance_values(instance, i) for i, instance in enumerate(evaluation.instances)]
        rows["instances"] += [instance | {"evaluation_id": evaluation_id} for instance in instances]
    for name, table_rows in rows.items():
        connection.execute(insert(schema.metadata.tables[name]), table_rows)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT setval('evaluations_id_seq', (SELECT max(id) FROM evaluations))")


def cost_of(action: Callable[[int], object], repeats: int = REPEATS) -> dict[str, float]:
    """Milliseconds of one call, median, CPU of this process and wall."""
    cpu, wall = [], []
    for number in range(repeats):
        began_cpu_s, began_s = time.process_time(), time.perf_counter()
        action(number)
        cpu.append(time.process_time() - began_cpu_s)
        wall.append(time.perf_counter() - began_s)
    return {"cpu_ms": round(median(cpu) * 1e3, 3), "wall_ms": round(median(wall) * 1e3, 3)}


def mean_attempt(archive: Archive, size: int, parent_id: str) -> dict[str, float]:
    """The mean over many attempts, so that checkpoints of the log are in it."""
    candidates = [Candidate.of(source_of(size + i), digest_of(size + i)) for i in range(REPEATS)]
    began_cpu_s, began_s = time.process_time(), time.perf_counter()
    for i, candidate in enumerate(candidates):
        carry_attempt(archive, size + i, parent_id, candidate)
    cpu_s, wall_s = time.process_time() - began_cpu_s, time.perf_counter() - began_s
    return {"cpu_ms": round(cpu_s / REPEATS * 1e3, 3), "wall_ms": round(wall_s / REPEATS * 1e3, 3)}


def measure(url: str, size: int) -> dict[str, object]:
    with Archive.open(url) as archive:
        parent_id = begin(archive)
        fill(archive, size, parent_id)
    with Archive.open(url) as archive:
        return measured(archive, size, parent_id)


def measured(archive: Archive, size: int, parent_id: str) -> dict[str, object]:
    step = max(size // REPEATS, 1)
    known = [candidate_id(source_of(i * step % max(size, 1))) for i in range(REPEATS)]
    fresh = [Candidate.of(f"fresh = {i}\n" + PROGRAM, digest_of(10**9 + i)) for i in range(REPEATS)]
    figures: dict[str, object] = {"attempt": mean_attempt(archive, size, parent_id)}
    actions: dict[str, Callable[[int], object]] = {
        "add_candidate": lambda i: archive.add_candidate(fresh[i]),
        "find_evaluation": lambda i: archive.find_evaluation(key_of(known[i], evaluation_of(0.0, Tier.QUICK))),
        "sources_of_parent_and_four": lambda i: archive.sources(known[max(i - 4, 0) : i + 1]),
        "candidate_by_prefix": lambda i: archive.candidate(known[i][:12]),
    }
    figures |= {name: cost_of(action) for name, action in actions.items()}
    figures["leaderboard_of_100"] = cost_of(lambda _: leaderboard(archive), 20)
    if size <= 5_000:
        figures["resume_reads"] = cost_of(
            lambda _: (archive.attempts_told(RUN_ID), archive.evaluations_for_run(RUN_ID)), 3
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="also 10^6 candidates: about 7 GB and ten minutes")
    parser.add_argument("--postgres", metavar="URL", help="also an empty PostgreSQL database, with 5,000 candidates")
    options = parser.parse_args()
    figures: dict[str, object] = {"repeats": REPEATS}
    for size in [0, 5_000, 100_000, 1_000_000][: 4 if options.million else 3]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "archive.db"
            figures[f"sqlite_{size}"] = {**measure(f"sqlite:///{path}", size), "file_mb": path.stat().st_size >> 20}
    if options.postgres:
        figures["postgres_5000"] = measure(options.postgres, 5_000)
    write_result("archive_cost", figures)


if __name__ == "__main__":
    main()
