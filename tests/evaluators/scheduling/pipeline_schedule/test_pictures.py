"""Charts of who runs what when, as they are drawn for the task's page."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.pipeline_pictures import LANE, picture
from evaluators.scheduling.pipeline_schedule.one_f_one_b import one_f_one_b
from evaluators.scheduling.pipeline_schedule.reading import read_order
from tests.evaluators.scheduling.pipeline_schedule.pipelines import a_pipeline, a_scenario


def test_a_chart_has_a_bar_per_pass_inside_its_frame() -> None:
    scenario = a_scenario(a_pipeline(3, 4, chunks=2))
    played = read_order(scenario.pipeline, one_f_one_b(scenario.pipeline))
    root = ElementTree.fromstring(picture(scenario, {"1f1b": played}, "a < b"))
    bars = [node for node in root.iter() if node.get("height") == f"{LANE - 2:.1f}"]
    assert len(bars) == scenario.pipeline.passes
    for bar in bars:
        assert float(bar.get("x", "")) + float(bar.get("width", "")) <= float(root.get("width", ""))
        assert float(bar.get("y", "")) + float(bar.get("height", "")) <= float(root.get("height", ""))
