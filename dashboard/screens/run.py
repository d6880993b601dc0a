"""One run as it goes: what it found, what it spends, and what became of its attempts."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from archive import run_summaries, run_views
from archive.queries import Usage, usage
from archive.records import Attempt, BanditRow
from archive.run_summaries import ModelUse, RunSummary
from archive.run_views import FounderScore
from archive.store import Archive
from dashboard import inert, links, words
from dashboard.charts import run as charts
from dashboard.progress import fold_of
from dashboard.screens import ending, parts
from dashboard.screens.ending import End
from dashboard.source import reading, settings
from dashboard.views import run as view
from dashboard.views.fold import RunFold
from dashboard.views.run import Budget

REFRESH_S = 2.0
SUMS_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one refresh read."""

    run: RunSummary
    fold: RunFold
    founders: list[FounderScore]
    in_flight: dict[str, int]
    used: Usage
    uses: list[ModelUse]
    bandit: list[BanditRow]
    rejected: list[Attempt]
    end: End

    @property
    def budget(self) -> Budget:
        """What the run may spend."""
        return Budget.of(self.run.config)


def page() -> None:
    """The run that the URL names, or the newest."""
    parts.heading("Run", "Progress of one run; while it runs, this page follows it.")
    with reading() as archive:
        runs = run_summaries.run_summaries(archive)
    if not runs:
        st.info("There is no run in this archive yet. `evolve run expert_replication` starts one.")
        return
    run = parts.choose_run(runs)
    st.fragment(_progress, run_every=REFRESH_S if view.is_live(run, time.time()) else None)(run.run_id)
    parts.footer()


def _progress(run_id: str) -> None:
    """Everything that moves; read again at each refresh."""
    with reading() as archive:
        look = _look(archive, run_id)
    was_live = st.session_state.get(f"live {run_id}", False)
    live = view.is_live(look.run, time.time())
    st.session_state[f"live {run_id}"] = live
    if was_live and not live:
        st.rerun()  # the last refresh: the page stops following
    _head(look)
    _curve(look)
    left, right = st.columns(2)
    with left:
        _outcomes(look)
    with right:
        _islands(look)
    _costs(look)
    _bandit(look)
    _rejections(look)


def _look(archive: Archive, run_id: str) -> Look:
    run = next(run for run in run_summaries.run_summaries(archive) if run.run_id == run_id)
    fold, founders = fold_of(archive, run_id), run_views.founder_scores(archive, run_id)
    in_flight = run_views.in_flight(archive, run_id)
    return Look(
        run=run,
        fold=fold,
        founders=founders,
        in_flight=in_flight,
        used=_usage(archive, id(archive), run_id),
        uses=run_summaries.model_uses(archive, run_id),
        bandit=archive.bandit_states(run_id),
        rejected=run_views.rejections(archive, run_id),
        end=ending.read(archive, run, fold, founders, in_flight),
    )


@st.cache_data(show_spinner=False, ttl=SUMS_S, max_entries=32)
def _usage(_archive: Archive, archive_key: int, run_id: str) -> Usage:  # noqa: ARG001 - part of the key
    """Sums over all evaluations and calls: their cost alone grows with the run, so they are read less often."""
    return usage(_archive, run_id)


def _head(look: Look) -> None:
    fold, run = look.fold, look.run
    status = inert.markdown(view.status_of(run, time.time()))
    facts = settings().tasks.get(run.task)
    title = f"{run.task} {view.parameters_text(run.parameters, facts.defaults if facts else {})}".strip()
    st.markdown(f"**{inert.markdown(title)}**: {status}")
    ending.show(look.end)
    rate = fold.attempts_per_minute
    flying = ", ".join(f"{count} {inert.markdown(state)}" for state, count in sorted(look.in_flight.items())) or "none"
    scored, leader = fold.outcomes["scored"], view.leader_of(fold, look.founders)
    pairs = [
        *view.best_figures(leader, fold),
        ("attempts told", f"{fold.told:,}"),
        ("per minute", f"{rate:.0f}" if rate is not None else words.MISSING),
        ("in flight", flying),
        ("scored", f"{scored:,} of {fold.told:,}" if fold.told else words.MISSING),
        ("CPU of evaluations", f"{look.used.cpu_s:,.0f} s"),
        *view.budget_left(look.budget, fold, look.used.price_usd),
    ]
    if look.used.calls:
        per_scored = f"{look.used.price_usd / scored:.4f}" if scored else words.MISSING
        pairs += [
            ("model calls", f"{look.used.calls:,}"),
            ("USD", f"{look.used.price_usd:.4f}"),
            ("USD per scored", per_scored),
        ]
    parts.facts_row(pairs)
    if leader is not None:
        links.candidate_link(leader.candidate_id, "Open the best program")


