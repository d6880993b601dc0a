"""Rows of figures and how they are written as Markdown; shared by the tables of all tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluators.measure import mean_interval, paired_interval

ORACLE = "oracle"  # the row of a clairvoyant line, where a task has one

Row = Mapping[str, Any]  # a JSON object


def score_figures(pairs: Sequence[tuple[str, float]]) -> Row:
    """Mean, interval and mean per regime of (regime, score) pairs."""
    regimes, scores = [regime for regime, _ in pairs], [score for _, score in pairs]
    interval = mean_interval(scores, regimes)
    by_regime = {r: rounded(np.mean([s for q, s in pairs if q == r])) for r in dict.fromkeys(regimes)}
    return {
        "score": rounded(np.mean(scores)),
        "low": rounded(interval.low) if interval else None,
        "high": rounded(interval.high) if interval else None,
        "regimes": by_regime,
    }


def rounded(value: float | np.floating[Any]) -> float:
    """Five significant digits are more than any interval here."""
    return float(f"{float(value):.5g}")


def ranked(rows: Mapping[str, Row]) -> list[str]:
    """Names, best score first, the oracle on top."""
    return sorted(rows, key=lambda name: (name != ORACLE, -rows[name]["score"]))


def difference(row: Row, reference: Row) -> str:
    """The paired difference over the instances of both, and its interval."""
    names = [name for name in reference.get("scores", {}) if name in row.get("scores", {})]
    scores, others = ([r["scores"][name] for name in names] for r in (row, reference))
    interval = paired_interval(scores, others, [name.split("-")[0] for name in names])
    if interval is None:
        return "-"
    return f"{np.mean(scores) - np.mean(others):+.3f} ({interval.low:+.3f} .. {interval.high:+.3f})"


def headroom(rows: Mapping[str, Row]) -> str:
    """Per regime: the best program, the oracle, and what lies between them."""
    programs = {name: row for name, row in rows.items() if name != ORACLE}
    body = []
    for regime, reached in rows[ORACLE]["regimes"].items():
        best = max(programs, key=lambda name, r=regime: programs[name]["regimes"][r])  # type: ignore[misc]
        score = programs[best]["regimes"][regime]
        body.append([f"`{regime}`", f"`{best}`", f"{score:.3f}", f"{reached:.3f}", f"{reached - score:+.3f}"])
    return table(["regime", "best program", "score", "oracle", "headroom"], body)


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def between_markers(page: str, generated: str, name: str = "baseline table") -> str:
    """`page` with what stands between its markers of that name replaced.

    Raises:
        ValueError: The page lacks a marker.
    """
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    if start not in page or end not in page:
        raise ValueError(f"expected the markers {start} and {end}, found no such pair in the page")
    head, tail = page.split(start)[0], page.split(end)[1]
    return f"{head}{start}\n{generated}\n{end}{tail}"
