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
THIS_RUN = "this run"
_REFERENCE_COLOURS = {THIS_RUN: SKY, "initial": GREY, "proven bound": GREEN}
_DASHES = ([6, 4], [2, 2], [10, 3, 2, 3], [12, 4], [4, 8])  # near-equal lines show through one another
_SCORE_TOOLTIP = alt.Tooltip("score:Q", format=".4f")
_SCORES = alt.Axis(format=".4~g")
_NEAR = alt.Scale(zero=False)
_COUNTS = alt.Axis(tickMinStep=1, format="d")


def curve_chart(curve: pd.DataFrame, references: pd.DataFrame, migrations: Sequence[int] = ()) -> AnyLayer:
    """The best so far as steps, horizontal lines for the references, ticks where islands exchanged programs."""
    colour, dash = _line_styles([THIS_RUN, *references["line"]])
    line = (
        alt.Chart(curve.assign(line=THIS_RUN))
        .mark_line(interpolate="step-after", strokeWidth=3, point=alt.OverlayMarkDef(size=30))
        .encode(
            x=alt.X("attempts:Q", title="order told", scale=alt.Scale(nice=False), axis=_COUNTS),
            y=alt.Y(
                "score:Q", title="best search score so far", scale=alt.Scale(zero=False), axis=alt.Axis(format=".4~g")
            ),
            color=colour,
            strokeDash=dash,
            tooltip=[
                alt.Tooltip("attempts:Q", title="order told"),
                _SCORE_TOOLTIP,
                "program:N",
            ],
        )
    )
    layers: list[alt.Chart] = [line]
    if not references.empty:
        layers.append(
            alt.Chart(references)
            .mark_rule(strokeWidth=1.5)
            .encode(y="score:Q", color=colour, strokeDash=dash, tooltip=["line:N", _SCORE_TOOLTIP])
        )
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
    legend = alt.Legend(title=None, orient="top", columns=4, labelExpr="replace(datum.label, regexp('_', 'g'), ' ')")
    drawn: alt.Chart = (
        alt.Chart(mix)
        .mark_bar()
        .encode(
            x=alt.X("from:Q", title="order told", bin=alt.BinParams(binned=True), axis=_COUNTS),
            x2="to:Q",
            y=alt.Y("attempts:Q", stack="normalize", title="share", axis=alt.Axis(format="%")),
            color=alt.Color("outcome:N", scale=scale, legend=legend),
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
    base = alt.Chart(frame).encode(x=alt.X("tells:Q", title="tells", axis=_COUNTS), color=colour)
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="reward, 90 % range"), y2="high:Q")
    line = base.mark_line().encode(
        y="mean:Q", tooltip=["arm:N", "tells:Q", "told:Q", alt.Tooltip("mean:Q", format=".3f")]
    )
    return alt.layer(band, line).properties(height=260)


def _line_styles(names: Sequence[str]) -> tuple[alt.Color, alt.StrokeDash]:
    """One legend of colours and dashes: the run's own line is whole."""
    spare = iter((ORANGE, PURPLE, VERMILION, BLUE) * len(names))
    dashes = iter(_DASHES * len(names))
    colours = [_REFERENCE_COLOURS.get(name) or next(spare) for name in names]
    patterns = [[1, 0] if name == THIS_RUN else next(dashes) for name in names]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=400, columns=3, labelLimit=120)
    return (
        alt.Color("line:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        alt.StrokeDash("line:N", scale=alt.Scale(domain=names, range=patterns), legend=legend),
    )
