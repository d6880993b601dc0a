"""Draws the pictures of ``docs/tasks/job_shop.md``: Gantt charts of one shop under several rules, as SVG.

``python -m benchmarks.job_shop_pictures`` draws a classic shop and the same shop without buffers. A lane is a machine,
a colour a job; pale is a finished job that holds its machine.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.replication_pictures import FOLDER, label, svg
from evaluators.contract import Tier
from evaluators.sandbox.client import Sandbox
from evaluators.scheduling.job_shop.dispatcher import Builder, ProgramChooser
from evaluators.scheduling.job_shop.generate import Layout, draw_shop
from evaluators.scheduling.job_shop.scenario import Scenario, Setting, Variant, make_scenario, run_shop
from evaluators.scheduling.job_shop.schedule import Schedule
from evaluators.scheduling.job_shop.task import TASK

BASELINES = Path(__file__).parents[1] / "seeds" / TASK.name / "baselines"
PROGRAMS = {
    Variant.CLASSIC: ("fifo", "mwkr_active", "two_feature_window"),
    Variant.BLOCKING: ("fifo", "conwip", "two_feature"),
}
SHAPE, SEED = (10, 6), 4
LEFT, WIDTH, LANE, GAP, TOP = 130, 760, 12, 26, 40


def a_scenario(variant: Variant) -> Scenario:
    """Ten jobs on six machines."""
    shop = draw_shop(Layout.TAILLARD, *SHAPE, np.random.default_rng(SEED))
    return make_scenario("picture", str(variant), shop, Setting(variant=variant), candidate_seed=SEED)


def schedules(scenario: Scenario, programs: Sequence[str], sandbox: Sandbox) -> dict[str, Schedule]:
    """What each program makes of the shop."""
    found = {}
    for program in programs:
        source = (BASELINES / f"{program}.py").read_text(encoding="utf-8")
        with sandbox.candidate(source, TASK.limits[Tier.QUICK]) as candidate:
            candidate.construct("Policy", scenario.config())
            choose = ProgramChooser(candidate, Builder.OPEN).choose
            found[program] = run_shop(scenario.shop, scenario.realised, scenario.setting.variant, choose)
    return found


def gantt(scenario: Scenario, found: Mapping[str, Schedule], title: str) -> str:
    """A panel per schedule on one scale of time, the proven bound as a line through all."""
    blocking = scenario.setting.variant is Variant.BLOCKING
    scale = WIDTH / max(schedule.makespan for schedule in found.values())
    height = LANE * scenario.shop.num_machines
    parts, top = [label(10, 18, title, size=14)], TOP
    for name, schedule in found.items():
        parts.append(label(10, top + height / 2 - 4, name))
        parts.append(label(10, top + height / 2 + 12, f"ends at {schedule.makespan}"))
        parts += lanes(scenario, schedule, top, scale, blocking=blocking)
        top += height + GAP
    bound = LEFT + scale * scenario.bound
    parts.append(f"<line x1='{bound:.1f}' x2='{bound:.1f}' y1='{TOP - 8}' y2='{top - GAP + 8}' stroke='#b00'/>")
    parts.append(label(bound - 60, top - GAP + 22, f"proven bound {scenario.bound}"))
    return svg(LEFT + WIDTH + 20, top + 10, parts)


def lanes(scenario: Scenario, schedule: Schedule, top: float, scale: float, *, blocking: bool) -> list[str]:
    """A bar per operation, and a pale one while a finished job stays."""
    bars = []
    for job, (route, starts, ends, leaves) in enumerate(
        zip(scenario.shop.routes, schedule.starts, schedule.ends, schedule.leaves(blocking=blocking), strict=True)
    ):
        for machine, start, end, left in zip(route, starts, ends, leaves, strict=True):
            y = top + LANE * machine
            bars.append(bar(start, end, y, scale, colour(job, scenario.shop.num_jobs)))
            if left > end:
                bars.append(bar(end, left, y, scale, colour(job, scenario.shop.num_jobs, pale=True)))
    return bars


def bar(start: int, end: int, y: float, scale: float, fill: str) -> str:
    """One stretch of a machine's time."""
    x, width = LEFT + scale * start, scale * (end - start)
    size = f"width='{width:.1f}' height='{LANE - 2}'"
    return f"<rect x='{x:.1f}' y='{y:.0f}' {size} fill='{fill}' stroke='#fff' stroke-width='0.6'/>"


def colour(job: int, num_jobs: int, *, pale: bool = False) -> str:
    """A hue per job."""
    red, green, blue = colorsys.hls_to_rgb(job / num_jobs, 0.88 if pale else 0.5, 0.55)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    titles = {
        Variant.CLASSIC: "Ten jobs on six machines; machines downwards, time to the right",
        Variant.BLOCKING: "The same shop without buffers; pale: a finished job holds its machine",
    }
    with Sandbox.start(TASK.libraries) as sandbox:
        for variant, title in titles.items():
            scenario = a_scenario(variant)
            picture = gantt(scenario, schedules(scenario, PROGRAMS[variant], sandbox), title)
            (FOLDER / f"job_shop_{variant}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
