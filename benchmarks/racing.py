"""What sharing and racing save: the same search with and without them, in seconds of evaluation and in final quality.

Usage: ``python -m benchmarks.racing [--task T] [--set NAME=VALUE ...] [--attempts N] [--repeats R] [--workers W]``

Each repeat is two runs with one seed and one number of attempts, each in an archive of its own, so that neither profits
from the other's evaluations. Seconds are the CPU seconds of the children on the search split, smoke included. Quality
is the hold-out score of the program that leads by search score at the end; those of one repeat are judged on the same
instances. Planner time is modelled: runs repeat exactly.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from archive.queries import outcome_counts
from archive.records import Candidate
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators import registry
from evaluators.contract import Split, Tier
from evaluators.problem import Problem
from evolve.benchmark import Cell, Judge, carry_out, repeatable_cell
from evolve.execution.opening import local_backend
from evolve.programs import founding_programs
from evolve.run.session import split_secrets
from evolve.strategies import compare_strategies

ARMS = {"full": {"twins": False, "racing": 0.0}, "twins": {"racing": 0.0}, "twins and racing": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run ended."""

    arm: str
    seed: int
    cpu_s: float  # of all search evaluations
    search: float  # of the leader
    endings: dict[str, int]
    leader: Candidate


async def run_once(arm: str, seed: int, problem: Problem, options: argparse.Namespace, folder: Path) -> Outcome:
    """One run in a fresh archive."""
    cell = cell_of(arm, seed, problem, options)
    with Archive.open(f"sqlite:///{folder}/{arm.replace(' ', '_')}_{seed}.db") as archive:
        run = await carry_out(archive, cell, problem, founding_programs(problem.task.name, [])[0], lambda _: None)
        rows = [row for row in archive.evaluations_of_run(run.id) if row.evaluation.split is Split.SEARCH]
        scored = [(row.evaluation.objective, row.candidate_id) for row in rows if row.evaluation.tier is Tier.QUICK]
        best, leader = max((score, candidate_id) for score, candidate_id in scored if score is not None)
        return Outcome(
            arm=arm,
            seed=seed,
            cpu_s=sum(row.evaluation.cpu_s for row in rows),
            search=best,
            endings=dict(outcome_counts(archive, run.id)),
            leader=archive.candidate(leader),
        )


def cell_of(arm: str, seed: int, problem: Problem, options: argparse.Namespace) -> Cell:
    """The run of one arm and repeat."""
    return repeatable_cell(arm, seed, problem.task, options.attempts, {"workers": options.workers, **ARMS[arm]})


async def judge(
    seed: int, outcomes: Sequence[Outcome], problem: Problem, options: argparse.Namespace, folder: Path
) -> list[float]:
    """Hold-out scores of the leaders of one repeat, all in the archive of its first arm."""
    cell = cell_of(next(iter(ARMS)), seed, problem, options)
    with Archive.open(f"sqlite:///{folder}/{cell.strategy}_{seed}.db") as archive:
        (run,) = archive.runs()
        secrets = split_secrets(archive, run, problem.task)
        for outcome in outcomes:
            archive.add_candidate(outcome.leader)
        async with local_backend(problem, secrets, 1, allow_unsafe=False) as backend:
            judged = Judge(archive, backend, secrets, problem, Tier.QUICK)
            return [await judged.leader_score(cell, run, outcome.leader.id) for outcome in outcomes]


async def main(options: argparse.Namespace) -> None:
    """All runs, and the comparison."""
    settings = dict(setting.split("=", 1) for setting in options.set)
    problem = registry.problem(options.task).configured(settings)
    found: list[tuple[Outcome, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, options.repeats + 1):
            outcomes = [await run_once(arm, seed, problem, options, Path(folder)) for arm in ARMS]
            holdouts = await judge(seed, outcomes, problem, options, Path(folder))
            found += zip(outcomes, holdouts, strict=True)
            for outcome, holdout in found[-len(ARMS) :]:
                sys.stderr.write(f"{seed} {outcome.arm}: {outcome.cpu_s:.1f} s, {outcome.search:.4f}, {holdout:.4f}\n")
    by_arm = {arm: [pair for pair in found if pair[0].arm == arm] for arm in ARMS}
    results = compare_strategies({arm: [[holdout] for _, holdout in pairs] for arm, pairs in by_arm.items()}, {})
    seconds = {arm: fmean(outcome.cpu_s for outcome, _ in pairs) for arm, pairs in by_arm.items()}
    figures = {
        "task": options.task,
        "settings": settings,
        "attempts": options.attempts,
        "repeats": options.repeats,
        "cpu_s": seconds,
        "saved_share": {arm: 1 - value / seconds["full"] for arm, value in seconds.items()},
        "holdout": {result.strategy: asdict(result) for result in results},
        "runs": [
            {
                "arm": outcome.arm,
                "seed": outcome.seed,
                "cpu_s": round(outcome.cpu_s, 2),
                "search": outcome.search,
                "holdout": holdout,
                "endings": outcome.endings,
            }
            for outcome, holdout in found
        ],
    }
    write_result("racing", figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="expert_replication")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--attempts", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    asyncio.run(main(parser.parse_args()))
