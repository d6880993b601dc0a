"""What several pages show alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from archive.run_summaries import RunSummary
from dashboard import inert, links, words
from dashboard.source import shown_address

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart


def heading(title: str, sentence: str) -> None:
    """The page's name and what it is for."""
    st.title(title, anchor=False)
    st.caption(sentence)


def section(title: str) -> None:
    """The heading of a part of a page."""
    st.markdown(f"#### {inert.markdown(title)}")


def footer() -> None:
    """Which archive was read."""
    st.caption(f"Archive {inert.markdown(shown_address())}, opened for reading only.")


def chart(figure: AnyChart, description: str) -> None:
    """A figure as wide as its place, with words for those who cannot see it."""
    figure = figure.properties(usermeta={"embedOptions": {"actions": False}})
    st.altair_chart(figure.properties(description=description), width="stretch")


def program_table(frame: pd.DataFrame, columns: Mapping[str, ColumnConfig], key: str) -> str | None:
    """A table with a column ``id``; the id of the row that was just clicked, once per click."""
    if frame.empty:
        st.info("No program fits the filter.")
        return None
    event = st.dataframe(
        frame,
        hide_index=True,
        column_config=dict(columns),
        column_order=[name for name in frame.columns if name in columns],
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        key=key,
        placeholder=words.MISSING,
    )
    rows = [*event["selection"]["rows"], *(row for row, _ in event["selection"]["cells"])]
    return str(frame["id"].iloc[rows[0]]) if rows and rows[0] < len(frame) else None


def table(frame: pd.DataFrame, columns: Mapping[str, ColumnConfig] | None = None) -> None:
    """A table to read."""
    st.dataframe(frame, hide_index=True, column_config=dict(columns or {}), placeholder=words.MISSING)


def facts_row(pairs: Sequence[tuple[str, str]]) -> None:
    """Figures side by side, that wrap where the window is narrow."""
    with st.container(horizontal=True):
        for label, value in pairs:
            st.metric(label, value, width="content")


def warn_unknown(kind: str, names: Sequence[str]) -> None:
    """Says what the URL asked for and the archive does not have."""
    for name in names:
        st.warning(f"There is no {kind} '{inert.markdown(name)}' here.", icon=":material/search_off:")


def choose_run(runs: list[RunSummary]) -> RunSummary:
    """The run to show; it is in the URL."""
    by_id = {run.run_id: run for run in runs}
    warn_unknown("run", [run_id for run_id in links.queried("run") if run_id not in by_id])
    queried = next((run_id for run_id in links.queried_runs() if run_id in by_id), runs[0].run_id)
    ids = list(by_id)

    def title(run_id: str) -> str:
        run = by_id[run_id]
        facts = (inert.cell(run.task), run.status, words.counted(run.told, "attempt"), words.minute(run.created_at))
        return f"{run_id}: {', '.join(facts)}"

    chosen = st.selectbox("Run", ids, index=ids.index(queried), format_func=title, help="times are in UTC")
    links.remember("run", chosen)
    return by_id[chosen]
