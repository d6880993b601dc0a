"""Pictures of one program: instances against the parent, the way up, and the task's own tables."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.palette import BLUE, CATEGORIES, GREY, ORANGE, SKY, VERMILION
from evaluators.contract import Outcome, Picture

_COUNTS = alt.Axis(tickMinStep=1, format="d")
_IS_SCORED = f"datum.outcome == '{Outcome.SCORED}'"
_CROSS = "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z"


def path_chart(frame: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Search scores along an ancestry, with the best so far as a step line."""
    base = alt.Chart(frame.dropna(subset=["score"])).encode(x=alt.X("generation:Q", axis=_COUNTS))
    score = alt.Y("score:Q", title="search score", scale=alt.Scale(zero=False))
    dots = base.mark_point(filled=True, size=60, color=SKY).encode(
        y=score, tooltip=["generation:Q", alt.Tooltip("score:Q", format=".4f"), "change:N", "id:N"]
    )
    best = base.mark_line(interpolate="step-after", color=ORANGE).encode(y="best:Q")
    return alt.layer(best, dots).properties(height=220)


def paired_chart(frame: pd.DataFrame, title: str) -> alt.LayerChart | alt.FacetChart:
    """The difference of each instance, by regime; above zero the first program is better."""
    base = alt.Chart(_placed(frame)).encode(x=_regimes(frame))
    dots = base.mark_circle(size=55, opacity=1).encode(  # fainter, blue would not be seen on dark ground
        y=alt.Y("difference:Q", title=title),
        xOffset=alt.XOffset("place:O"),
        color=alt.condition("datum.difference >= 0", alt.value(BLUE), alt.value(ORANGE)),
        tooltip=["instance:N", "regime:N", *(alt.Tooltip(f"{n}:Q", format=".4f") for n in ("a", "b", "difference"))],
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=GREY).encode(y="zero:Q")
    return alt.layer(zero, dots).properties(height=260)


def score_chart(frame: pd.DataFrame) -> alt.Chart:
    """The score of each instance, by regime."""
    drawn: alt.Chart = (
        alt.Chart(_placed(frame))
        .mark_point(opacity=1, filled=True)
        .encode(
            x=_regimes(frame),
            xOffset=alt.XOffset("place:O"),
            shape=alt.condition(_IS_SCORED, alt.value("circle"), alt.value(_CROSS)),
            size=alt.condition(_IS_SCORED, alt.value(55), alt.value(140)),
            color=alt.condition(_IS_SCORED, alt.value(SKY), alt.value(VERMILION)),
            y=alt.Y("score:Q", title="score of an instance"),
            tooltip=["instance:N", "outcome:N", alt.Tooltip("score:Q", format=".4f")],
        )
        .properties(height=240)
    )
    return drawn


def picture_chart(
    picture: Picture, frame: pd.DataFrame, title: str = "", labels: Sequence[str] = ()
) -> alt.Chart | None:
    """The chart that a picture is meant for; None where its table does not fit that.

    Args:
        title: Of the upward axis, where several series share it.
        labels: Names of the rows, where the first column only counts them.
    """
    columns = list(frame.columns)
    if frame.empty or len(columns) < 2:
        return None
    named = frame.set_axis([f"c{i}" for i in range(len(columns))], axis="columns")  # names may hold Vega's syntax
    titles = {f"c{i}": name for i, name in enumerate(columns)}
    match picture.chart:
        case "heatmap" if len(columns) >= 3:
            return _heatmap(named, titles)
        case "gantt" if len(columns) >= 3:
            return _gantt(named, titles)
        case "line" | "bar":
            if labels and len(labels) == len(named):
                named = named.assign(c0=list(labels))
            return _series(named, titles, picture.chart, title)
        case _:
            return None


def _heatmap(frame: pd.DataFrame, titles: dict[str, str]) -> alt.Chart:
    """Columns are x, y and value."""
    drawn: alt.Chart = (
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("c0:O", title=titles["c0"]),
            y=alt.Y("c1:O", title=titles["c1"]),
            color=alt.Color("c2:Q", title=titles["c2"], scale=alt.Scale(scheme="viridis")),
            tooltip=_tooltips(titles),
        )
        .properties(height=320)
    )
    return drawn


def _gantt(frame: pd.DataFrame, titles: dict[str, str]) -> alt.Chart:
    """Columns are row, start, end and perhaps what is done."""
    bars = alt.Chart(frame).mark_bar(stroke="white", strokeWidth=0.5)
    encoded: alt.Chart = bars.encode(
        y=alt.Y("c0:O", title=titles["c0"]), x=alt.X("c1:Q", title=titles["c1"]), x2="c2:Q", tooltip=_tooltips(titles)
    )
    if "c3" in titles:
        many = frame["c3"].nunique() > len(CATEGORIES)
        scale = alt.Scale(scheme="viridis") if many else alt.Scale(range=list(CATEGORIES))
        encoded = encoded.encode(color=alt.Color("c3:Q" if many else "c3:N", title=titles["c3"], scale=scale))
    return encoded.properties(height=320)


def _series(frame: pd.DataFrame, titles: dict[str, str], kind: str, title: str) -> alt.Chart:
    """The first column is x, a number or a name; each other one is a series."""
    is_named = pd.api.types.is_object_dtype(frame["c0"]) or pd.api.types.is_string_dtype(frame["c0"])
    values = [name for name in titles if name != "c0"]
    long = frame.melt(id_vars="c0", value_vars=values, var_name="key", value_name="value")
    long["series"] = long["key"].map(titles)
    is_grouped = is_named or (kind == "bar" and len(frame) <= 60)  # so few that bars can stand side by side
    chart = alt.Chart(long).mark_bar() if kind == "bar" else alt.Chart(long).mark_line(point=len(frame) <= 60)
    order = [titles[name] for name in values]  # the task's, which the alphabet need not be
    colour = alt.Color("series:N", title=None, sort=order, scale=alt.Scale(range=list(CATEGORIES)))
    upward = titles["c1"] if len(values) == 1 else title or None
    across = (
        alt.X("c0:O", title=titles["c0"], sort=None, axis=alt.Axis(labelAngle=-30 if is_named else 0, labelLimit=120))
        if is_grouped
        else alt.X("c0:Q", title=titles["c0"], axis=_COUNTS if _is_whole(frame["c0"]) else alt.Axis())
    )
    drawn: alt.Chart = chart.encode(
        x=across,
        y=alt.Y("value:Q", title=upward, stack=None),
        color=colour if len(values) > 1 else alt.value(SKY),
        tooltip=["series:N", alt.Tooltip("c0:N" if is_named else "c0:Q", title=titles["c0"]), "value:Q"],
    )
    if is_grouped and len(values) > 1:
        drawn = drawn.encode(xOffset=alt.XOffset("series:N", sort=order))
    return drawn.properties(height=260)


def _is_whole(values: pd.Series[float]) -> bool:
    """Whether an axis counts something."""
    return bool((values == values.round()).all())


def _tooltips(titles: dict[str, str]) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:Q", title=title) for name, title in titles.items()]


def _regimes(frame: pd.DataFrame) -> alt.X:
    """Regimes side by side in the task's own order, as the tables have them."""
    order = list(dict.fromkeys(frame["regime"]))
    return alt.X("regime:N", title=None, sort=order, axis=alt.Axis(labelAngle=0, labelLimit=120))


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the place of each instance among those of its regime."""
    return frame.assign(place=frame.groupby("regime", sort=False).cumcount())
