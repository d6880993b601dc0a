"""`evolve leaderboard`: programs ranked by their hold-out score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import DEFAULT_ARCHIVE, ArchiveUrl, Json
from evolve.cli.printing import print_json, print_table, print_text, score, score_interval

if TYPE_CHECKING:
    from archive.records import LeaderboardRow

BASELINE = "*"  # after a name: a word there would not leave the table its eighty columns


def leaderboard(
    task: Annotated[str | None, typer.Argument(help="only this task")] = None,
    archive: ArchiveUrl = DEFAULT_ARCHIVE,
    as_json: Json = False,
) -> None:
    """Rank programs by hold-out, apart for each task, its parameters and the environment they were scored in."""
    from archive.store import Archive
    from evolve.ranking import ranking

    with Archive.open(archive, create=False, read_only=True) as opened:
        rows = ranking(opened, task)
    if as_json:
        print_json([_json(row) for row in rows])
        return
    if not rows:
        print_text("no program has been scored yet")
    for heading in dict.fromkeys(_heading(row) for row in rows):
        print_text(heading)
        print_table(
            ["rank", "program", "name", "hold-out", "95 % interval", "validation", "search"],
            [_cells(row) for row in rows if _heading(row) == heading],
        )
        print_text("")
    if any(row.baseline for row in rows):
        print_text(f"{BASELINE} a baseline")


def _heading(row: LeaderboardRow) -> str:
    told = "(parameters not archived: scored by hand with an older Evenkeel)"
    if row.parameters is not None:
        told = " ".join(f"{name}={value}" for name, value in row.parameters.items())
    return f"{row.task} {row.task_identity}  {told}\n[{row.environment_class}] planner time {row.planner_clock}"


def _cells(row: LeaderboardRow) -> list[str]:
    return [
        "-" if row.rank is None else str(row.rank),
        row.candidate_id[:10],
        row.name + (f" {BASELINE}" if row.baseline else ""),
        score(row.holdout),
        score_interval(row.holdout_low, row.holdout_high),
        score(row.validation),
        score(row.search),
    ]


def _json(row: LeaderboardRow) -> dict[str, object]:
    return {
        "rank": row.rank,
        "id": row.candidate_id,
        "name": row.name,
        "task": row.task,
        "baseline": row.baseline,
        "holdout": row.holdout,
        "holdout_low": row.holdout_low,
        "holdout_high": row.holdout_high,
        "validation": row.validation,
        "search": row.search,
        "environment": row.environment_class,
        "task_identity": row.task_identity,
        "parameters": row.parameters,
        "tier": row.tier,
        "planner_clock": row.planner_clock,
    }
