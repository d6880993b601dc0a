"""How well validation ranks programs as the hold-out does, on the search's regimes and on regimes of its own.

Usage: ``python -m benchmarks.validation_rank --task T [--attempts N] [--seeds S] [--rounds R]``

The programs are all baselines, the initial program, and the best that short runs without a model bred from it:
programs that fit the search's instances closely beside programs that never saw any. Each is scored on `R` rounds of
seeds of the search's regimes (what validation was until it had regimes of its own), of the validation split, and of the
hold-out, in the tier `quick` that validation has. Spearman's rank correlation of each round with the mean over all
hold-out rounds is given over all programs, over those that were bred, and over the better half by search score, where
finalists are. ``choice`` is what the hold-out says of the program that each round ranks first of the bred ones, less
what it says of the best of them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from statistics import fmean

from scipy import stats

from archive.records import Run
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators import registry
from evaluators.contract import Split, Tier
from evaluators.problem import Problem
from evolve.benchmark import carry_out, repeatable_cell
from evolve.execution.opening import local_backend
from evolve.programs import founding_programs
from evolve.run.lifecycle import Lifecycle
from evolve.run.session import candidate_of, split_secrets
from evolve.run.stages import Stages

MEASURES: Mapping[str, Split] = {
    "other seeds": Split.SEARCH,
    "own regimes": Split.VALIDATION,
    "hold-out": Split.HOLDOUT,
}
BRED_PER_RUN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One program and what each round of each measure says of it."""

    name: str
    bred: bool
    search: float
    rounds: Mapping[str, Sequence[float]]  # by measure

    @property
    def holdout(self) -> float:
        """Mean over rounds."""
        return fmean(self.rounds["hold-out"])


async def ranked_programs(problem: Problem, options: argparse.Namespace, folder: Path) -> list[Ranked]:
    """Breed, then score; what the archive in `folder` holds is not done again."""
    programs = founding_programs(problem.task.name, [])
    with Archive.open(f"sqlite:///{folder}/{problem.task.name}.db") as archive:
        runs = []
        for seed in range(1, options.seeds + 1):
            cell = repeatable_cell(
                "default", seed, problem.task, options.attempts, {"workers": 1, "look_every": 0, "donors": "baselines"}
            )
            runs.append(await carry_out(archive, cell, problem, programs[0], _unwatched))
        secrets = split_secrets(archive, runs[0], problem.task)
        async with local_backend(problem, secrets, 1, allow_unsafe=False) as backend:
            stages = Stages(archive, backend, problem.task, secrets, cell.config.planner_clock, runs[0].id)
            bred = dict.fromkeys(i for run in runs for i in best_bred(archive, run, stages))
            named = {candidate_of(p.source).id: p.name for p in programs}
            for program in programs:
                archive.add_candidate(candidate_of(program.source))
            return await ranked(archive, stages, dict.fromkeys(bred, "") | named, options.rounds)


def _unwatched(_: Lifecycle) -> None:
    """Nobody stops these runs."""


def best_bred(archive: Archive, run: Run, stages: Stages) -> list[str]:
    """The best programs of a run by search score, each score once, those it started with left out."""
    founders = {founder.candidate_id for founder in archive.founders(run.id)}
    scores = {
        i: evaluation.counted_objective
        for i, evaluation in stages.stored_searches(archive.evaluations_of_run(run.id)).items()
        if i not in founders
    }
    by_score = {score: i for i, score in sorted(scores.items(), key=lambda item: item[1])}
    return list(by_score.values())[-BRED_PER_RUN:]


async def ranked(archive: Archive, stages: Stages, ids: Mapping[str, str], rounds: int) -> list[Ranked]:
    """All programs, by id with the names of those not bred; round by round, for a worker keeps its instances."""
    found: dict[str, dict[str, list[float]]] = {i: {"search": [], **{m: [] for m in MEASURES}} for i in ids}
    parts = [("search", Split.SEARCH, 0)]
    parts += [(measure, split, number) for measure, split in MEASURES.items() for number in range(1, rounds + 1)]
    for measure, split, number in parts:
        for i in ids:
            evaluation = await stages.evaluate(archive.candidate(i), Tier.QUICK, split, fresh_round=number)
            found[i][measure].append(evaluation.counted_objective)
        sys.stderr.write(f"{measure}, round {number}\n")
    return [
        Ranked(name=name or i[:10], bred=not name, search=found[i].pop("search")[0], rounds=found[i])
        for i, name in ids.items()
    ]


def correlations(programs: Sequence[Ranked], measure: str) -> list[float]:
    """Spearman's of each round with the hold-out."""
    holdout = [program.holdout for program in programs]
    rounds = zip(*(program.rounds[measure] for program in programs), strict=True)
    return [float(stats.spearmanr(scores, holdout).statistic) for scores in rounds]


def regrets(programs: Sequence[Ranked], measure: str) -> list[float]:
    """Hold-out score of each round's first program less the best there is."""
    best = max(program.holdout for program in programs)
    rounds = range(len(programs[0].rounds[measure]))
    told = [[(p.rounds[measure][number], p.holdout) for p in programs] for number in rounds]
    return [max(pairs, key=itemgetter(0))[1] - best for pairs in told]


def figures(programs: Sequence[Ranked]) -> dict[str, object]:
    """Both measures on each group of programs."""
    by_search = sorted(programs, key=lambda program: -program.search)
    bred = [program for program in programs if program.bred]
    groups = {"all": list(programs), "better half by search": by_search[: len(programs) // 2], "bred": bred}
    told: dict[str, object] = {"programs": len(programs), "bred": len(bred)}
    for group, members in groups.items():
        for measure in ("other seeds", "own regimes"):
            found = correlations(members, measure)
            told[f"{group}: {measure}"] = {"mean": fmean(found), "rounds": found}
    told["choice"] = {
        measure: {"mean": fmean(found), "rounds": found}
        for measure in ("other seeds", "own regimes")
        for found in [regrets(bred, measure)]
    }
    return told


async def main(options: argparse.Namespace) -> None:
    """All programs, and the comparison."""
    problem = registry.problem(options.task)
    with tempfile.TemporaryDirectory() as temporary:
        programs = await ranked_programs(problem, options, options.folder or Path(temporary))
    terms = {"task": options.task, "revision": problem.task.revision, "attempts": options.attempts}
    rows = [
        {"name": p.name, "bred": p.bred, "search": p.search, **{m: list(s) for m, s in p.rounds.items()}}
        for p in programs
    ]
    write_result(f"validation_rank_{options.task}", {**terms, **figures(programs), "rows": rows})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True)
    parser.add_argument("--attempts", type=int, default=40, help="of each short run")
    parser.add_argument("--seeds", type=int, default=2, help="short runs")
    parser.add_argument("--rounds", type=int, default=3, help="of seeds, for each measure")
    parser.add_argument("--folder", type=Path, help="where the archive stays; what it holds is not done again")
    asyncio.run(main(parser.parse_args()))
