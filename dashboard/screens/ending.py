"""The part of the run's page on its end: the phase that it is in, and the verdict once it is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from archive import endings
from archive.run_summaries import RunSummary
from archive.run_views import FounderScore
from archive.store import Archive
from dashboard import inert, links
from dashboard.screens import parts
from dashboard.views import run as run_view
from dashboard.views.fold import RunFold
from dashboard.views.judgement import read_verdict
from dashboard.views.run import Budget
from dashboard.views.verdict import Verdict
from evaluators.contract import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What is known of the end of a run."""

    phase: str  # empty once it is finished
    verdict: Verdict | None


def read(
    archive: Archive,
    run: RunSummary,
    fold: RunFold,
    founders: Sequence[FounderScore],
    in_flight: Mapping[str, int],
) -> End:
    """The phase of a run that is not finished, the verdict of one that is."""
    if run.status == "finished":
        return End(phase="", verdict=_verdict_at(archive, id(archive), run.run_id, run.told))
    budget = Budget.of(run.config)
    paid = endings.paid_without_attempt(archive, run.run_id)
    phase = run_view.phase_of(run, fold, budget, in_flight, founders, num_holdouts=paid.get(Split.HOLDOUT, 0))
    if phase is run_view.Phase.SCORING:
        done = sum(founder.score is not None for founder in founders)
        return End(phase=f"{phase}: {done} of {len(founders)}", verdict=None)
    if phase is run_view.Phase.HOLDOUT:
        return End(phase=f"{phase}: {_holdouts_done(archive, run.run_id, founders)}", verdict=None)
    return End(phase=phase, verdict=None)


def show(end: End) -> None:
    """The phase in a line, or the verdict with its champion."""
    if end.phase:
        st.markdown(f"Phase: {inert.markdown(end.phase)}")
    elif end.verdict is None:
        st.info("This run was not judged: it has no champion and no hold-out.")
    else:
        _show_verdict(end.verdict)


def _show_verdict(verdict: Verdict) -> None:
    parts.section("Verdict")
    st.markdown(inert.markdown(verdict.sentence))
    if verdict.holdout is not None:
        name = "initial program" if verdict.is_initial else f"champion {verdict.champion_id[:10]}"
        interval = verdict.interval
        range_text = f" [{interval.low:.4f}, {interval.high:.4f}]" if interval else ""
        parts.facts_row([(f"hold-out of the {name}, 95 % interval", f"{verdict.holdout:.4f}{range_text}")])
    links.candidate_link(verdict.champion_id, "Open the initial program" if verdict.is_initial else "Open the champion")


@st.cache_data(show_spinner="Reading the verdict ...", max_entries=32)
def _verdict_at(_archive: Archive, archive_key: int, run_id: str, told: int) -> Verdict | None:  # noqa: ARG001 - parts of the key
    """The verdict of a finished run; it stays what it is."""
    return read_verdict(_archive, run_id, Budget.of(_archive.run(run_id).config).final_tier)


def _holdouts_done(archive: Archive, run_id: str, founders: Sequence[FounderScore]) -> str:
    """How far the hold-out is; programs without a search score get none."""
    judging = endings.judging_of(archive, run_id)
    wanted = {founder.candidate_id for founder in founders if founder.score is not None}
    scores = endings.holdout_scores(archive, judging, sorted(wanted)) if judging else {}
    return f"{len(scores)} of {len(wanted)} initial and baseline programs are scored, then the finalists"
