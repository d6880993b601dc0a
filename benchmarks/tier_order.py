"""Whether the tier `quick` ranks a task's programs as `full` does, from the stored figures of all baselines.

``python -m benchmarks.tier_order`` writes the table between the markers of ``docs/search.md``. It plays nothing: the
tasks are those whose ``results/TASK_baselines.json`` has both tiers (see `baseline_table`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from scipy import stats

from benchmarks.stamp import RESULTS
from benchmarks.table_parts import ORACLE, between_markers, table

PAGE = Path(__file__).parents[1] / "docs" / "search.md"
MARKER = "tier order"
HEAD = (
    "task", "programs", "neighbours in `full` that `quick` orders alike", "largest difference in `full` of others",
    "rank correlation with `full`", "with the hold-out, of `quick` / of `full`",
)  # fmt: skip

Scores = Mapping[str, float]


def order_row(task: str, quick: Scores, full: Scores, holdout: Scores) -> list[str]:
    """One task's row; the scores are by program, and programs that a table lacks are left out."""
    names = [name for name in sorted(full, key=lambda name: -full[name]) if name in quick and name in holdout]
    pairs = list(pairwise(names))
    swapped = [(full[a] - full[b]) for a, b in pairs if quick[a] < quick[b]]

    def agreement(one: Scores, other: Scores) -> str:
        return f"{stats.spearmanr([one[name] for name in names], [other[name] for name in names]).statistic:.2f}"

    return [
        f"`{task}`",
        str(len(names)),
        f"{len(pairs) - len(swapped)} of {len(pairs)}",
        f"{max(swapped):.4f}" if swapped else "-",
        agreement(quick, full),
        f"{agreement(quick, holdout)} / {agreement(full, holdout)}",
    ]


def main() -> None:
    """Write the table."""
    rows = []
    for path in sorted(RESULTS.glob("*_baselines.json")):
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        if "quick" in figures:
            rows.append(order_row(figures["task"], *(_scores(figures[of]) for of in ("quick", "search", "holdout"))))
    PAGE.write_text(between_markers(PAGE.read_text(encoding="utf-8"), table(HEAD, rows), MARKER), encoding="utf-8")


def _scores(rows: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    found = {name: row["score"] for name, row in rows.items() if name != ORACLE}
    return {name: score for name, score in found.items() if score is not None}


if __name__ == "__main__":
    main()
