"""Scatter, tree, grid and front as figures."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.palette import CATEGORIES, GREY, ORANGE, SKY

AnyLayer = alt.LayerChart | alt.FacetChart
_RANGE = alt.Scale(range=list(CATEGORIES))
_TOP = alt.Legend(title=None, orient="top", columns=4, labelLimit=160)


def scatter_chart(frame: pd.DataFrame) -> alt.Chart:
    """Search scores over attempts; each mark is the best of those it stands for."""
    sizes = alt.Scale(domain=[1, max(2, int(frame["stands for"].max()))], range=[30, 160])
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_circle(opacity=0.75)
        .encode(
            x=alt.X("attempt:Q", title="attempts told"),
            y=alt.Y("score:Q", title="search score", scale=alt.Scale(zero=False)),
            color=alt.Color("colour:N", scale=_RANGE, legend=_TOP),
            size=alt.Size("stands for:Q", legend=None, scale=sizes),
            tooltip=["attempt:Q", alt.Tooltip("score:Q", format=".4f"), "colour:N", "stands for:Q", "id:N"],
        )
        .properties(height=380)
    )
    return drawn


def tree_chart(frame: pd.DataFrame) -> AnyLayer:
    """Programs joined to their parents."""
    lines = (
        alt.Chart(frame)
        .mark_rule(color=GREY, opacity=0.6)
        .encode(
            x=alt.X("parent attempt:Q", title="attempt"),
            y=alt.Y("parent score:Q", title="search score", scale=alt.Scale(zero=False)),
            x2="attempt:Q",
            y2="score:Q",
        )
    )
    tooltip = ["attempt:Q", alt.Tooltip("score:Q", format=".4f"), "island:N", "operator:N", "id:N"]
    dots = (
        alt.Chart(frame)
        .mark_circle(size=70, opacity=1)
        .encode(x="attempt:Q", y="score:Q", color=alt.Color("island:N", scale=_RANGE, legend=_TOP), tooltip=tooltip)
    )
    return alt.layer(lines, dots).properties(height=380)


def front_chart(frame: pd.DataFrame, x: str, y: str) -> AnyLayer:
    """Programs by two metrics; those that no other beats in both are joined."""
    base = alt.Chart(frame).encode(
        x=alt.X("x:Q", title=x, scale=alt.Scale(zero=False)), y=alt.Y("y:Q", title=y, scale=alt.Scale(zero=False))
    )
    tooltip = [*(alt.Tooltip(f"{name}:Q", format=".5g") for name in ("x", "y", "score")), "id:N"]
    dots = base.mark_circle(opacity=0.8).encode(
        color=alt.condition("datum.front", alt.value(ORANGE), alt.value(SKY)),
        size=alt.condition("datum.front", alt.value(110), alt.value(35)),
        tooltip=tooltip,
    )
    line = (
        alt.Chart(frame[frame["front"]])
        .mark_line(color=ORANGE, interpolate="step-after")
        .encode(x="x:Q", y="y:Q", order="x:Q")
    )
    return alt.layer(line, dots).properties(height=360)


def grid_chart(frame: pd.DataFrame, x: str, y: str) -> alt.Chart:
    """The best score of each cell."""
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_rect(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("x low:Q", title=x, scale=alt.Scale(zero=False)),
            x2="x high:Q",
            y=alt.Y("y low:Q", title=y, scale=alt.Scale(zero=False)),
            y2="y high:Q",
            color=alt.Color("score:Q", scale=alt.Scale(scheme="viridis")),
            tooltip=[alt.Tooltip("score:Q", format=".4f"), "id:N"],
        )
        .properties(height=360)
    )
    return drawn
