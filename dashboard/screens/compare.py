"""Programs or runs side by side."""

from __future__ import annotations

import streamlit as st

from archive import run_summaries, run_views, views
from archive.errors import UnknownRecordError
from archive.records import Candidate
from archive.run_summaries import RunSummary
from archive.store import Archive
from dashboard import inert, links
from dashboard.charts import compare as charts
from dashboard.progress import fold_of
from dashboard.screens import candidate_parts, parts
from dashboard.source import reading
from dashboard.views import candidate as candidate_view
from dashboard.views import compare as view
from dashboard.views import pairing

_MAX_PROGRAMS = 6
_MAX_RUNS = 40


def page() -> None:
    """What the URL names: programs by ``id``, runs by ``run``."""
    parts.heading("Compare", "Programs by the paired difference on equal instances; runs by how fast they found.")
    programs, runs = st.tabs(["Programs", "Runs"])
    with reading() as archive:
        with programs:
            _programs(archive)
        with runs:
            _runs(archive)
    parts.footer()


def _programs(archive: Archive) -> None:
    parts.warn_unknown("program", links.strange_candidates())
    typed = st.text_input(
        "Programs: the first letters of two ids or more, separated by spaces", " ".join(links.queried_candidates())
    )
    ids = list(dict.fromkeys(typed.split()))[:_MAX_PROGRAMS]
    links.remember("id", *ids)
    found = [candidate for id_ in ids if (candidate := _candidate(archive, id_)) is not None]
    if len(found) < 2:
        st.info("Two programs are needed. Their ids are on the leaderboard; the first one is compared with the others.")
        return
    first, *others = found
    links.candidate_link(first.id, f"First: {inert.markdown(name_of(archive, first.id))}")
    for other in others:
        _pair(archive, first, other)


def _candidate(archive: Archive, id_: str) -> Candidate | None:
    try:
        return archive.candidate(id_)
    except UnknownRecordError as error:
        st.warning(inert.markdown(str(error)))
        return None


def name_of(archive: Archive, candidate_id: str) -> str:
    """A baseline by its name with the start of its id, another program by the id alone."""
    foundings = views.foundings(archive, candidate_id)
    return inert.cell(f"{foundings[-1].name} {candidate_id[:6]}", 60) if foundings else candidate_id[:10]


def _pair(archive: Archive, first: Candidate, other: Candidate) -> None:
    names = [name_of(archive, candidate.id) for candidate in (first, other)]
    parts.section(" against ".join(names))
    links.candidate_link(other.id, inert.markdown(names[1]))
    of_first, of_other = archive.evaluations(first.id), archive.evaluations(other.id)
    pairs = pairing.equal_pairs(of_first, of_other)
    if not pairs:
        candidate_parts.unequal(of_first, of_other)
    else:
        titles = [f"{pair.title} ({pair.a.evaluation.seeds[:6]})" for pair in pairs]
        key = f"pair {first.id} {other.id}"
        place = st.selectbox("Compared on", range(len(pairs)), format_func=titles.__getitem__, key=key)
        candidate_parts.against(pairs[place], *names)
    with st.expander("Difference of their sources"):
        text = candidate_view.diff_text(other.source, first.source, other.id[:10], first.id[:10])
        st.code(text or "The two programs are equal.", language="diff", wrap_lines=True)


def _runs(archive: Archive) -> None:
    summaries = run_summaries.run_summaries(archive)
    tasks = sorted({(run.task, run.task_identity) for run in summaries})
    if not tasks:
        st.info("There is no run in this archive yet.")
        return
    by_id = {run.run_id: run for run in summaries}
    parts.warn_unknown("run", [run_id for run_id in links.queried("run") if run_id not in by_id])
    queried = [run_id for run_id in links.queried_runs() if run_id in by_id]
    start = tasks.index((by_id[queried[0]].task, by_id[queried[0]].task_identity)) if queried else 0
    task = st.selectbox("Task", tasks, index=start, format_func=lambda pair: f"{inert.cell(pair[0])} {pair[1]}")
    same = [run.run_id for run in summaries if (run.task, run.task_identity) == task]
    others = [run_id for run_id in queried if run_id not in same]
    if others:
        st.caption(f"Left out, for they are of another task: {inert.markdown(', '.join(others))}.")
    default = [run_id for run_id in queried if run_id in same] or same[:_MAX_RUNS]
    chosen = st.multiselect("Runs", same, default=default, max_selections=_MAX_RUNS)
    if chosen:
        links.remember("run", *chosen)
        _curves(archive, [by_id[run_id] for run_id in chosen])
    else:
        st.info("Choose at least one run.")


def _curves(archive: Archive, runs: list[RunSummary]) -> None:
    folds = {run.run_id: fold_of(archive, run.run_id) for run in runs}
    founders = {run.run_id: run_views.founder_scores(archive, run.run_id) for run in runs}
    initials = {id_: next((f.score for f in found if f.role == "initial"), None) for id_, found in founders.items()}
    curves = view.curves_frame(runs, folds, initials)
    if curves.empty:
        st.info("No program of these runs has a search score yet.")
        return
    parts.chart(charts.run_curves_chart(curves), "Best search score so far of each run")
    st.caption("Search scores of runs with different secrets are of different instances: the hold-out decides.")
    means = view.mean_curves_frame(curves)
    if not means.empty and int(means["runs"].max()) > 1:
        parts.section("By strategy")
        parts.chart(charts.mean_curves_chart(means), "Mean curve of each strategy")
    scores = {name: st.column_config.NumberColumn(format="%.4f") for name in ("best", "best baseline")}
    scores["per minute"] = st.column_config.NumberColumn(format="%.0f")
    parts.table(view.runs_frame(runs, folds, founders), scores)
