"""Runs side by side: how fast each found what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from archive.run_summaries import RunSummary
from archive.run_views import FounderScore
from dashboard import inert, words
from dashboard.views.fold import RunFold
from dashboard.views.run import Budget, leader_of


def curves_frame(
    runs: Sequence[RunSummary], folds: Mapping[str, RunFold], initials: Mapping[str, float | None]
) -> pd.DataFrame:
    """Best search scores so far of several runs over their attempts."""
    rows: list[tuple[str, str, int, float]] = []
    for run in runs:
        fold, strategy = folds[run.run_id], strategy_of(run)
        initial = initials.get(run.run_id)
        best = initial
        if initial is not None:
            rows.append((run.run_id, strategy, 0, initial))
        for step in fold.steps:
            if best is None or step.score > best:
                best = step.score
                rows.append((run.run_id, strategy, step.tell_order + 1, step.score))
        if best is not None:
            rows.append((run.run_id, strategy, fold.told, best))
    return pd.DataFrame(rows, columns=["run", "strategy", "attempts", "score"])


def mean_curves_frame(curves: pd.DataFrame, num_points: int = 60) -> pd.DataFrame:
    """The mean curve of each strategy over its runs, up to the length of its shortest run, with lowest and highest."""
    if curves.empty:
        return pd.DataFrame([], columns=["strategy", "attempts", "mean", "low", "high", "runs"])
    rows = []
    for strategy, group in curves.groupby("strategy", sort=False):
        by_run = [run.set_index("attempts")["score"].groupby(level=0).max().cummax() for _, run in group.groupby("run")]
        shortest = int(min(curve.index.max() for curve in by_run))
        for attempts in sorted({round(shortest * i / num_points) for i in range(num_points + 1)}):
            scores = [curve[curve.index <= attempts].iloc[-1] for curve in by_run if curve.index.min() <= attempts]
            if len(scores) == len(by_run):
                rows.append((strategy, attempts, sum(scores) / len(scores), min(scores), max(scores), len(scores)))
    return pd.DataFrame(rows, columns=["strategy", "attempts", "mean", "low", "high", "runs"])


def runs_frame(
    runs: Sequence[RunSummary], folds: Mapping[str, RunFold], founders: Mapping[str, Sequence[FounderScore]]
) -> pd.DataFrame:
    """What each run did."""
    rows = []
    for run in runs:
        fold = folds[run.run_id]
        leader = leader_of(fold, founders[run.run_id])
        baselines = [f.score for f in founders[run.run_id] if f.role == "baseline" and f.score is not None]
        rows.append(
            {
                "run": run.run_id,
                "strategy": strategy_of(run),
                "status": run.status,
                "attempts": fold.told,
                "scored": fold.outcomes["scored"],
                "best": leader.score if leader else None,
                "best baseline": max(baselines, default=None),
                "per minute": fold.attempts_per_minute,
                "begun, UTC": words.minute(run.created_at),
            }
        )
    return pd.DataFrame(rows)


def strategy_of(run: RunSummary) -> str:
    """What tells its search from others': proposer, sampler, islands."""
    return inert.cell(Budget.of(run.config).label, 80)
