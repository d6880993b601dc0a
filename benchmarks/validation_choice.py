"""Whether fresh instances of the search's regimes or regimes of their own choose the better champion.

Usage: ``python -m benchmarks.validation_choice [--task T] [--set NAME=VALUE ...] [--attempts N] [--seeds S]``

Each seed is one run. Its contenders are those of a run's end: the initial program, the programs that were validated on
the way, and the best five by search score. Every rule chooses among the same contenders of the same run:

- ``search``: the highest search score;
- ``other seeds``: `choose_champion` on instances with the search's regimes and seeds that the search did not see;
- ``own regimes``: `choose_champion` on the validation split;
- ``other seeds, mean`` and ``own regimes, mean``: the highest mean of the same, no evidence asked for.

The hold-out, several rounds of its seeds, judges all contenders and chooses nothing; each seed has a hold-out secret of
its own. Planner time is modelled: runs repeat exactly, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from scipy import stats

from archive.records import FounderRole, Run
from archive.store import Archive
from benchmarks.stamp import write_result
from evaluators import registry
from evaluators.contract import Evaluation, Split, Tier
from evaluators.measure import mean_interval
from evaluators.problem import Problem
from evaluators.significance import sign_flip_p
from evolve.benchmark import carry_out, repeatable_cell
from evolve.execution.opening import local_backend
from evolve.programs import founding_programs
from evolve.run.champion import NUM_CONTENDERS, choose_champion
from evolve.run.session import split_secrets
from evolve.run.stages import Stages

FRESH_ROUND = 1  # of the search's regimes: seeds that bred nothing
MEAN_OF = {"other seeds, mean": "other seeds", "own regimes, mean": "own regimes"}
RULES = ("search", "other seeds", "own regimes", *MEAN_OF)
MEASURES = ("search", "other seeds", "own regimes")
PAIRS = (
    ("own regimes", "other seeds"),
    ("own regimes", "search"),
    ("other seeds", "search"),
    ("own regimes, mean", "other seeds, mean"),
    ("own regimes, mean", "search"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What each split says of one program."""

    candidate_id: str
    evaluations: Mapping[str, Evaluation]  # by measure
    holdout: float  # mean over rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One run, and whom each rule would have chosen."""

    seed: int
    initial: Contender
    contenders: Sequence[Contender]  # the initial program is the first
    chosen: Mapping[str, Contender]

    def gain(self, rule: str) -> float:
        """Hold-out gain over the initial program of what the rule chose."""
        return self.chosen[rule].holdout - self.initial.holdout

    def rank_correlation(self, measure: str) -> float | None:
        """Spearman's, between a measure and the hold-out over all contenders; None where either does not vary."""
        xs = [contender.evaluations[measure].counted_objective for contender in self.contenders]
        ys = [contender.holdout for contender in self.contenders]
        if len(set(xs)) < 3 or len(set(ys)) < 3:
            return None
        return float(stats.spearmanr(xs, ys).statistic)


def chosen_by(contenders: Sequence[Contender]) -> dict[str, Contender]:
    """The champion by each rule; `contenders` begins with the initial program, equal scores keep the earlier."""
    by_id = {contender.candidate_id: contender for contender in contenders}
    initial = contenders[0].candidate_id
    found = {"search": _highest(contenders, "search")}
    for measure in ("other seeds", "own regimes"):
        validations = [(contender.candidate_id, contender.evaluations[measure]) for contender in contenders]
        found[measure] = by_id[choose_champion(initial, validations)]
    return found | {rule: _highest(contenders, measure) for rule, measure in MEAN_OF.items()}


def _highest(contenders: Sequence[Contender], measure: str) -> Contender:
    return max(contenders, key=lambda contender: contender.evaluations[measure].counted_objective)


async def carry_out_seed(seed: int, problem: Problem, options: argparse.Namespace, folder: Path) -> Course:
    """Search, then score all contenders on everything; what the archive in `folder` holds is not done again."""
    cell = repeatable_cell("default", seed, problem.task, options.attempts, {"workers": 1, "look_every": 0})
    with Archive.open(f"sqlite:///{folder}/{seed}.db") as archive:
        run = await carry_out(archive, cell, problem, founding_programs(problem.task.name, [])[0], lambda _: None)
        secrets = split_secrets(archive, run, problem.task)
        async with local_backend(problem, secrets, 1, allow_unsafe=False) as backend:
            stages = Stages(archive, backend, problem.task, secrets, cell.config.planner_clock, run.id)
            ids = contender_ids(archive, run, stages)
            contenders = [await judged(archive, stages, i, options.holdout_rounds) for i in ids]
    return Course(seed=seed, initial=contenders[0], contenders=contenders, chosen=chosen_by(contenders))


