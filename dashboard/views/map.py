"""Where programs lie: a tree of ancestry, a scatter of scores, an elite grid, a Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from archive.elites import Axis, EliteGrid, ParetoFront
from archive.marks import Mark
from archive.records import Attempt
from archive.run_views import Score
from archive.views import Point
from dashboard import inert
from evaluators.contract import Direction

NUM_BINS = 12
FOUNDERS = -1  # where they lie among attempts


def mark_frame(marks: Sequence[Mark]) -> pd.DataFrame:
    """One row per mark of the scatter."""
    rows = [(m.tell_order + 1, m.score, inert.cell(m.colour, 40), m.attempts, m.candidate_id) for m in marks]
    return pd.DataFrame(rows, columns=["told", "score", "colour", "stands for", "id"])


def tree_frame(steps: Sequence[Attempt], scores: Mapping[str, Score]) -> pd.DataFrame:
    """One row per program of a tree: its place, and its parent's place for the line that joins them.

    Across lies the attempt that made it, up its score: gains are lines that rise. Founders lie before attempt 0.
    """
    made = {step.candidate_id: step for step in steps if step.candidate_id}
    rows = []
    for step in steps:
        own, parent = scores.get(step.candidate_id or ""), scores.get(step.parent_id)
        if own is None or own.objective is None:
            continue
        origin = made.get(step.parent_id)
        rows.append(
            {
                "attempt": step.index,
                "score": own.objective,
                "parent attempt": origin.index if origin else FOUNDERS,
                "parent score": parent.objective if parent and parent.objective is not None else own.objective,
                "island": str(step.island),
                "operator": inert.cell(step.operator, 60),
                "id": step.candidate_id,
            }
        )
    columns = ["attempt", "score", "parent attempt", "parent score", "island", "operator", "id"]
    return pd.DataFrame(rows, columns=columns)


def metric_names(points: Sequence[Point]) -> list[str]:
    """The metrics that some program reports, by name."""
    return sorted({name for point in points for name in point.metrics})


def first_axes(names: Sequence[str], descriptors: Sequence[str]) -> tuple[int, int]:
    """Where in `names` the axes of a grid are that is shown first: the task's descriptors, else the first two."""
    places = [names.index(name) for name in descriptors if name in names]
    return (places[0], places[1]) if len(places) > 1 else (0, 1)


def point_frame(
    points: Sequence[Point], x: str, y: str, direction_x: Direction, direction_y: Direction
) -> pd.DataFrame:
    """Programs by two metrics, with whether each is on the front: beaten by no other in both."""
    front = ParetoFront(2)
    sign_x, sign_y = (1.0 if d is Direction.MAXIMIZE else -1.0 for d in (direction_x, direction_y))
    both = [point for point in points if x in point.metrics and y in point.metrics]
    for point in both:
        front.add(point.candidate_id, (sign_x * point.metrics[x], sign_y * point.metrics[y]))
    leading = {member.candidate_id for member in front}
    rows = [(p.metrics[x], p.metrics[y], p.objective, p.candidate_id in leading, p.candidate_id) for p in both]
    return pd.DataFrame(rows, columns=["x", "y", "score", "front", "id"]).sort_values("x", ignore_index=True)


def grid_frame(points: Sequence[Point], x: str, y: str) -> pd.DataFrame:
    """The best program of each cell of two metrics, cut into `NUM_BINS` equal bins; empty where one is constant."""
    columns = ["x low", "x high", "y low", "y high", "score", "id"]
    both = [point for point in points if x in point.metrics and y in point.metrics]
    axes = [_axis(name, [point.metrics[name] for point in both]) for name in (x, y)]
    if any(axis is None for axis in axes):
        return pd.DataFrame([], columns=columns)
    grid = EliteGrid([axis for axis in axes if axis is not None])
    for point in both:
        grid.add(point.candidate_id, point.objective, (point.metrics[x], point.metrics[y]))
    rows = [
        (*_edges(grid.axes[0], cell[0]), *_edges(grid.axes[1], cell[1]), held.score, held.candidate_id)
        for cell, held in grid
    ]
    return pd.DataFrame(rows, columns=columns)


def _axis(name: str, values: Sequence[float]) -> Axis | None:
    low, high = min(values, default=0.0), max(values, default=0.0)
    return Axis(name=name, low=low, high=high, num_bins=NUM_BINS) if low < high else None


def _edges(axis: Axis, number: int) -> tuple[float, float]:
    width = (axis.high - axis.low) / axis.num_bins
    return axis.low + number * width, axis.low + (number + 1) * width
