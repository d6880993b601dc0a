"""Scatter, tree, grid and front as figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import altair as alt
import pandas as pd

from dashboard.palette import CATEGORIES, GREY, ORANGE, SKY
from evaluators.contract import Direction

AnyLayer = alt.LayerChart | alt.FacetChart
_RANGE = alt.Scale(range=list(CATEGORIES))
_TOP = alt.Legend(title=None, orient="top", columns=4, labelLimit=160)
_ATTEMPT = "datum.value < 0 ? 'founders' : format(datum.value, 'd')"
_SCORES = alt.Axis(format=".4~g")


def scatter_chart(frame: pd.DataFrame, told: int, initial: float | None) -> AnyLayer:
    """Search scores in the order told; each mark is the best of those it stands for, a triangle the initial program."""
    sizes = alt.Scale(domain=[1, max(2, int(frame["stands for"].max()))], range=[50, 160])
    across = alt.X(
        "told:Q",
        title="order told",
        scale=alt.Scale(domain=[0, max(1, told)], nice=False),
        axis=alt.Axis(tickMinStep=1, format="d"),
    )
    up = alt.Y("score:Q", title="search score", scale=alt.Scale(zero=False), axis=_SCORES)
    score = alt.Tooltip("score:Q", format=".4f")
    dots = (
        alt.Chart(frame)
        .mark_circle(opacity=0.85)
        .encode(
            x=across,
            y=up,
            color=alt.Color("colour:N", scale=_RANGE, legend=_TOP),
            size=alt.Size("stands for:Q", legend=None, scale=sizes),
            tooltip=[alt.Tooltip("told:Q", title="order told"), score, "colour:N", "stands for:Q", "id:N"],
        )
    )
    first = pd.DataFrame({"told": [0.0], "score": [initial], "program": ["initial"]}).dropna(subset=["score"])
    start = (
        alt.Chart(first)
        .mark_point(filled=True, shape="triangle-up", size=110, color=GREY, opacity=1)
        .encode(x=across, y=up, tooltip=["program:N", score])
    )
    return alt.layer(start, dots).properties(height=380)


def tree_chart(frame: pd.DataFrame) -> AnyLayer:
    """Programs joined to their parents."""
    lines = (
        alt.Chart(frame)
        .mark_rule(color=GREY, opacity=0.6)
        .encode(
            x=alt.X(
                "parent attempt:Q",
                title="attempt",
                scale=alt.Scale(nice=False),
                axis=alt.Axis(tickMinStep=1, labelExpr=_ATTEMPT),
            ),
            y=alt.Y("parent score:Q", title="search score", scale=alt.Scale(zero=False), axis=_SCORES),
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


def front_chart(frame: pd.DataFrame, titles: Sequence[str], direction_x: Direction) -> AnyLayer:
    """Programs by two metrics; those that no other beats in both are joined.

    Between two of them the worse `y` is reached: the left one's where a small `x` is good, else the right one's.
    """
    steps: Literal["step-after", "step-before"] = "step-after" if direction_x is Direction.MINIMIZE else "step-before"
    base = alt.Chart(frame).encode(
        x=alt.X("x:Q", title=titles[0], scale=alt.Scale(zero=False)),
        y=alt.Y("y:Q", title=titles[1], scale=alt.Scale(zero=False)),
    )
    tooltip = [*(alt.Tooltip(f"{name}:Q", format=".5g") for name in ("x", "y", "score")), "id:N"]
    dots = base.mark_circle(opacity=0.8).encode(
        color=alt.condition("datum.front", alt.value(ORANGE), alt.value(SKY)),
        size=alt.condition("datum.front", alt.value(110), alt.value(35)),
        tooltip=tooltip,
    )
    line = (
        alt.Chart(frame[frame["front"]])
        .mark_line(color=ORANGE, interpolate=steps)
        .encode(x="x:Q", y="y:Q", order="x:Q")
    )
    return alt.layer(line, dots).properties(height=360)


def grid_chart(frame: pd.DataFrame, titles: Sequence[str]) -> AnyLayer:
    """The best score of each cell, as a colour and in figures."""
    middle = float(frame["score"].min() + frame["score"].max()) / 2
    centres = frame.assign(
        **{"x middle": (frame["x low"] + frame["x high"]) / 2, "y middle": (frame["y low"] + frame["y high"]) / 2}
    )
    tooltip = [alt.Tooltip("score:Q", format=".4f"), "id:N"]
    cells = (
        alt.Chart(frame)
        .mark_rect(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("x low:Q", title=titles[0], scale=alt.Scale(zero=False)),
            x2="x high:Q",
            y=alt.Y("y low:Q", title=titles[1], scale=alt.Scale(zero=False)),
            y2="y high:Q",
            color=alt.Color("score:Q", scale=alt.Scale(scheme="viridis")),
            tooltip=tooltip,
        )
    )
    figures = (
        alt.Chart(centres)
        .mark_text(fontSize=9)
        .encode(
            x="x middle:Q",
            y="y middle:Q",
            text=alt.Text("score:Q", format=".3f"),
            color=alt.condition(f"datum.score < {middle}", alt.value("white"), alt.value("black")),
            tooltip=tooltip,
        )
    )
    return alt.layer(cells, figures).properties(height=360)
