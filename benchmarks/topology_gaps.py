"""How loose the bound of `expert_topology` is: the shipped programs, and a search that knows the tokens that count.

On the scenarios of tier `quick` (search), the best placement of the shipped programs is improved by random swaps of two
slots of a layer, each kept if the scored time falls. No program can know so much; what it reaches is attainable, so the
optimum lies between it and the bound. Writes ``results/expert_topology_gaps.json`` and the table between its markers in
``docs/tasks/expert_topology.md``; ``--from-result`` writes the table anew from the stored figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import between_markers, rounded, table
from evaluators.candidate import CandidateFailure
from evaluators.contract import Split, Tier
from evaluators.placement.expert_topology.journey import play_layer
from evaluators.placement.expert_topology.plan import check_placement
from evaluators.placement.expert_topology.scenario import Scenario
from evaluators.placement.expert_topology.system import Residency
from evaluators.placement.expert_topology.task import PROBLEM
from evaluators.placement.expert_topology.traffic import Whole
from evaluators.sandbox.client import Sandbox
from evaluators.seeding import SeedSource, secret_from_seed

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds" / "expert_topology"
PAGE = ROOT / "docs" / "tasks" / "expert_topology.md"
MARKER = "gaps table"
BEST_KNOWN = "best known"
SHOWN = ("contiguous", "lpt", "initial", "local_search", BEST_KNOWN)
GROUPS = ("all", "chained", "skewed", "topical", "clans", "spare", "coherent", "prefill", "relayed", "decode")
REACH = 2  # layers whose times are compared: seats move with a row, and with copies those of later layers a little


class Climber:
    """One scenario, its placement, and where its tokens are before every layer."""

    def __init__(self, scenario: Scenario, placement_LP: Whole) -> None:
        self.scenario, self.placement_LP = scenario, placement_LP.copy()
        self.seats: list[Whole] = [scenario.workload.scored.source_T.astype(np.int64)]
        self.times_us: list[float] = []
        for layer in range(scenario.system.layers):
            spent, after = self._played(layer, self.placement_LP[layer], self.seats[layer])
            self.times_us.append(spent)
            self.seats.append(after)

    def _played(self, layer: int, row_P: Whole, seats_T: Whole) -> tuple[float, Whole]:
        routing = self.scenario.workload.scored
        ids_TK = routing.ids_TLK[:, layer].astype(np.int64)
        times, after = play_layer(row_P, ids_TK, seats_T, routing.iterations, self.scenario.system)
        return float(times.total_I.mean()), after

    def try_swap(self, rng: np.random.Generator) -> None:
        """Two slots of a layer change places, if that helps."""
        system = self.scenario.system
        layer = int(rng.integers(system.layers))
        one, two = rng.choice(system.slots, 2, replace=False)
        row = self.placement_LP[layer].copy()
        row[[one, two]] = row[[two, one]]
        if one // system.slots_per_gpu == two // system.slots_per_gpu or not _valid(row, self.scenario):
            return
        last = system.layers if system.residency is Residency.FOLLOW else layer + 1
        seats: Whole = self.seats[layer]
        found: list[tuple[float, Whole]] = []
        for at in range(layer, min(layer + REACH, last)):
            spent, seats = self._played(at, row if at == layer else self.placement_LP[at], seats)
            found.append((spent, seats))
        reached = slice(layer, layer + len(found))
        if sum(spent for spent, _ in found) < sum(self.times_us[reached]):
            self.placement_LP[layer] = row
            self.times_us[reached] = [spent for spent, _ in found]
            self.seats[layer + 1 : layer + 1 + len(found)] = [after for _, after in found]


def _valid(row_P: Whole, scenario: Scenario) -> bool:
    rows = np.tile(row_P, (scenario.system.layers, 1))
    try:
        check_placement(rows, scenario.system)
    except CandidateFailure:
        return False
    return True


def gaps(scenario: Scenario, sources: Mapping[str, str], sandbox: Sandbox, swaps: int) -> dict[str, float]:
    """Time over the bound of every program, and of the search that starts from the best."""
    placed = {}
    for name, source in sources.items():
        with sandbox.candidate(source, PROBLEM.task.limits[Tier.FULL]) as candidate:
            placed[name] = scenario.placed(candidate)
    ratios = {name: scenario.result(rows).metrics["time_over_bound"] for name, rows in placed.items()}
    climber = Climber(scenario, placed[min(ratios, key=lambda name: ratios[name])])
    rng = np.random.default_rng(scenario.candidate_seed)
    for _ in range(swaps):
        climber.try_swap(rng)
    known = scenario.result(climber.placement_LP).metrics["time_over_bound"]
    return {**ratios, BEST_KNOWN: min(known, *ratios.values())}


def figures(swaps: int, seed: int) -> dict[str, Any]:
    """Ratios per scenario, and their means over all, per regime and per service."""
    files = (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))
    sources = {path.stem: path.read_text(encoding="utf-8") for path in files}
    scenarios = PROBLEM.instances(Tier.QUICK, Split.SEARCH, SeedSource(secret_from_seed(seed), Split.SEARCH))
    sandbox = Sandbox.start(PROBLEM.task.libraries)
    found = {scenario.name: gaps(scenario, sources, sandbox, swaps) for scenario in scenarios}
    groups = {"all": list(found)}
    for name in found:
        regime, service, _ = name.split("-")
        groups.setdefault(regime, []).append(name)
        groups.setdefault(service, []).append(name)
    means = {
        group: {key: rounded(np.mean([found[name][key] for name in names])) for key in (*sources, BEST_KNOWN)}
        for group, names in groups.items()
    }
    return {"swaps": swaps, "seed": seed, "time_over_bound": means, "scenarios": found}


def markdown(stored: Mapping[str, Any]) -> str:
    """A row per program, a column per group of scenarios."""
    ratios = stored["time_over_bound"]
    body = [
        [name if name == BEST_KNOWN else f"`{name}`", *(f"{ratios[group][name]:.2f}" for group in GROUPS)]
        for name in SHOWN
    ]
    return table(["T / bound", *GROUPS], body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from-result", action="store_true", help="write the table from the stored figures")
    arguments = parser.parse_args()
    if not arguments.from_result:
        write_result("expert_topology_gaps", figures(arguments.swaps, arguments.seed))
    stored = json.loads((RESULTS / "expert_topology_gaps.json").read_text(encoding="utf-8"))["figures"]
    PAGE.write_text(between_markers(PAGE.read_text(encoding="utf-8"), markdown(stored), MARKER), encoding="utf-8")


if __name__ == "__main__":
    main()
