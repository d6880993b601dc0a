"""Draws the pictures of ``docs/tasks/pipeline_schedule.md``: what every device does when, as SVG.

``python -m benchmarks.pipeline_pictures`` plays two pipelines with a few programs. A lane is a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.replication_pictures import FOLDER, label, svg
from benchmarks.spot_pictures import rectangle
from evaluators.contract import Split, Tier
from evaluators.sandbox.client import Sandbox
from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, KINDS, WEIGHT
from evaluators.scheduling.pipeline_schedule.reading import Played
from evaluators.scheduling.pipeline_schedule.scenario import Scenario
from evaluators.scheduling.pipeline_schedule.task import PROBLEM, TASK
from evaluators.seeding import SeedSource, secret_from_seed

BASELINES = Path(__file__).parents[1] / "seeds" / TASK.name / "baselines"
# picture -> scenario of the tier `quick`, programs
PICTURES = {
    "one_stage": ("even-1", ("gpipe", "one_f_one_b", "zb_h2")),
    "vee": ("vee-0", ("one_f_one_b", "zero_bubble_greedy", "block_search")),
}
COLOURS = {FORWARD: "#7570b3", INPUT: "#1b9e77", WEIGHT: "#d95f02"}
GROUND = "#f4f4f4"
LEFT, WIDTH, LANE, GAP, TOP = 150, 720, 13, 18, 40
SEED = 0


def a_scenario(name: str) -> Scenario:
    """One of the pipelines of the tier `quick` on search."""
    scenarios = PROBLEM.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(SEED), Split.SEARCH))
    return next(scenario for scenario in scenarios if scenario.name == name)


def picture(scenario: Scenario, drawn: Mapping[str, Played], title: str) -> str:
    """A block of lanes per program, all on one scale; later stages of a device are paler."""
    pipeline, parts, top = scenario.pipeline, [label(10, 18, title, size=14)], TOP
    scale = WIDTH / max(played.timing.step_us for played in drawn.values())
    for name, played in drawn.items():
        height = LANE * pipeline.devices
        parts.append(rectangle(LEFT, top, WIDTH, height, GROUND))
        parts.append(rectangle(LEFT + scale * scenario.bound_us, top - 4, 1, height + 8, "#000000"))
        starts, ends = played.timing.starts_us_N, played.timing.ends_us_N
        for device, order in enumerate(played.orders):
            for number in order.tolist():
                kind, stage, _ = pipeline.meaning(number)
                x, width = LEFT + scale * starts[number], scale * (ends[number] - starts[number])
                y, fill = top + LANE * device + 1, shade(kind, stage // pipeline.devices)
                parts += [rectangle(x, y, max(width - 0.6, 0.3), LANE - 2, fill)] if width else []
        percent = 100 * played.timing.step_us / scenario.bound_us - 100
        parts += [label(10, top + height / 2 - 1, name), label(10, top + height / 2 + 12, f"{percent:.0f} % over")]
        top += height + GAP
    return svg(LEFT + WIDTH + 20, top + 24, parts + legend(top + 2))


def shade(kind: int, round_: int) -> str:
    """The colour of a kind, paler for further stages of a device."""
    whole = tuple(int(COLOURS[kind][place : place + 2], 16) for place in (1, 3, 5))
    pale = min(0.45 * round_, 0.8)
    return "#" + "".join(f"{round(part + pale * (255 - part)):02x}" for part in whole)


def legend(top: float) -> list[str]:
    """What the colours mean."""
    parts = [label(LEFT + WIDTH - 150, top + 10, "black line: the bound")]
    for place, (kind, colour) in enumerate(COLOURS.items()):
        x = LEFT + 130 * place
        parts += [rectangle(x, top, 14, 10, colour), label(x + 20, top + 10, KINDS[kind])]
    return parts


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Sandbox.start(TASK.libraries) as sandbox:
        for name, (scene, programs) in PICTURES.items():
            scenario = a_scenario(scene)
            pipeline = scenario.pipeline
            drawn = {}
            for program in programs:
                source = (BASELINES / f"{program}.py").read_text(encoding="utf-8")
                with sandbox.candidate(source, TASK.limits[Tier.QUICK]) as candidate:
                    drawn[program] = scenario.run(candidate)
            counts = f"{pipeline.devices} devices, {pipeline.stages} stages, {pipeline.micro_batches} micro-batches"
            title = f"{counts}, regime {scenario.regime}"
            (FOLDER / f"pipeline_{name}.svg").write_text(picture(scenario, drawn, title), encoding="utf-8")


if __name__ == "__main__":
    main()