def _curve(look: Look) -> None:
    initial = next((f.score for f in look.founders if f.role == "initial"), None)
    facts = settings().tasks.get(look.run.task)
    curve = view.curve_frame(look.fold, initial)
    if curve.empty:
        st.info("No program of this run has a search score yet. Baselines are scored first; then attempts follow.")
        return
    bound = facts.bound if facts else None
    if bound is not None and not st.toggle("Show the proven bound", value=True, key=f"bound {look.run.run_id}"):
        bound = None
    references = view.reference_frame(look.founders, bound)
    marks = view.migrations(look.fold, look.budget)
    parts.chart(charts.curve_chart(curve, references, marks), "Best search score so far over attempts")
    if marks:
        st.caption(f"Dotted: islands exchange their best, every {look.budget.migration_every} tells.")


def _outcomes(look: Look) -> None:
    parts.section("How attempts end")
    if not look.fold.told:
        st.info("No attempt has ended yet.")
        return
    parts.chart(charts.mix_chart(view.mix_frame(look.fold)), "Share of each outcome over attempts")
    st.caption(
        ", ".join(
            f"{count:,} {inert.markdown(name.replace('_', ' '))}" for name, count in look.fold.outcomes.most_common()
        )
    )


def _islands(look: Look) -> None:
    parts.section("Islands and operators")
    if not look.fold.told:
        return
    numbers = {"best": st.column_config.NumberColumn(format="%.4f")}
    islands = {str(number): tally for number, tally in sorted(look.fold.islands.items())}
    parts.table(view.tally_frame(islands, "island"), numbers)
    parts.table(view.tally_frame(look.fold.operators, "operator"), numbers)
    if sum(tally.attempts for tally in look.fold.operators.values()) > look.fold.told:
        st.caption("An attempt may use several operators, and counts for each.")


def _costs(look: Look) -> None:
    if look.uses:
        parts.section("Models")
        columns = {
            "usd": st.column_config.NumberColumn("USD", format="%.4f"),
            "usd per scored": st.column_config.NumberColumn("USD per scored program", format="%.4f"),
            "mean latency_s": st.column_config.NumberColumn("mean latency, s", format="%.1f"),
        }
        parts.table(view.cost_frame(look.uses, look.fold), columns)


def _bandit(look: Look) -> None:
    if look.bandit:
        parts.section("What the bandit believes")
        parts.chart(charts.bandit_chart(view.bandit_frame(look.bandit)), "Posterior reward of each model and operator")


def _rejections(look: Look) -> None:
    parts.section("Rejected by the gate")
    if not look.rejected:
        st.info("No attempt was rejected by the gate.")
        return
    newest = "The newest one" if len(look.rejected) == 1 else f"The newest {len(look.rejected)}"
    st.caption(f"{newest}; click one to open the program that it equals or resembles.")
    columns = {
        "attempt": st.column_config.NumberColumn(width="small"),
        "operator": st.column_config.TextColumn(),
        "why": st.column_config.TextColumn(width="large"),
        "neighbour": st.column_config.TextColumn(),
    }
    chosen = parts.program_table(view.rejection_frame(look.rejected), columns, f"rejected {look.run.run_id}")
    if chosen:
        links.open_candidate(chosen)
