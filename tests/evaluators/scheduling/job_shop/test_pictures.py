"""Gantt charts and the table of public gaps, as they are written into the task's page."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.job_shop_gaps import RULES, figures, markdown
from benchmarks.job_shop_pictures import a_scenario, gantt
from evaluators.scheduling.job_shop.dispatcher import first_in_first_out
from evaluators.scheduling.job_shop.scenario import Variant, run_shop
from tests.evaluators.scheduling.job_shop.shops import a_shop


@pytest.mark.parametrize("variant", [Variant.CLASSIC, Variant.BLOCKING])
def test_a_chart_has_a_bar_per_operation_inside_its_frame(variant: Variant) -> None:
    scenario = a_scenario(variant)
    schedule = run_shop(scenario.shop, scenario.realised, variant, first_in_first_out)
    root = ElementTree.fromstring(gantt(scenario, {"fifo": schedule}, "a < b"))
    bars = [node for node in root.iter() if node.get("stroke-width")]
    extra = len(bars) - scenario.shop.durations_JM.size
    assert extra > 0 if variant is Variant.BLOCKING else extra == 0
    for bar in bars:
        assert float(bar.get("x", "")) + float(bar.get("width", "")) <= float(root.get("width", ""))
        assert float(bar.get("y", "")) + float(bar.get("height", "")) <= float(root.get("height", ""))


def test_gaps_are_told_for_the_sets_that_a_file_has(tmp_path: Path) -> None:
    shop = a_shop(6, 6)
    path = tmp_path / "shops.json"
    path.write_text(
        json.dumps({"ft06": {"d": shop.durations, "m": shop.routes, "ub": 300}, "mine": {"d": [[1]], "m": [[0]]}})
    )
    found = figures(path)
    assert {builder: list(sets) for builder, sets in found.items()} == {
        "non_delay": ["ft06"],
        "giffler_thompson": ["ft06"],
    }
    lines = markdown(found).splitlines()
    assert len(lines) == 7
    assert lines[2].startswith(f"| ft06 | {found['non_delay']['ft06'][RULES[0]]:.1f} | ")
