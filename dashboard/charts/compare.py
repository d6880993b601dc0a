"""Curves of several runs in one figure."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.palette import CATEGORIES

AnyLayer = alt.LayerChart | alt.FacetChart
_SCALE = alt.Scale(range=list(CATEGORIES))
_SCORE = alt.Scale(zero=False)
_LEGEND = alt.Legend(title=None, orient="top", columns=3, labelLimit=240)
_COUNTS = alt.Axis(tickMinStep=1, format="d")


def run_curves_chart(curves: pd.DataFrame) -> alt.Chart:
    """One step line per run, coloured by strategy where there are several runs of one."""
    key = "strategy" if curves["strategy"].nunique() > 1 else "run"
    drawn: alt.Chart = (
        alt.Chart(curves)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("attempts:Q", title="attempts told", axis=_COUNTS),
            y=alt.Y("score:Q", title="best search score so far", scale=_SCORE, axis=alt.Axis(format=".4~g")),
            color=alt.Color(f"{key}:N", scale=_SCALE, legend=_LEGEND),
            detail="run:N",
            tooltip=["run:N", "strategy:N", "attempts:Q", alt.Tooltip("score:Q", format=".4f")],
        )
        .properties(height=320)
    )
    return drawn


def mean_curves_chart(means: pd.DataFrame) -> AnyLayer:
    """The mean of each strategy's runs, with the range from the lowest to the highest run."""
    colour = alt.Color("strategy:N", scale=_SCALE, legend=_LEGEND)
    base = alt.Chart(means).encode(x=alt.X("attempts:Q", title="attempts told", axis=_COUNTS), color=colour)
    title = "best search score so far, mean and range over runs"
    band = base.mark_area(opacity=0.15, interpolate="step-after").encode(
        y=alt.Y("low:Q", title=title, scale=_SCORE), y2="high:Q"
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        y="mean:Q", tooltip=["strategy:N", "attempts:Q", alt.Tooltip("mean:Q", format=".4f"), "runs:Q"]
    )
    return alt.layer(band, line).properties(height=320)
