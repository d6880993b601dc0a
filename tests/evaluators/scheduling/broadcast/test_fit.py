"""The figures of `benchmarks/broadcast_fit.py`, as the page of the task shows them."""

from __future__ import annotations

import json

from benchmarks.broadcast_fit import fit_table, ranking_table
from benchmarks.stamp import RESULTS
from benchmarks.table_parts import between_markers
from benchmarks.table_specs import TABLES

STORED = json.loads((RESULTS / "broadcast_fit.json").read_text(encoding="utf-8"))["figures"]


def test_the_page_shows_the_stored_figures() -> None:
    page = TABLES["broadcast"].page.read_text(encoding="utf-8")
    assert between_markers(page, fit_table(STORED), "fit table") == page
    assert between_markers(page, ranking_table(STORED), "grid ranking") == page


def test_programs_rank_alike_on_drawn_networks_and_on_the_grid() -> None:
    drawn, grid = STORED["scores"]["drawn"], STORED["scores"]["grid"]
    assert sorted(drawn, key=lambda name: drawn[name]) == sorted(grid, key=lambda name: grid[name])
