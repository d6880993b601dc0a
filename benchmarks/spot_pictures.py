"""Draws the pictures of ``docs/tasks/spot_deadline.md``: what ran in each tick of a job, against the optimum, as SVG.

``python -m benchmarks.spot_pictures`` plays one job in one region and one in three with a few programs. A lane is a
region; pale is a tick in which it had spot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.replication_pictures import FOLDER, label, svg
from evaluators.contract import Split, Tier
from evaluators.sandbox.client import Sandbox
from evaluators.scheduling.spot_deadline.job import Choice, Mode, advance, seen
from evaluators.scheduling.spot_deadline.optimum import optimal_plan
from evaluators.scheduling.spot_deadline.scenario import Scenario
from evaluators.scheduling.spot_deadline.task import PROBLEM, TASK
from evaluators.seeding import SeedSource, secret_from_seed

BASELINES = Path(__file__).parents[1] / "seeds" / TASK.name / "baselines"
# picture -> regime, place among its jobs, programs
PICTURES = {
    "one_region": ("fair", 1, ("greedy", "uniform_progress", "hysteresis")),
    "three_regions": ("regions", 1, ("uniform_progress", "round_robin", "cheapest_region")),
}
COLOURS = {Mode.SPOT: "#1b9e77", Mode.ON_DEMAND: "#d95f02"}
PALE, GROUND = "#cfe8df", "#f4f4f4"
LEFT, WIDTH, LANE, GAP, TOP = 130, 720, 14, 16, 48
SEED = 0

Plan = tuple[Sequence[Choice], float]  # what ran, and what it cost


def a_scenario(regime: str, place: int) -> Scenario:
    """One of the jobs of a regime in the tier `quick`."""
    scenarios = PROBLEM.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(SEED), Split.SEARCH))
    return [scenario for scenario in scenarios if scenario.regime == regime][place]


def plans(scenario: Scenario, programs: Sequence[str], sandbox: Sandbox) -> dict[str, Plan]:
    """The optimum's plan and the programs'."""
    best = optimal_plan(scenario.job, scenario.available_TR)
    found: dict[str, Plan] = {"optimum": (best, cost_of(scenario, best))}
    for program in programs:
        source = (BASELINES / f"{program}.py").read_text(encoding="utf-8")
        with sandbox.candidate(source, TASK.limits[Tier.QUICK]) as candidate:
            choices = [tick.choice for tick in scenario.run(candidate)]
        found[program] = choices, cost_of(scenario, choices)
    return found


def cost_of(scenario: Scenario, choices: Sequence[Choice]) -> float:
    """US dollars."""
    state, spent = scenario.job.start, 0.0
    for choice in choices:
        state, usd = advance(scenario.job, seen(state, scenario.available_TR[state.tick]), choice)
        spent += usd
    return spent


def picture(scenario: Scenario, drawn: Mapping[str, Plan], title: str) -> str:
    """A block of lanes per plan."""
    job, parts, top = scenario.job, [label(10, 18, title, size=14)], TOP
    scale = WIDTH / job.deadline
    for name, (choices, usd) in drawn.items():
        height = LANE * job.regions
        parts.append(rectangle(LEFT, top, WIDTH, height, GROUND))
        for region in range(job.regions):
            up = scenario.available_TR[:, region].tolist()
            parts += strips([PALE if there else None for there in up], top + LANE * region, scale)
            ran = [COLOURS.get(c.mode) if c.region == region else None for c in choices]
            parts += strips(ran, top + LANE * region + 3, scale, height=LANE - 6)
        parts += [label(10, top + height / 2 - 1, name), label(10, top + height / 2 + 12, f"{usd:.1f} USD")]
        top += height + GAP
    parts += legend(top + 4, job.deadline * job.tick_s / 3600)
    return svg(LEFT + WIDTH + 20, top + 34, parts)


def strips(colours: Sequence[str | None], top: float, scale: float, height: float = LANE - 1) -> list[str]:
    """A rectangle per run of equal colours."""
    parts, start = [], 0
    for colour, run in groupby(colours):
        length = len(list(run))
        if colour is not None:
            parts.append(rectangle(LEFT + scale * start, top, scale * length, height, colour))
        start += length
    return parts


def rectangle(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A filled rectangle."""
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' fill='{fill}'/>"


def legend(top: float, hours: float) -> list[str]:
    """What the colours mean."""
    words = {"spot is there": PALE, "runs on spot": COLOURS[Mode.SPOT], "runs on demand": COLOURS[Mode.ON_DEMAND]}
    parts = [label(LEFT + WIDTH - 190, top + 10, f"0 to {hours:.0f} h, the deadline")]
    for place, (text, colour) in enumerate(words.items()):
        parts += [rectangle(LEFT + 130 * place, top, 14, 10, colour), label(LEFT + 130 * place + 20, top + 10, text)]
    return parts


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Sandbox.start(TASK.libraries) as sandbox:
        for name, (regime, place, programs) in PICTURES.items():
            scenario = a_scenario(regime, place)
            job = scenario.job
            hours = (f"{ticks * job.tick_s / 3600:.2f}" for ticks in (job.work, job.deadline, job.overhead))
            title = "{} h of work in {} h, {} h per start, regime {}".format(*hours, regime)
            drawn = picture(scenario, plans(scenario, programs, sandbox), title)
            (FOLDER / f"spot_{name}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
