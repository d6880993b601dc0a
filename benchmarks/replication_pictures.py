"""Draws the pictures of ``docs/tasks/expert_replication.md`` as SVG: GPU load, balance and time over windows.

``python -m benchmarks.replication_pictures`` plays one scenario of each of two regimes with a few programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import Split, Tier
from evaluators.placement.cost import per_part
from evaluators.placement.expert_replication.course import initial_plan
from evaluators.placement.expert_replication.dispatch import Plan, flows
from evaluators.placement.expert_replication.fresh import materialise
from evaluators.placement.expert_replication.plan import read_plan, reply_fields
from evaluators.placement.expert_replication.scenario import Scenario, build_scenario, shown_placement
from evaluators.placement.expert_replication.serving import serve_window
from evaluators.placement.expert_replication.suite import recipes
from evaluators.placement.expert_replication.system import HISTORY
from evaluators.placement.expert_replication.task import TASK
from evaluators.placement.expert_replication.workload import draw_workload
from evaluators.sandbox.client import Sandbox

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "tasks" / "pictures"
BASELINES = ROOT / "seeds" / TASK.name / "baselines"
REGIMES = {"fast": "fast drift", "recurring": "two domains in turns"}
PROGRAMS = {  # hecate is eplb_global in decoding, which the scenario of fast drift is
    "fast": ("static", "eplb_global", "incremental", "hedged"),
    "recurring": ("static", "eplb_global", "hecate", "incremental", "hedged"),
}
COLOURS = {
    "static": "#9a9a9a",
    "eplb_global": "#d95f02",
    "incremental": "#1b9e77",
    "hedged": "#4c5fb0",
    "hecate": "#c2378f",
}
WINDOWS, SEED = 20, 5
TEXT = "font-family='system-ui,sans-serif' font-size='12' fill='#333'"

Floats = npt.NDArray[np.float64]


def a_scenario(regime: str) -> Scenario:
    """Twelve layers of DeepSeek-V3 on 32 GPUs under one regime, long enough to look at."""
    recipe = next(r for r in recipes(Tier.QUICK, Split.SEARCH, {}) if r.regime.name == regime)
    load = replace(recipe.load, scored=WINDOWS)
    workload = draw_workload(recipe.regime, load, np.random.default_rng(SEED))
    return build_scenario(recipe.name, regime, recipe.system, workload, candidate_seed=SEED)


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """One program over the scored windows, each plan in place as its window starts."""

    load_WG: Floats  # tokens on each GPU, deepest layer
    balance_W: Floats  # sum over layers of the mean GPU load over the sum of the largest
    time_W: Floats  # over the bound; moving included, planning not


def played(scenario: Scenario, program: str, sandbox: Sandbox) -> Played:
    """The scenario played by a program that thinks in no time."""
    system, workload = scenario.system, scenario.workload
    source = (BASELINES / f"{program}.py").read_text(encoding="utf-8")
    plan, loads, served = initial_plan(system), [], []
    with sandbox.candidate(source, TASK.limits[Tier.FULL]) as candidate:
        candidate.construct("Policy", system.config(workload.scored, scenario.candidate_seed))
        for newest in range(workload.warmup - 1, len(workload.totals_WLE) - 1):
            history = workload.totals_WLE[max(0, newest + 1 - HISTORY) : newest + 1]
            arguments = [history, workload.iterations_WILE[newest], shown_placement(plan), newest]
            wanted = read_plan(candidate.method("plan", arguments, reply_fields(system)), plan, system)
            seen, recent = scenario.course.loads(newest + 1), scenario.course.recent(newest + 1)
            served.append(serve_window(plan, wanted, 0.0, seen, system, recent))
            plan = served[-1].active
            loads.append(deepest_layer(plan, seen, recent, scenario))
    return Played(
        np.stack(loads),
        np.array([window.gpu_balance for window in served]),
        np.array([window.time_us for window in served]) / scenario.window_bounds_us,
    )


def deepest_layer(plan: Plan, loads_ILE: Floats, recent_ILE: Floats, scenario: Scenario) -> Floats:
    """Tokens on each GPU in the last layer, ``(G,)``, all kept iterations together."""
    system = scenario.system
    rows = materialise(plan, recent_ILE, system).placement_MP[system.layers - 1 :: system.layers]
    split = np.tile(plan.split_LP[-1:], (len(rows), 1))
    tokens_ILP = flows(Plan(rows, plan.dispatch, split), loads_ILE[None, :, -1], system.network).tokens_ILP
    return per_part(tokens_ILP.sum(axis=(0, 1)), system.network.gpus)


def colour(ratio: float) -> str:
    """White for an idle GPU, pale for the mean, dark red from three times the mean."""
    share = min(ratio / 3.0, 1.0)
    red, green, blue = 255 - 90 * max(share - 0.5, 0) * 2, 255 * (1 - share) ** 0.8, 245 * (1 - share) ** 1.3
    return f"#{int(red):02x}{int(green):02x}{int(blue):02x}"


def heat_map(panels: Mapping[str, Floats], title: str) -> str:
    """A panel per program: windows to the right, GPUs downwards, load of the deepest layer relative to its mean."""
    cell_x, cell_y, gap, top = 9, 6, 24, 44
    parts, left = [label(10, 18, title, size=14)], 34
    for name, loads_WG in panels.items():
        ratio = loads_WG / loads_WG.mean(axis=1, keepdims=True)
        parts.append(label(left, top - 8, name))
        parts += cells(ratio, left, top, cell_x, cell_y)
        left += cell_x * len(ratio) + gap
    bottom = top + cell_y * next(iter(panels.values())).shape[1]
    parts.append(label(34, bottom + 18, "windows to the right, GPUs downwards"))
    for step in range(7):
        parts.append(
            f"<rect x='{left - 200 + 24 * step}' y='{bottom + 8}' width='24' height='10' fill='{colour(step / 2)}'/>"
        )
    parts += [label(left - 214, bottom + 17, "0"), label(left - 26, bottom + 17, "3 x mean")]
    return svg(left + 40, bottom + 28, parts)


def cells(ratio_WG: Floats, left: float, top: float, width: int, height: int) -> list[str]:
    """A path per colour, a rectangle per window and GPU."""
    paths: dict[str, list[str]] = {}
    for (window, gpu), value in np.ndenumerate(np.round(ratio_WG, 1)):
        corner = f"M{left + window * width:.0f} {top + gpu * height:.0f}"
        paths.setdefault(colour(float(value)), []).append(f"{corner}h{width}v{height}h-{width}z")
    return [f"<path fill='{fill}' d='{''.join(corners)}'/>" for fill, corners in paths.items()]


def lines(curves: Mapping[str, Floats], title: str, ticks: Floats) -> str:
    """Values over windows, a line per program, between the first and the last of `ticks`."""
    left, top, width, height = 44, 36, 520, 220
    parts = [label(10, 18, title, size=14)]
    low, high = float(ticks[0]), float(ticks[-1])
    for tick in ticks:
        y = top + height * (high - tick) / (high - low)
        parts.append(f"<line x1='{left}' x2='{left + width}' y1='{y:.1f}' y2='{y:.1f}' stroke='#ddd'/>")
        parts.append(label(14, y + 4, f"{tick:.1f}"))
    for place, (name, values) in enumerate(curves.items()):
        xs = left + width * np.arange(values.size) / (values.size - 1)
        ys = top + height * (high - values) / (high - low)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
        parts.append(f"<polyline points='{points}' fill='none' stroke='{COLOURS[name]}' stroke-width='2'/>")
        parts.append(
            f"<rect x='{left + width + 16}' y='{top + 20 * place}' width='14' height='4' fill='{COLOURS[name]}'/>"
        )
        parts.append(label(left + width + 36, top + 7 + 20 * place, f"{name} ({values.mean():.2f})"))
    parts.append(label(left, top + height + 20, "scored windows; in brackets the mean"))
    return svg(left + width + 180, top + height + 30, parts)


def label(x: float, y: float, words: str, size: int = 12) -> str:
    """A line of text."""
    return f"<text x='{x:.0f}' y='{y:.0f}' {TEXT.replace('12', str(size))}>{escape(words)}</text>"


def svg(width: float, height: float, parts: Sequence[str]) -> str:
    """The picture on white."""
    body = "\n".join(parts)
    size = f"width='{width:.0f}' height='{height:.0f}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size}>\n<rect {size} fill='#fff'/>\n{body}\n</svg>\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Sandbox.start(TASK.libraries) as sandbox:
        for regime, words in REGIMES.items():
            scenario = a_scenario(regime)
            runs = {name: played(scenario, name, sandbox) for name in PROGRAMS[regime]}
            heat = heat_map(
                {name: run.load_WG for name, run in runs.items()}, f"Load of each GPU, {words}, deepest layer"
            )
            balance = {name: run.balance_W for name, run in runs.items()}
            times = {name: run.time_W for name, run in runs.items()}
            slowest = max(float(values.max()) for values in times.values())
            pictures = {
                "heat": heat,
                "balance": lines(balance, f"GPU balance of the next window, {words}", np.linspace(0, 1, 6)),
                "time": lines(
                    times, f"Time over the bound, {words}", np.arange(1.0, np.ceil(2 * slowest) / 2 + 0.1, 0.5)
                ),
            }
            for kind, picture in pictures.items():
                (FOLDER / f"{regime}_{kind}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
