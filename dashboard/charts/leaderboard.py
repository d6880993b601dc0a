"""The leaders with their intervals, beside the bound."""

from __future__ import annotations

from typing import Literal

import altair as alt
import pandas as pd

from dashboard.palette import GREEN, GREY, ORANGE, SKY

MAX_PROGRAMS = 15
_KINDS = alt.Scale(domain=["evolved", "baseline", "initial"], range=[SKY, ORANGE, GREY])
_SHAPES = alt.Scale(domain=["evolved", "baseline", "initial"], range=["circle", "square", "triangle-up"])


def interval_chart(
    frame: pd.DataFrame, bound: float | None, weak_baseline: str
) -> alt.LayerChart | alt.FacetChart | None:
    """Hold-out scores with their 95 % intervals, best on top; None where nothing is ranked."""
    ranked = frame[frame["rank"].notna()].head(MAX_PROGRAMS)
    if ranked.empty:
        return None
    label = ranked["rank"].astype(str) + "  " + ranked["name"] + "  " + ranked["id"].str[:6]
    drawn = ranked.assign(label=label)[["label", "kind", "holdout", "low", "high"]]
    order = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=190, labelOverlap=False, labelFlush=False))
    base = alt.Chart(drawn).encode(y=order)
    score = alt.X(
        "holdout:Q", title="hold-out score, 95 % interval", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=8)
    )
    colour = alt.Color("kind:N", scale=_KINDS, legend=alt.Legend(title=None, orient="top"))
    tooltip = ["label:N", *(alt.Tooltip(f"{name}:Q", format=".4f") for name in ("holdout", "low", "high"))]
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=""), x2="high:Q", color=colour),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=score, color=colour, shape=alt.Shape("kind:N", scale=_SHAPES), tooltip=tooltip
        ),
        *_references(bound, weak_baseline, float(drawn["low"].fillna(drawn["holdout"]).min())),
    ]
    return alt.layer(*layers).properties(height=22 * len(drawn) + 110)


def _references(bound: float | None, weak_baseline: str, lowest: float) -> list[alt.Chart]:
    """Lines at the proven bound, and at the program that scores 0 where that is near."""
    lines = [] if bound is None else [(bound, "proven bound", GREEN)]
    if weak_baseline and lowest <= 0.1:
        lines.append((0.0, weak_baseline, GREY))
    return [layer for value, name, colour in lines for layer in _line(value, name, colour)]


def _line(value: float, name: str, colour: str) -> list[alt.Chart]:
    """A dashed line with its name above; right of a line at zero, left of the bound, which may be last."""
    base = alt.Chart(pd.DataFrame({"score": [value], "line": [name]})).encode(x="score:Q")
    side: Literal["left", "right"] = "left" if value == 0.0 else "right"
    return [
        base.mark_rule(strokeDash=[6, 4], color=colour, strokeWidth=2).encode(tooltip=["line:N", "score:Q"]),
        base.mark_text(align=side, baseline="bottom", color=colour).encode(text="line:N", y=alt.value(-3)),
    ]
