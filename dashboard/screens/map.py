"""Where the programs of a run lie, and how they descend from one another."""

from __future__ import annotations

import streamlit as st

from archive import marks, run_summaries, run_views, views
from archive.evaluation_mapping import League
from archive.marks import ColourBy, Mark
from archive.run_summaries import RunSummary
from archive.store import Archive
from dashboard import inert, links
from dashboard.charts import map as charts
from dashboard.screens import parts
from dashboard.source import reading, settings
from dashboard.views import map as view
from evaluators.contract import Direction, Split, Tier

_TREE_LEAVES = 25
_COLUMNS = {
    "score": st.column_config.NumberColumn(format="%.4f"),
    "cell": st.column_config.TextColumn(),
    "behaviour": st.column_config.TextColumn(),
    "id": st.column_config.TextColumn(),
}


def page() -> None:
    """Scatter, tree, grid and front of one run."""
    parts.heading("Map", "Where the programs of a run lie, and how they descend from one another.")
    with reading() as archive:
        runs = run_summaries.run_summaries(archive)
        if not runs:
            st.info("There is no run in this archive yet. `evolve run expert_replication` starts one.")
            return
        run = parts.choose_run(runs)
        scatter, tree, grid = st.tabs(["Scores", "Ancestry", "Elite grid and Pareto front"])
        with scatter:
            _scatter(archive, run)
        with tree:
            _tree(archive, run)
        with grid:
            _metrics(archive, run)
    parts.footer()


def _scatter(archive: Archive, run: RunSummary) -> None:
    chosen = st.segmented_control("Colour by", list(ColourBy), default=ColourBy.ISLAND, format_func=str)
    found = view.mark_frame(_marks(archive, run, chosen or ColourBy.ISLAND))
    if found.empty:
        st.info("No attempt of this run has a search score yet.")
        return
    initial = next((f.score for f in run_views.founder_scores(archive, run.run_id) if f.role == "initial"), None)
    parts.chart(charts.scatter_chart(found, run.told, initial), "Search scores in the order told")
    scored = int(found["stands for"].sum())
    if scored < run.told:
        st.caption(f"{run.told - scored:,} of {run.told:,} attempts have no score. Triangle: the initial program.")
    hidden = scored - len(found)
    if hidden:
        st.caption(f"{len(found):,} marks; each is the best of its stretch, {hidden:,} lower scores are not drawn.")


def _tree(archive: Archive, run: RunSummary) -> None:
    best = _marks(archive, run, ColourBy.ISLAND)
    leaves = [mark.candidate_id for mark in sorted(best, key=lambda mark: -mark.score)[:_TREE_LEAVES]]
    steps = views.ancestry(archive, run.run_id, leaves)
    ids = [id_ for step in steps for id_ in (step.candidate_id, step.parent_id) if id_]
    frame = view.tree_frame(steps, run_views.search_scores(archive, run.run_id, ids))
    if frame.empty:
        st.info("No attempt of this run has a search score yet.")
        return
    best_programs = "The best program" if len(leaves) == 1 else f"The {len(leaves)} best programs"
    st.caption(f"{best_programs} and all ancestors; a line rises where a change helped.")
    parts.chart(charts.tree_chart(frame), "Ancestry of the best programs")
    best_first = frame.sort_values("score", ascending=False)[["score", "attempt", "island", "operator", "id"]]
    columns = {name: st.column_config.Column() for name in ("attempt", "island", "operator")} | _COLUMNS
    chosen = parts.program_table(best_first, columns, f"tree {run.run_id}")
    if chosen:
        links.open_candidate(chosen)


def _marks(archive: Archive, run: RunSummary, colour_by: ColourBy) -> list[Mark]:
    return _marks_at(archive, id(archive), run.run_id, colour_by, run.told)


@st.cache_data(show_spinner="Reading the scores ...", max_entries=32)
def _marks_at(_archive: Archive, archive_key: int, run_id: str, colour_by: ColourBy, told: int) -> list[Mark]:  # noqa: ARG001 - parts of the key
    """The marks of a run after so many tells: until the next one, they stay what they are."""
    return marks.score_marks(_archive, run_id, colour_by)


def _metrics(archive: Archive, run: RunSummary) -> None:
    leagues = [league for league in views.all_leagues(archive) if league.task_identity == run.task_identity]
    if not leagues:
        st.info("No program of this task has been scored yet.")
        return
    league = leagues[0] if len(leagues) == 1 else _choose_league(leagues)
    points = views.metric_points(archive, league, Split.SEARCH, Tier.QUICK)
    names = view.metric_names(points)
    if len(names) < 2:
        st.info("The programs of this task report fewer than two metrics.")
        return
    left, right = st.columns(2)
    facts = settings().tasks.get(run.task)
    first = view.first_axes(names, facts.descriptors if facts else ())
    x = left.selectbox("Across", names, index=first[0], format_func=inert.cell)
    y = right.selectbox("Up", names, index=first[1], format_func=inert.cell)
    directions = [_direction(run.task, name) for name in (x, y)]
    better = ", ".join(f"{inert.cell(n)}: {d}" for n, d in zip((x, y), directions, strict=True))
    st.caption(f"The best {len(points):,} programs of this task by search score; {better}")
    front = view.point_frame(points, x, y, *directions)
    titles = [_title(run.task, name) for name in (x, y)]
    parts.chart(charts.front_chart(front, titles, directions[0]), "Pareto front of two metrics")
    cells = view.grid_frame(points, x, y)
    if cells.empty:
        st.info("One of these metrics has the same value for all programs, so they make no grid.")
    else:
        parts.chart(charts.grid_chart(cells, titles), "Best score of each cell of two metrics")


def _choose_league(leagues: list[League]) -> League:
    titles = [f"{inert.cell(league.environment_class)}, {league.planner_clock}" for league in leagues]
    return leagues[st.selectbox("Environment", range(len(leagues)), format_func=titles.__getitem__)]


def _title(task: str, metric: str) -> str:
    """A metric with its unit, where that is known."""
    facts = settings().tasks.get(task)
    unit = facts.unit(metric) if facts else ""
    return inert.cell(f"{metric}, {unit}" if unit else metric)


def _direction(task: str, metric: str) -> Direction:
    """Which way a metric improves; of a task that is not installed here, upwards."""
    facts = settings().tasks.get(task)
    return (facts.direction(metric) if facts else None) or Direction.MAXIMIZE
