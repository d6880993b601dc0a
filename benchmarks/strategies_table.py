"""The table of a result of `evolve benchmark`: leaders in search, champions on the hold-out, paired by repeat.

A last column, where the result has it: what the champion, whom validation chose, scores above the search leader there.

Usage: ``python -m benchmarks.strategies_table benchmarks/results/strategies_NAME.json``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from evolve.strategies import Result, compare_strategies, student_interval

Ends = dict[str, list[tuple[float]]]  # strategy -> where each repeat ended, as a curve of one point


def ends_of(curves: Sequence[Mapping[str, object]]) -> tuple[Ends, Ends]:
    """Search score of the leader and hold-out score of the champion at the end.

    Older results follow the leader on the hold-out too, and call the leaders steps.
    """
    searches: Ends = {}
    holdouts: Ends = {}
    for curve in curves:
        strategy, steps, holdout = curve["strategy"], curve.get("leaders") or curve["steps"], curve["holdout"]
        if not (isinstance(strategy, str) and isinstance(steps, list) and isinstance(holdout, list)):
            raise SystemExit("expected curves of `evolve benchmark`")
        searches.setdefault(strategy, []).append((float(steps[-1]["search"]),))
        holdouts.setdefault(strategy, []).append((float(holdout[-1]),))
    return searches, holdouts


def gains_of(curves: Sequence[Mapping[str, object]]) -> dict[str, list[float]]:
    """What the champion of each repeat scores on the hold-out above the search leader; empty for older results."""
    gains: dict[str, list[float]] = {}
    for curve in curves:
        strategy, holdout, leader = curve["strategy"], curve["holdout"], curve.get("leader_holdout")
        if isinstance(strategy, str) and isinstance(holdout, list) and isinstance(leader, float):
            gains.setdefault(strategy, []).append(float(holdout[-1]) - leader)
    return gains


def table(search: Sequence[Result], holdout: Sequence[Result], gains: Mapping[str, Sequence[float]]) -> str:
    """A row per strategy; what excludes zero is in bold."""
    columns = ["strategy", "leader's search score", "difference", "hold-out score", "difference"]
    columns += ["above the leader's"] if gains else []
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for here, there in zip(search, holdout, strict=True):
        cells = [f"`{here.strategy}`", f"{here.final:.4f}", _difference(here), f"{there.final:.4f}", _difference(there)]
        if own := gains.get(here.strategy):
            cells.append(_with_interval(fmean(own), *student_interval(own)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _difference(result: Result) -> str:
    return "" if result.difference is None else _with_interval(result.difference, result.low, result.high)


def _with_interval(mean: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{mean:+.4f}"
    text = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
    return f"**{text}**" if low > 0 or high < 0 else text


def main(path: Path) -> None:
    """Print the table."""
    document = json.loads(path.read_text(encoding="utf-8"))
    searches, holdouts = ends_of(document["curves"])
    print(f"{document['evaluations']} evaluations, {document['repeats']} paired repeats\n")
    gains = gains_of(document["curves"])
    print(table(compare_strategies(searches, {}), compare_strategies(holdouts, {}), gains))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
