"""The landing page: who leads, by how much, and how sure that is."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from archive import run_summaries, views
from archive.leaderboard import leaderboard
from archive.records import LeaderboardRow
from dashboard import inert, links
from dashboard.charts.leaderboard import MAX_PROGRAMS, interval_chart
from dashboard.facts import TaskFacts
from dashboard.screens import parts
from dashboard.source import reading, settings
from dashboard.views import leaderboard as view
from dashboard.views.leaderboard import Board

_LENGTHS = (25, 100, 400)


def page() -> None:
    """Every league with its ranking."""
    parts.heading("Leaderboard", "Programs by their score on the hold-out: instances that no search has seen.")
    with reading() as archive:
        tasks = sorted({league.task for league in views.all_leagues(archive)})
        if not tasks:
            _nothing_yet(run_summaries.run_summaries(archive))
            return
        task, length = _choose(tasks)
        rows = leaderboard(archive, task, max_rows=length)
        boards = view.boards(rows, views.league_outcomes(archive))
    if not boards:
        st.info("No program of this task has been scored yet. The ranking appears with the first score.")
    for board in boards:
        _show(board, settings().tasks.get(board.league.task))
    parts.footer()


def _nothing_yet(runs: list[run_summaries.RunSummary]) -> None:
    if runs:
        st.info("No program has been scored yet. The first scores of a run come a few seconds after its start.")
        links.run_link(runs[0].run_id, inert.markdown(f"Watch run {runs[0].run_id}"))
    else:
        st.info("This archive is empty. `evolve run expert_replication` fills it, without key or GPU.")


def _choose(tasks: list[str]) -> tuple[str | None, int]:
    """The task and how many rows of each league; the task is in the URL."""
    left, right = st.columns([3, 1])
    options = ["all tasks", *tasks]
    queried = st.query_params.get("task", "")
    chosen = left.selectbox("Task", options, index=options.index(queried) if queried in options else 0)
    length = right.selectbox("Rows per ranking", _LENGTHS, index=1)
    if chosen == options[0]:
        st.query_params.pop("task", None)
        return None, length
    links.remember("task", chosen)
    return chosen, length


def _show(board: Board, facts: TaskFacts | None) -> None:
    title = board.title(facts.defaults if facts else {})
    st.subheader(inert.markdown(title), divider="gray")
    leader, baseline = view.best_known(board), view.best_baseline(board)
    _summary(leader, baseline, facts)
    st.caption(_circumstances(board))
    frame = view.board_frame(board)
    chart = interval_chart(frame, facts.bound if facts else None, facts.weak_baseline if facts else "")
    if chart is None:
        st.info("No program of this ranking has a hold-out score yet; a run gives them at its end.")
    else:
        parts.chart(chart, f"Hold-out scores of {title} with their intervals")
        st.caption(view.chart_caption(frame, MAX_PROGRAMS))
    shown = _filters(board, frame)
    chosen = parts.program_table(shown, _COLUMNS, key=f"board {board.league.digest}")
    left, right = st.columns([3, 1])
    left.caption(f"{len(shown)} of {len(frame)} listed programs. Click one to open it.")
    name = f"{board.league.task}-{board.league.task_identity}.csv"
    right.download_button("Download CSV", view.csv_of(board, shown), name, "text/csv", key=f"csv {board.league.digest}")
    if leader is not None and baseline is not None and leader is not baseline:
        links.compare_link([leader.candidate_id, baseline.candidate_id], "Compare the leader with the best baseline")
    if chosen is not None:
        links.open_candidate(chosen)


def _summary(leader: LeaderboardRow | None, baseline: LeaderboardRow | None, facts: TaskFacts | None) -> None:
    """The leader, the best baseline and the bound in figures."""
    named = (("Best on the hold-out", leader), ("Best baseline", baseline))
    figures = [(f"{what}: {inert.markdown(r.name)}", view.score_with_interval(r)) for what, r in named if r is not None]
    if facts is not None:
        figures.append(("Proven bound", "none known" if facts.bound is None else f"{facts.bound:g}"))
    parts.facts_row(figures)


def _circumstances(board: Board) -> str:
    """Where and how the scores of a ranking were made; they are compared with no others."""
    league = board.league
    sentence = inert.markdown(view.outcome_sentence(board.outcomes))
    environment = inert.markdown(league.environment_class)
    tier = f", ranked on the {board.holdout_tier} tier" if board.holdout_tier else ""
    return f"Environment {environment}; planner clock {inert.markdown(league.planner_clock)}{tier}. {sentence}."


def _filters(board: Board, frame: pd.DataFrame) -> pd.DataFrame:
    left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
    key = board.league.digest
    words = left.text_input("Filter by name or id", key=f"words {key}")
    kinds = middle.pills("Kind", ["evolved", "baseline", "initial"], selection_mode="multi", key=f"kinds {key}")
    ranked = right.toggle("Ranked only", key=f"ranked {key}")
    return view.filtered(frame, words, kinds, ranked_only=ranked)


_SCORE = "%.4f"
_GAP = "search and hold-out are different instances; compare with the baselines' gap"
_COLUMNS = {
    "rank": st.column_config.NumberColumn("rank", width="small"),
    "name": st.column_config.TextColumn("name", width="medium", help="run/attempt, or the file of a baseline"),
    "kind": st.column_config.TextColumn("kind", width="small"),
    "holdout": st.column_config.NumberColumn("hold-out", format=_SCORE),
    "low": st.column_config.NumberColumn("95 % low", format=_SCORE),
    "high": st.column_config.NumberColumn("95 % high", format=_SCORE),
    "gap": st.column_config.NumberColumn("search - hold-out", format="%+.4f", help=_GAP),
    "validation": st.column_config.NumberColumn("validation", format=_SCORE),
    "search": st.column_config.NumberColumn("search", format=_SCORE),
    "tier": st.column_config.TextColumn("tier", width="small"),
    "sandbox": st.column_config.TextColumn("sandbox layers"),
    "id": st.column_config.TextColumn("id", width="small"),
}
