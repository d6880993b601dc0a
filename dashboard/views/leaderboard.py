"""Ranked programs as tables: one per league, for scores of two leagues are never in one ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from archive.evaluation_mapping import League
from archive.records import LeaderboardRow
from dashboard import inert, words
from evaluators.contract import ParameterValue

COLUMNS = ("rank", "name", "kind", "holdout", "low", "high", "gap", "validation", "search", "tier", "sandbox", "id")
_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The ranking of one league."""

    league: League
    parameters: Mapping[str, ParameterValue]
    rows: Sequence[LeaderboardRow]
    outcomes: Counter[str]

    def title(self, defaults: Mapping[str, ParameterValue]) -> str:
        """The task with those parameters that are not its `defaults`."""
        values = (f"{name}={value}" for name, value in self.parameters.items() if defaults.get(name) != value)
        return " ".join([self.league.task, *values])

    @property
    def holdout_tier(self) -> str:
        """The tier that ranks; empty where nothing is ranked yet."""
        return next((row.tier for row in self.rows if row.rank is not None), "")


def boards(rows: Sequence[LeaderboardRow], outcomes: Mapping[str, Counter[str]]) -> list[Board]:
    """The rows by league, in the order given; `outcomes` is by league digest."""
    by_league: dict[League, list[LeaderboardRow]] = {}
    for row in rows:
        by_league.setdefault(_league(row), []).append(row)
    return [
        Board(
            league=league,
            parameters=found[0].parameters or {},
            rows=found,
            outcomes=outcomes.get(league.digest, Counter()),
        )
        for league, found in by_league.items()
    ]


def board_frame(board: Board) -> pd.DataFrame:
    """One row per program; the gap is the search score less the hold-out score: what may have been overfitted."""
    return pd.DataFrame([_record(row) for row in board.rows], columns=list(COLUMNS)).astype({"rank": "Int64"})


def filtered(
    frame: pd.DataFrame, words: str = "", kinds: Sequence[str] = (), *, ranked_only: bool = False
) -> pd.DataFrame:
    """The rows whose name contains `words`, or whose id begins so, of one of `kinds` (none: all)."""
    wanted = words.strip().lower()
    kept = frame[frame["name"].str.lower().str.contains(wanted, regex=False) | frame["id"].str.startswith(wanted)]
    if kinds:
        kept = kept[kept["kind"].isin(list(kinds))]
    return kept[kept["rank"].notna()] if ranked_only else kept


def csv_of(board: Board, frame: pd.DataFrame) -> bytes:
    """The table with its league, for other programs; no cell begins like a formula of a spreadsheet."""
    league = board.league
    whole = frame.assign(task=league.task, task_identity=league.task_identity, environment=league.environment_class)
    texts = whole.select_dtypes(include=["object", "string"]).columns
    for name in texts:
        whole[name] = whole[name].map(_guarded)
    text = whole.to_csv(index=False)
    return text.encode("utf-8", "replace")


def score_with_interval(row: LeaderboardRow) -> str:
    """``0.4422 [0.3360, 0.5376]``."""
    if row.holdout is None:
        return words.MISSING
    if row.holdout_low is None or row.holdout_high is None:
        return f"{row.holdout:.4f}"
    return f"{row.holdout:.4f} [{row.holdout_low:.4f}, {row.holdout_high:.4f}]"


def chart_caption(frame: pd.DataFrame, shown: int) -> str:
    """What the chart of intervals leaves out, and what it cannot tell."""
    ranked = int(frame["rank"].notna().sum())
    left_out = f"The {shown} best of {ranked} ranked programs. " if ranked > shown else ""
    return f"{left_out}Intervals are of each program alone; differences of two are under Compare."


def outcome_sentence(outcomes: Counter[str]) -> str:
    """``416 evaluations: 390 scored, 26 crashed``."""
    parts = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in outcomes.most_common())
    return f"{sum(outcomes.values()):,} evaluations: {parts}" if parts else "no evaluation yet"


def best_known(board: Board) -> LeaderboardRow | None:
    """The leader; None where nothing is ranked."""
    return next((row for row in board.rows if row.rank == 1), None)


def best_baseline(board: Board) -> LeaderboardRow | None:
    """The ranked baseline with the highest score."""
    return next((row for row in board.rows if row.baseline and row.rank is not None), None)


def _league(row: LeaderboardRow) -> League:
    return League(
        task=row.task,
        task_identity=row.task_identity,
        environment_class=row.environment_class,
        planner_clock=row.planner_clock,
    )


def _record(row: LeaderboardRow) -> dict[str, object]:
    gap = None if row.holdout is None or row.search is None else row.search - row.holdout
    return {
        "rank": row.rank,
        "name": inert.cell(row.name),
        "kind": kind_of(row),
        "holdout": words.unsigned_zero(row.holdout),
        "low": words.unsigned_zero(row.holdout_low),
        "high": words.unsigned_zero(row.holdout_high),
        "gap": words.unsigned_zero(gap),
        "validation": words.unsigned_zero(row.validation),
        "search": words.unsigned_zero(row.search),
        "tier": row.tier,
        "sandbox": inert.cell(row.sandbox),
        "id": row.candidate_id,
    }


def kind_of(row: LeaderboardRow) -> str:
    """Where a program came from."""
    if row.baseline:
        return "baseline"
    return "initial" if row.name == "initial" else "evolved"


def _guarded(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
