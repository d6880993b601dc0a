"""Draws the pictures of ``docs/tasks/llm_serving.md`` as SVG: what replicas did, how latencies spread, memory in use.

``python -m benchmarks.serving_pictures`` plays scenarios of the tier `quick` with a few programs, in this process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.replication_pictures import FOLDER, label, svg
from evaluators.contract import Split, Tier
from evaluators.scheduling.llm_serving.director import Director
from evaluators.scheduling.llm_serving.program import ProgramDirector
from evaluators.scheduling.llm_serving.replica import Replica
from evaluators.scheduling.llm_serving.requests import Request
from evaluators.scheduling.llm_serving.scenario import Scenario
from evaluators.scheduling.llm_serving.simulator import Simulator
from evaluators.scheduling.llm_serving.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

BASELINES = Path(__file__).parents[1] / "seeds" / "llm_serving" / "baselines"
SEED = 0
LEFT, WIDTH, TOP = 170, 720, 48
PREFILL, BOTH, DECODE, GROUND = "#a01010", "#f0a050", "#1b9e77", "#f4f4f4"
PALETTE = ("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#66a61e", "#666666")


@dataclass(frozen=True, slots=True)
class Step:
    """What one replica did for a while."""

    replica: int
    start_s: float
    end_s: float
    computes_prompts: bool
    decodes: bool
    kv_share: float


class Recorder(Simulator):
    """Notes every step that ends."""

    def __init__(self, scenario: Scenario, director: Director) -> None:
        super().__init__(scenario.arrivals, scenario.fleet, director)
        self.steps: list[Step] = []

    def _end_step(self, now_s: float, replica: Replica) -> None:
        share = replica.kv_used / replica.cost.kv_tokens
        prompts, decodes = bool(replica.chunks), replica.advancing > 0
        self.steps.append(Step(replica.index, replica.started_s, now_s, prompts, decodes, share))
        super()._end_step(now_s, replica)


def recorded(scenario: Scenario, name: str) -> tuple[list[Request], list[Step]]:
    """The requests and steps of a program on a scenario."""
    candidate = InProcessCandidate((BASELINES / f"{name}.py").read_text(encoding="utf-8"))
    recorder = Recorder(scenario, ProgramDirector(candidate, scenario.config, len(scenario.fleet.costs)))
    return recorder.run(), recorder.steps


def a_scenario(regime: str) -> Scenario:
    """The scenario of a regime in the tier `quick`."""
    scenarios = PROBLEM.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(SEED), Split.SEARCH))
    return next(scenario for scenario in scenarios if scenario.regime == regime)


def timeline(regime: str, names: Sequence[str], span_s: tuple[float, float], title: str) -> str:
    """A lane per replica and program: computing prompts, decoding only, idle."""
    scenario, lane, top = a_scenario(regime), 14, TOP
    parts = [label(10, 18, title, size=14)]
    scale = WIDTH / (span_s[1] - span_s[0])
    for name in names:
        height = lane * len(scenario.fleet.costs)
        parts += [rectangle(LEFT, top, WIDTH, height, GROUND), label(10, top + height / 2, name)]
        for step in recorded(scenario, name)[1]:
            start, end = max(step.start_s, span_s[0]), min(step.end_s, span_s[1])
            if end > start:
                colour = PREFILL if not step.decodes else BOTH if step.computes_prompts else DECODE
                x, y = LEFT + scale * (start - span_s[0]), top + lane * step.replica
                parts.append(rectangle(x, y + 1, scale * (end - start), lane - 2, colour))
        top += height + 16
    words = {"prompts only": PREFILL, "prompts and decodes": BOTH, "decodes only": DECODE}
    for place, (text, colour) in enumerate(words.items()):
        x = LEFT + 160 * place
        parts += [rectangle(x, top, 14, 10, colour), label(x + 20, top + 10, text)]
    parts.append(label(LEFT + WIDTH - 150, top + 10, f"{span_s[0]:.0f} to {span_s[1]:.0f} s"))
    return svg(LEFT + WIDTH + 20, top + 30, parts)


def latencies(regime: str, names: Sequence[str], title: str) -> str:
    """Share of requests (up) whose first token came within so many seconds (across, logarithmic)."""
    scenario, height, curves = a_scenario(regime), 260, []
    for name in names:
        shares = np.linspace(0, 1, 201)
        waited = np.quantile([request.ttft_s for request in recorded(scenario, name)[0]], shares)
        curves.append((name, np.log10(waited), shares))
    low, high = -1.5, 2.0
    parts = frame(title, height, [(f"{10.0**e:g} s", (e - low) / (high - low)) for e in (-1.0, 0.0, 1.0, 2.0)])
    limit = (np.log10(scenario.arrivals[0].slo_ttft_s) - low) / (high - low)
    parts.append(rectangle(LEFT + WIDTH * limit, TOP, 1, height, "#999999"))
    for place, (name, across, up) in enumerate(curves):
        x = LEFT + WIDTH * np.clip((across - low) / (high - low), 0, 1)
        parts += curve(x, TOP + height * (1 - up), name, place)
    return svg(LEFT + WIDTH + 20, TOP + height + 40, parts)


def memory(regime: str, names: Sequence[str], title: str) -> str:
    """KV cache in use (up, share of the fullest replica's) over time (across)."""
    scenario, height = a_scenario(regime), 200
    end_s = scenario.arrivals[-1].arrival_s
    parts = frame(title, height, [(f"{share * end_s:.0f} s", share) for share in (0.25, 0.5, 0.75, 1.0)])
    for place, name in enumerate(names):
        steps = [step for step in recorded(scenario, name)[1] if step.end_s <= end_s]
        grid = np.linspace(0, end_s, 300)
        fullest = np.zeros(grid.size)
        for step in steps:
            first, last = np.searchsorted(grid, (step.start_s, step.end_s))
            fullest[first:last] = np.maximum(fullest[first:last], step.kv_share)
        parts += curve(LEFT + WIDTH * grid / end_s, TOP + height * (1 - fullest), name, place)
    return svg(LEFT + WIDTH + 20, TOP + height + 40, parts)


def frame(title: str, height: float, ticks: Sequence[tuple[str, float]]) -> list[str]:
    """Ground, title, and labels along the bottom; up goes from 0 to 1."""
    parts = [label(10, 18, title, size=14), rectangle(LEFT, TOP, WIDTH, height, GROUND)]
    parts += [label(LEFT + WIDTH * share - 20, TOP + height + 16, text) for text, share in ticks]
    return parts + [label(LEFT - 34, TOP + height * (1 - up) + 4, f"{up:.1f}") for up in (0.0, 0.5, 1.0)]


def curve(x: np.ndarray, y: np.ndarray, name: str, place: int) -> list[str]:
    """A line, and its name at the left."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    colour, y_name = PALETTE[place], TOP + 8 + 18 * place
    named = [rectangle(6, y_name, 10, 4, colour), label(20, y_name + 7, name)]
    return [f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.5'/>", *named]


def rectangle(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A filled rectangle."""
    return f"<rect x='{x:.2f}' y='{y:.1f}' width='{width:.2f}' height='{height:.1f}' fill='{fill}'/>"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    drawn = {
        "timeline": timeline(
            "conv-light",
            ("round_robin", "vllm", "slo_chunks"),
            (20.0, 26.0),
            "Four replicas for six seconds, regime conv-light",
        ),
        "latency": latencies(
            "conv-heavy",
            ("round_robin", "least_outstanding", "predicted_work", "shortest_first", "slo_chunks", "vllm"),
            "Time to first token: share of requests within; the line is the limit; regime conv-heavy",
        ),
        "memory": memory(
            "kv-bound",
            ("round_robin", "least_kv", "shortest_first", "sarathi"),
            "KV cache of the fullest of four replicas, share in use, regime kv-bound",
        ),
    }
    for name, picture in drawn.items():
        (FOLDER / f"llm_serving_{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
