"""A run's progress as figures."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.palette import (
    BLUE,
    CATEGORIES,
    GREEN,
    GREY,
    ORANGE,
    OTHER_OUTCOME,
    OUTCOME_COLOURS,
    PURPLE,
    SKY,
    VERMILION,
)

AnyLayer = alt.LayerChart | alt.FacetChart
_REFERENCE_COLOURS = {"initial": GREY, "proven bound": GREEN}


def curve_chart(curve: pd.DataFrame, references: pd.DataFrame, migrations: Sequence[int] = ()) -> AnyLayer:
    """The best so far as steps, horizontal lines for the references, ticks where islands exchanged programs."""
    line = (
        alt.Chart(curve)
        .mark_line(interpolate="step-after", color=SKY, strokeWidth=3, point=alt.OverlayMarkDef(color=SKY, size=30))
        .encode(
            x=alt.X("attempts:Q", title="attempts told", scale=alt.Scale(nice=False)),
            y=alt.Y("score:Q", title="best search score so far", scale=alt.Scale(zero=False)),
            tooltip=["attempts:Q", alt.Tooltip("score:Q", format=".4f"), "program:N"],
        )
    )
    layers: list[alt.Chart] = [line]
    if not references.empty:
        layers.append(_reference_lines(references))
    if migrations:
        ticks = pd.DataFrame({"attempts": list(migrations)})
        layers.append(
            alt.Chart(ticks).mark_rule(color=GREY, strokeDash=[1, 5]).encode(x="attempts:Q", tooltip=["attempts:Q"])
        )
    return alt.layer(*layers).properties(height=340)


def mix_chart(mix: pd.DataFrame) -> alt.Chart:
    """How attempts ended, stacked, over time."""
    found = set(mix["outcome"])
    names = [name for name in OUTCOME_COLOURS if name in found] + sorted(found - OUTCOME_COLOURS.keys())
    scale = alt.Scale(domain=names, range=[OUTCOME_COLOURS.get(name, OTHER_OUTCOME) for name in names])
    drawn: alt.Chart = (
        alt.Chart(mix)
        .mark_bar()
        .encode(
            x=alt.X("from:Q", title="attempts told", bin=alt.BinParams(binned=True)),
            x2="to:Q",
            y=alt.Y("attempts:Q", stack="normalize", title="share", axis=alt.Axis(format="%")),
            color=alt.Color("outcome:N", scale=scale, legend=alt.Legend(title=None, orient="top")),
            tooltip=["from:Q", "to:Q", "outcome:N", "attempts:Q"],
        )
        .properties(height=220)
    )
    return drawn


def bandit_chart(frame: pd.DataFrame) -> AnyLayer:
    """Posterior means over tells with their ranges."""
    colour = alt.Color(
        "arm:N", title=None, scale=alt.Scale(range=list(CATEGORIES)), legend=alt.Legend(orient="top", symbolOpacity=1)
    )
    base = alt.Chart(frame).encode(x=alt.X("tells:Q", title="tells"), color=colour)
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="reward, 90 % range"), y2="high:Q")
    line = base.mark_line().encode(
        y="mean:Q", tooltip=["arm:N", "tells:Q", "told:Q", alt.Tooltip("mean:Q", format=".3f")]
    )
    return alt.layer(band, line).properties(height=260)


def _reference_lines(references: pd.DataFrame) -> alt.Chart:
    """Dashed lines, named in the legend."""
    names = list(references["line"])
    spare = iter((ORANGE, PURPLE, VERMILION, BLUE) * len(names))
    colours = [_REFERENCE_COLOURS.get(name) or next(spare) for name in names]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke")
    drawn: alt.Chart = (
        alt.Chart(references)
        .mark_rule(strokeDash=[6, 4], strokeWidth=1.5)
        .encode(
            y="score:Q",
            color=alt.Color("line:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
            tooltip=["line:N", alt.Tooltip("score:Q", format=".4f")],
        )
    )
    return drawn
