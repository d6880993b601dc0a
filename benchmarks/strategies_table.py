"""The table of a result of `evolve benchmark`: leaders in search, champions on the hold-out, paired by repeat.

Usage: ``python -m benchmarks.strategies_table benchmarks/results/strategies_NAME.json``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from evolve.strategies import Result, compare_strategies

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


def table(search: Sequence[Result], holdout: Sequence[Result]) -> str:
    """A row per strategy; what excludes zero is in bold."""
    lines = [
        "| strategy | leader's search score | difference | hold-out score | difference |",
        "|---|---|---|---|---|",
    ]
    for here, there in zip(search, holdout, strict=True):
        cells = [f"`{here.strategy}`", f"{here.final:.4f}", _difference(here)]
        lines.append("| " + " | ".join([*cells, f"{there.final:.4f}", _difference(there)]) + " |")
    return "\n".join(lines)


def _difference(result: Result) -> str:
    if result.difference is None or result.low is None or result.high is None:
        return ""
    text = f"{result.difference:+.4f} [{result.low:+.4f}, {result.high:+.4f}]"
    return f"**{text}**" if result.low > 0 or result.high < 0 else text


def main(path: Path) -> None:
    """Print the table."""
    document = json.loads(path.read_text(encoding="utf-8"))
    searches, holdouts = ends_of(document["curves"])
    print(f"{document['evaluations']} evaluations, {document['repeats']} paired repeats\n")
    print(table(compare_strategies(searches, {}), compare_strategies(holdouts, {})))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
