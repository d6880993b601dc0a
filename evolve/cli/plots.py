"""Pictures for reports. Needs matplotlib (extra `plots`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

LABEL_HEIGHT = 0.02  # of a line of text, as a share of the picture's


def labels(levels: Mapping[str, float], apart: float) -> list[tuple[float, str]]:
    """Heights and texts: names whose levels are less than `apart` above the lowest of them share a text."""
    found: list[tuple[float, str]] = []
    for name, level in sorted(levels.items(), key=lambda item: item[1]):
        if found and level - found[-1][0] < apart:
            found[-1] = (found[-1][0], f"{found[-1][1]}, {name}")
        else:
            found.append((level, name))
    return found


def draw_curves(
    curves: Mapping[str, Sequence[Sequence[float]]], baselines: Mapping[str, float], path: Path, title: str
) -> None:
    """Mean hold-out of the champion over evaluations, one line per strategy with the range of its repeats, to a PNG."""
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for name, repeats in curves.items():
        heights = np.asarray(repeats)
        (line,) = axes.plot(heights.mean(axis=0), label=name, linewidth=2)
        axes.fill_between(
            np.arange(heights.shape[1]), heights.min(axis=0), heights.max(axis=0), color=line.get_color(), alpha=0.12
        )
    lowest = min(min(curve) for repeats in curves.values() for curve in repeats)
    shown = {name: level for name, level in baselines.items() if level >= lowest - 0.02}
    for level in shown.values():
        axes.axhline(level, color="0.6", linewidth=0.8, linestyle="--")
    bottom, top = axes.get_ylim()
    for level, label in labels(shown, LABEL_HEIGHT * (top - bottom)):
        axes.annotate(label, (0, level), fontsize=7, color="0.35", va="bottom")
    axes.set(title=title, xlabel="evaluations of new programs", ylabel="hold-out score of the champion")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=140)
