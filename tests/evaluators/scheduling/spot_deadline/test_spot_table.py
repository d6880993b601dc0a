"""The published costs over the optimum, as `benchmarks/spot_table.py` found them on drawn availability."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.spot_table import PAGE, difference, ratios, reference_error, scenarios, with_table
from benchmarks.stamp import RESULTS

STORED = json.loads((RESULTS / "spot_table.json").read_text(encoding="utf-8"))["figures"]
POLICY_CELLS = [cell for cell in STORED["cells"] if cell["policy"] != "on_demand"]


def test_ratios_agree_with_the_published_ones_within_their_error() -> None:
    assert len(POLICY_CELLS) == 18
    for cell in STORED["cells"]:
        assert abs(difference(cell)) <= max(0.03, 2 * reference_error(cell)), cell
    assert sum(abs(difference(cell)) <= 0.03 for cell in POLICY_CELLS) >= 13


def test_the_page_shows_the_stored_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, STORED) == page


@pytest.mark.slow
def test_a_row_is_found_again() -> None:
    cells = {c["policy"]: c for c in POLICY_CELLS if (c["deadline_h"], c["overhead_h"]) == (70, 0.2)}
    played = scenarios(70, 0.2, starts=6, seed=5)
    for policy, cell in cells.items():
        found = ratios(policy, played)
        assert abs(float(np.mean(found)) - cell["mean"]) < 4 * cell["sd"] / np.sqrt(len(played))
