"""What a score is worth: the sandbox's promises, and everything that went wrong."""

from __future__ import annotations

import streamlit as st

from archive import views
from archive.views import Failure
from dashboard import links
from dashboard.screens import parts
from dashboard.source import reading
from dashboard.views import trust as view
from evaluators.contract import Outcome
from evaluators.probe import probe_machine

_FAILED = (Outcome.INVALID, Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.INFRASTRUCTURE)
_MAX_ROWS = 50
_COLUMNS = {
    "task": st.column_config.TextColumn(),
    "split": st.column_config.TextColumn(width="small"),
    "tier": st.column_config.TextColumn(width="small"),
    "reason": st.column_config.TextColumn(width=640, help="may be words of the program"),
    "run": st.column_config.TextColumn(width="small"),
    "at, UTC": st.column_config.TextColumn(),
    "program": st.column_config.TextColumn(),
}


def page() -> None:
    """Promises, quarantine, failures."""
    parts.heading("Trust", "What the sandbox keeps programs from, which of them tried, and what failed.")
    _promises()
    with reading() as archive:
        leagues, outcomes = views.all_leagues(archive), views.league_outcomes(archive)
        environments = views.all_environments(archive)
        tampered = views.failures(archive, Outcome.TAMPERED, _MAX_ROWS)
        broken = views.failures(archive, Outcome.INFRASTRUCTURE, _MAX_ROWS)
    if not leagues:
        st.info("Nothing has been evaluated in this archive yet.")
        parts.footer()
        return
    parts.section("Sandboxes of the archived scores")
    parts.table(view.environment_frame(environments))
    st.caption(
        "The layers are part of the environment class: scores of an incomplete sandbox are never ranked with others."
    )
    _quarantine(tampered, view.above_bound(broken))
    parts.section("Outcomes of evaluations")
    parts.table(view.outcome_frame(leagues, outcomes))
    chosen = st.segmented_control("Outcome", _FAILED, default=Outcome.CRASHED, format_func=view.plain)
    with reading() as archive:
        found = views.failures(archive, chosen or Outcome.CRASHED, _MAX_ROWS)
    _failures(found, f"No evaluation ended as {view.plain(chosen or Outcome.CRASHED)}.", "failed")
    parts.footer()


def _promises() -> None:
    """Of the machine that serves this page, which may not be the one that evaluates."""
    parts.section("This machine")
    report = probe_machine()
    if report.missing:
        st.warning(f"{len(report.missing)} of {len(report.properties)} promises cannot be kept here.")
    else:
        st.success(f"All {len(report.properties)} promises can be kept here, by {report.layers}.")
    with st.expander("The promises", expanded=bool(report.missing)):
        parts.table(view.promise_frame(report.properties))


def _quarantine(tampered: list[Failure], above: list[Failure]) -> None:
    parts.section("Quarantined")
    st.caption("Programs that spoke out of turn on the protocol: never scored, never parents.")
    _failures(tampered, "No program has tampered with its evaluation.", "tampered")
    st.caption("Scores above a proven bound: a bug of the evaluator, never archived as a score.")
    _failures(above, "No score was above its proven bound.", "above")


def _failures(found: list[Failure], none: str, key: str) -> None:
    if not found:
        st.info(none)
        return
    chosen = parts.program_table(view.failure_frame(found), _COLUMNS, key)
    if chosen:
        links.open_candidate(chosen)