def contender_ids(archive: Archive, run: Run, stages: Stages) -> list[str]:
    """The initial program, the programs validated during the run, and the best by search score."""
    (initial,) = [f.candidate_id for f in archive.founders(run.id) if f.role is FounderRole.INITIAL]
    rows = archive.evaluations_of_run(run.id)
    seeds = stages.seeds(Split.VALIDATION)
    validated = [row.candidate_id for row in rows if row.evaluation.seeds == seeds and row.attempt_index is not None]
    scores = {i: evaluation.counted_objective for i, evaluation in stages.stored_searches(rows).items()}
    best = sorted(scores, key=lambda i: -scores[i])[:NUM_CONTENDERS]
    return list(dict.fromkeys([initial, *validated, *best]))


async def judged(archive: Archive, stages: Stages, candidate_id: str, holdout_rounds: int) -> Contender:
    """One program on every measure and on the hold-out."""
    candidate = archive.candidate(candidate_id)
    evaluations = {
        "search": await stages.evaluate(candidate, Tier.QUICK, Split.SEARCH),
        "other seeds": await stages.evaluate(candidate, Tier.QUICK, Split.SEARCH, fresh_round=FRESH_ROUND),
        "own regimes": await stages.evaluate(candidate, Tier.QUICK, Split.VALIDATION),
    }
    holdouts = [
        await stages.evaluate(candidate, Tier.QUICK, Split.HOLDOUT, fresh_round=number)
        for number in range(holdout_rounds)
    ]
    return Contender(
        candidate_id=candidate_id, evaluations=evaluations, holdout=fmean(e.counted_objective for e in holdouts)
    )


def summary(values: Sequence[float]) -> dict[str, float | int | None]:
    """Mean over seeds, its 95 % interval (None below twelve seeds) and the two-sided sign-flip p."""
    if not values:
        return {"seeds": 0}
    interval = mean_interval(values, ["seed"] * len(values))
    return {
        "seeds": len(values),
        "mean": fmean(values),
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "p": sign_flip_p(values),
    }


def figures(courses: Sequence[Course]) -> dict[str, object]:
    """The comparison of the rules, paired over seeds."""
    correlations = {
        measure: [r for course in courses if (r := course.rank_correlation(measure)) is not None]
        for measure in MEASURES
    }
    return {
        "holdout_of_initial": fmean(course.initial.holdout for course in courses),
        "gain_over_initial": {rule: summary([course.gain(rule) for course in courses]) for rule in RULES},
        "above_initial": {rule: sum(course.gain(rule) > 0 for course in courses) for rule in RULES},
        "below_initial": {rule: sum(course.gain(rule) < 0 for course in courses) for rule in RULES},
        "initial_kept": {rule: sum(c.chosen[rule] is c.initial for c in courses) for rule in RULES},
        "differences": {f"{a} - {b}": summary([c.gain(a) - c.gain(b) for c in courses]) for a, b in PAIRS},
        "same_choice": {
            f"{a} = {b}": sum(course.chosen[a] is course.chosen[b] for course in courses) for a, b in PAIRS
        },
        "best_contender": summary(
            [max(contender.holdout for contender in c.contenders) - c.initial.holdout for c in courses]
        ),
        "rank_correlation_with_holdout": {measure: summary(values) for measure, values in correlations.items()},
    }


def rows(courses: Sequence[Course]) -> list[dict[str, object]]:
    """Every contender of every run."""
    return [
        {
            "seed": course.seed,
            "candidate": contender.candidate_id[:10],
            **{measure: contender.evaluations[measure].counted_objective for measure in MEASURES},
            "holdout": contender.holdout,
            "chosen_by": [rule for rule in RULES if course.chosen[rule] is contender],
        }
        for course in courses
        for contender in course.contenders
    ]


async def main(options: argparse.Namespace) -> None:
    """All runs, and the comparison."""
    settings = dict(setting.split("=", 1) for setting in options.set)
    problem = registry.problem(options.task).configured(settings)
    courses = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            course = await carry_out_seed(seed, problem, options, folder)
            courses.append(course)
            told = "  ".join(f"{rule} {course.gain(rule):+.4f}" for rule in RULES)
            sys.stderr.write(f"{seed}: {len(course.contenders)} contenders  {told}\n")
    terms = {
        "task": options.task,
        "revision": problem.task.revision,
        "settings": settings,
        "attempts": options.attempts,
        "seeds": [course.seed for course in courses],
        "holdout_rounds": options.holdout_rounds,
    }
    write_result(options.name, {**terms, **figures(courses), "contenders": rows(courses)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="expert_replication")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--attempts", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--holdout-rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the archives stay; what they hold is not done again")
    parser.add_argument("--name", default="validation_choice", help="of the result file")
    asyncio.run(main(parser.parse_args()))
