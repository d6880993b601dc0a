"""Draws the pictures of ``docs/tasks/moe_loss.md``: load over the steps, and which experts a domain's bytes go to.

``python -m benchmarks.moe_pictures`` trains one scenario of 200 steps with a few programs, in-process. Needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.replication_pictures import FOLDER, label, svg
from evaluators.balancing.moe_loss.hosting import OwnLoss
from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.balancing.moe_loss.training import Measured, run
from evaluators.contract import Split, Tier
from evaluators.seeding import SeedSource, secret_from_seed

BASELINES = Path(__file__).parents[1] / "seeds" / "moe_loss" / "baselines"
COLOURS = {
    "none": "#9a9a9a",
    "micro_batch_lbl": "#d95f02",
    "global_batch_lbl": "#4c5fb0",
    "shazeer": "#1b9e77",
}
SMOOTHED = 10  # steps
LEFT, WIDTH, HEIGHT, TOP = 60, 640, 260, 40
CELL, GAP = 12, 30
_EXPERTS = "experts "

Floats = npt.NDArray[np.float64]


def trained() -> dict[str, Measured]:
    """The programs on the first scenario of the search split, strength 1."""
    scenario = scenarios(Tier.FULL, Split.SEARCH, {}, SeedSource(secret_from_seed(0), Split.SEARCH))[0]
    sources = {name: (BASELINES / f"{name}.py").read_text(encoding="utf-8") for name in COLOURS}
    return {
        name: run(scenario.recipe, OwnLoss(source), 1.0, scenario.times, scenario.candidate_seed)
        for name, source in sources.items()
    }


def load_lines(curves: Mapping[str, Floats], title: str) -> str:
    """MaxVio by step, one line per program."""
    most = max(float(curve.max()) for curve in curves.values())
    parts = [label(10, 18, title, size=14)]
    for tick in range(int(most) + 1):
        y = TOP + HEIGHT * (1 - tick / most)
        parts.append(f"<line x1='{LEFT}' x2='{LEFT + WIDTH}' y1='{y:.1f}' y2='{y:.1f}' stroke='#ddd'/>")
        parts.append(label(LEFT - 24, y + 4, str(tick)))
    for place, (name, curve) in enumerate(curves.items()):
        points = " ".join(
            f"{LEFT + WIDTH * step / (len(curve) - 1):.1f},{TOP + HEIGHT * (1 - value / most):.1f}"
            for step, value in enumerate(curve)
        )
        parts.append(f"<polyline points='{points}' fill='none' stroke='{COLOURS[name]}' stroke-width='1.6'/>")
        y = TOP + 16 * place
        parts.append(f"<rect x='{LEFT + WIDTH + 12}' y='{y}' width='10' height='10' fill='{COLOURS[name]}'/>")
        parts.append(label(LEFT + WIDTH + 28, y + 9, name))
    steps = len(next(iter(curves.values()))) - 1
    parts += [label(LEFT, TOP + HEIGHT + 18, "step 0"), label(LEFT + WIDTH - 50, TOP + HEIGHT + 18, f"step {steps}")]
    return svg(LEFT + WIDTH + 150, TOP + HEIGHT + 30, parts)


def domain_maps(maps: Mapping[str, Floats], domains: Sequence[str], title: str) -> str:
    """A panel per program: domains downwards, experts to the right, dark where many of a domain's bytes go."""
    experts = next(iter(maps.values())).shape[1]
    across = 100 + CELL * experts + GAP
    parts = [label(10, 18, title, size=14)]
    for place, (name, share_DE) in enumerate(maps.items()):
        left, top = 10 + across * (place % 2), 58 + (CELL * len(domains) + 2 * GAP) * (place // 2)
        parts.append(label(left + 90, top - 8, name))
        for row, domain in enumerate(domains):
            parts.append(label(left, top + CELL * row + 10, domain, size=10))
            parts += [
                f"<rect x='{left + 90 + CELL * e}' y='{top + CELL * row}' width='{CELL - 1}' height='{CELL - 1}' "
                f"fill='{shade(float(share_DE[row, e]) * experts)}'/>"
                for e in range(experts)
            ]
    rows = -(-len(maps) // 2)
    return svg(10 + 2 * across, 58 + (CELL * len(domains) + 2 * GAP) * rows - GAP, parts)


def shade(even_shares: float) -> str:
    """White at nothing, dark at four even shares."""
    level = round(255 * (1.0 - min(even_shares / 4.0, 1.0)))
    return f"#{level:02x}{level:02x}ff" if level > 127 else f"#0000{128 + level:02x}"


def smoothed(values: Sequence[float]) -> Floats:
    """Running mean over `SMOOTHED` steps."""
    return np.convolve(np.asarray(values, dtype=np.float64), np.full(SMOOTHED, 1 / SMOOTHED), mode="valid")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = trained()
    loads = {name: smoothed(measured.curves["max_violation"]) for name, measured in found.items()}
    title = f"MaxVio of each step's batch, mean of the layers and of {SMOOTHED} steps; 0 is even"
    (FOLDER / "moe_loss_load.svg").write_text(load_lines(loads, title), encoding="utf-8")
    names = [name for name in next(iter(found.values())).curves if name.startswith(_EXPERTS)]
    maps = {name: np.array([measured.curves[key] for key in names]) for name, measured in found.items()}
    title = "Share of each domain's bytes by expert, last layer; dark: four even shares or more"
    picture = domain_maps(maps, [name.removeprefix(_EXPERTS) for name in names], title)
    (FOLDER / "moe_loss_domains.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
