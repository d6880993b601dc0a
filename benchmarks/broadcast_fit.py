"""How like the measured network the drawn ones of `broadcast` are, and whether programs rank alike on both.

``python -m benchmarks.broadcast_fit --grid cloud_net_grid.csv.gz`` compares prices and rates of the grid with those of
networks drawn from the three fitted providers, plays every program on transfers in both, and writes
``results/broadcast_fit.json`` and the tables between their markers in ``docs/tasks/broadcast.md``. The grid is no part
of the project.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.cloud_regions import PLACES
from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import between_markers, rounded, table
from benchmarks.table_specs import TABLES
from evaluators.contract import Split, Tier
from evaluators.problem import ClockPolicy, Problem
from evaluators.scheduling.broadcast.generate import distances_km, draw_regions, network_of
from evaluators.scheduling.broadcast.grid import read_grid
from evaluators.scheduling.broadcast.providers import FITTED
from evaluators.scheduling.broadcast.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

Floats = npt.NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
DRAWN_REGIONS, NETWORKS = 60, 10
KINDS = ("inside", "across")


def pairs_of_grid(path: str) -> dict[str, Floats]:
    """USD per GB, Gbit/s and km of the grid's pairs, one column each, by provider and kind; prices as read."""
    grid = read_grid(path)
    places = np.radians([PLACES[name] for name in grid.names])
    return _by_kind(grid.providers, grid.usd_per_gb_RR, grid.gbps_RR, _km(places))


def pairs_drawn(seed: int) -> dict[str, Floats]:
    """The same of networks drawn from the fitted providers, which have their regions where the grid's are."""
    parts: dict[str, list[Floats]] = {}
    for number in range(NETWORKS):
        rng = np.random.default_rng([seed, number])
        regions = draw_regions(list(FITTED.values()), DRAWN_REGIONS, rng)
        network = network_of(regions, [1] * DRAWN_REGIONS, 1.0, rng)
        names = [region.provider.name for region in regions]
        found = _by_kind(names, network.usd_per_gb_RR, network.gbps_RR, distances_km(regions))
        for kind, columns in found.items():
            parts.setdefault(kind, []).append(columns)
    return {kind: np.concatenate(columns) for kind, columns in parts.items()}


def _km(places: Floats) -> Floats:
    latitude, longitude = places.T
    across = np.sin((longitude[:, None] - longitude) / 2) ** 2 * np.cos(latitude[:, None]) * np.cos(latitude)
    half = np.sin((latitude[:, None] - latitude) / 2) ** 2 + across
    km: Floats = 2 * 6371.0 * np.arcsin(np.sqrt(half))
    return km


def _by_kind(providers: Sequence[str], usd_RR: Floats, gbps_RR: Floats, km_RR: Floats) -> dict[str, Floats]:
    names = np.array(providers)
    found = {}
    for provider in FITTED:
        for kind in KINDS:
            same_RR = (names[:, None] == names) == (kind == "inside")
            chosen = same_RR & (names == provider)[:, None] & ~np.eye(len(names), dtype=bool)
            found[f"{provider} {kind}"] = np.stack([usd_RR[chosen], gbps_RR[chosen], km_RR[chosen]], axis=1)
    return found


def statistics(pairs: Mapping[str, Floats]) -> dict[str, dict[str, Any]]:
    """Means and spreads of prices, quantiles of rates, and how rates follow distance."""
    found = {}
    for kind, columns in pairs.items():
        usd, gbps, km = columns.T
        found[kind] = {
            "pairs": len(usd),
            "usd_mean": rounded(float(usd.mean())),
            "usd_sd": rounded(float(usd.std())),
            "gbps_quantiles": [rounded(float(q)) for q in np.quantile(gbps, QUANTILES)],
            "correlation_log_gbps_km": rounded(float(np.corrcoef(np.log(gbps), km)[0, 1])),
        }
    return found


def mean_scores(problem: Problem, seed: int) -> dict[str, float]:
    """Every program's mean score on the search transfers of tier `quick`."""
    scenarios = problem.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(seed), Split.SEARCH))
    found = {}
    for name, path in TABLES["broadcast"].program_files().items():
        source = path.read_text(encoding="utf-8")
        scores = [one.play(InProcessCandidate(source), ClockPolicy()).counted_score for one in scenarios]
        found[name] = rounded(float(np.mean(scores)))
    return found


def fit_table(figures: Mapping[str, Any]) -> str:
    """Grid and drawn side by side."""
    body = [
        [
            kind,
            *(f"{told[kind]['usd_mean']:.3f} ± {told[kind]['usd_sd']:.3f}" for told in _both(figures)),
            *(", ".join(f"{q:.1f}" for q in told[kind]["gbps_quantiles"]) for told in _both(figures)),
            *(f"{told[kind]['correlation_log_gbps_km']:.2f}" for told in _both(figures)),
        ]
        for kind in figures["grid"]
    ]
    quantity = ("USD/GB, mean ± sd", "Gbit/s at 5, 25, 50, 75, 95 %", "correlation of log rate and km")
    header = ["links of", *(f"{what}: {where}" for what in quantity for where in ("grid", "drawn"))]
    return table(header, body)


def ranking_table(figures: Mapping[str, Any]) -> str:
    """Scores of all programs on both, in the order of those drawn."""
    scores = figures["scores"]
    order = sorted(scores["drawn"], key=lambda name: -scores["drawn"][name])
    return table(["program", "drawn", "grid"], [[f"`{n}`", *(f"{scores[w][n]:.3f}" for w in scores)] for n in order])


def _both(figures: Mapping[str, Any]) -> tuple[Any, Any]:
    return figures["grid"], figures["drawn"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--grid", type=Path, help="the measured grid; left out: the tables anew from the stored figures"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.grid:
        recorded = PROBLEM.configured({"grid": str(arguments.grid)})
        figures = {
            "grid": statistics(pairs_of_grid(str(recorded.task.parameters["grid"]))),
            "drawn": statistics(pairs_drawn(arguments.seed)),
            "scores": {"drawn": mean_scores(PROBLEM, arguments.seed), "grid": mean_scores(recorded, arguments.seed)},
        }
        write_result("broadcast_fit", figures)
    stored = json.loads((RESULTS / "broadcast_fit.json").read_text(encoding="utf-8"))["figures"]
    page = TABLES["broadcast"].page
    text = between_markers(page.read_text(encoding="utf-8"), fit_table(stored), "fit table")
    page.write_text(between_markers(text, ranking_table(stored), "grid ranking"), encoding="utf-8")


if __name__ == "__main__":
    main()
