"""What the command line does, from Python: run, resume, evaluate, compare, leaderboard.

Everything goes through an archive, by default the file ``evenkeel.db`` in the working directory, and what was scored
once is not scored again. The functions block; call them from code without a running event loop (in a notebook:
``await asyncio.to_thread(api.run, config)``). Errors are `EvolveError`, `EvaluatorError` and `ArchiveError`, each with
one sentence that says what was expected, what was found and what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archive.queries import outcome_counts
from archive.records import LeaderboardRow, Run
from archive.store import Archive
from evaluators import registry
from evaluators.contract import Evaluation, ParameterValue, PlannerClock, Split, Task, Tier
from evaluators.problem import Problem
from evaluators.sources import read_program
from evolve.cli import pairing, scoring, sessions
from evolve.cli.options import DEFAULT_ARCHIVE
from evolve.comparison import Comparison
from evolve.config import RunConfig
from evolve.ranking import ranking
from evolve.run.finale import Verdict
from evolve.run.lifecycle import Lifecycle
from evolve.run.progress import Progress

__all__ = ["RunConfig", "RunReport", "compare", "describe", "evaluate", "leaderboard", "resume", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """How a session of a run ended."""

    run_id: str
    task: str
    reason: str  # why it ended, in words
    outcomes: Mapping[str, int]  # attempts by how they ended
    verdict: Verdict | None  # champion and hold-out table; None for a run that can be resumed
    seconds: float


def describe(task: str) -> Task:
    """The contract of a task, given by name or by its folder: entry points, metrics, limits, parameters."""
    return registry.problem(task).task


def run(
    config: RunConfig,
    *,
    initial: Sequence[Path] = (),
    start_from: Sequence[str] = (),
    archive: str = DEFAULT_ARCHIVE,
) -> RunReport:
    """Evolve programs for ``config.task`` until a budget of `config` is spent, and judge the best on the hold-out.

    Args:
        config: What a run file holds. Without any budget it gets 200 attempts, as on the command line.
        initial: Programs to start from, in place of the task's own.
        start_from: Archived candidates to start from, by id.
        archive: SQLAlchemy URL.
    """
    return sessions.begin(archive, config, initial, start_from, _conducted)


def resume(
    run_id: str, *, attempts: int | None = None, seconds: float | None = None, archive: str = DEFAULT_ARCHIVE
) -> RunReport:
    """Go on with a run that was stopped or killed, with more attempts or seconds where they are given."""
    return sessions.go_on_with(archive, run_id, {"attempts": attempts, "seconds": seconds}, _conducted)


def evaluate(
    program: Path,
    task: str,
    *,
    settings: Mapping[str, ParameterValue | str] | None = None,
    tier: Tier = Tier.QUICK,
    split: Split = Split.SEARCH,
    seed: int = 0,
    clock: PlannerClock = PlannerClock.MEASURED,
    archive: str = DEFAULT_ARCHIVE,
) -> Evaluation:
    """The score of a program file on one tier and split of a task, given by name or by its folder."""
    problem = registry.problem(task).configured(settings or {})
    return scoring.archived_evaluation(
        archive, problem, read_program(program), tier, split, seed, clock, allow_unsafe=False
    )


def compare(
    first: str,
    second: str,
    *,
    task: str | None = None,
    settings: Mapping[str, ParameterValue | str] | None = None,
    split: Split = Split.HOLDOUT,
    tier: Tier | None = None,
    seed: int = 0,
    archive: str = DEFAULT_ARCHIVE,
) -> Comparison:
    """Whether one program is better than another, paired on equal instances.

    Args:
        first: A candidate's id, or the path of a program file.
        second: The other.
        task: By name or folder; needed where a program is a file.
        settings: Parameters of the task.
        split: Which instances.
        tier: How much work; the largest that is archived for both, else `Tier.FULL`.
        seed: Of search and validation instances.
        archive: SQLAlchemy URL.
    """
    assignments = tuple(f"{name}={value}" for name, value in (settings or {}).items())
    return pairing.contest(archive, first, second, pairing.Terms(task, assignments, split, tier, seed, None)).comparison


def leaderboard(task: str | None = None, *, archive: str = DEFAULT_ARCHIVE) -> Sequence[LeaderboardRow]:
    """Programs by hold-out score, apart for each task, its parameters and the class of environment.

    Raises:
        RunError: There is no such task, or nothing of it in an archive that holds others.
    """
    with Archive.open(archive, create=False, read_only=True) as opened:
        return ranking(opened, task)


def _conducted(archive: Archive, run: Run, config: RunConfig, problem: Problem) -> RunReport:
    """The run to its end, without a word."""
    lifecycle = Lifecycle(archive, run, config, problem, Progress(task=run.task, run_id=run.id))
    ending = asyncio.run(lifecycle.conduct())
    return RunReport(
        run_id=run.id,
        task=run.task,
        reason=ending.reason,
        outcomes=outcome_counts(archive, run.id),
        verdict=ending.verdict,
        seconds=ending.seconds,
    )
