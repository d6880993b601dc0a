"""Which rows each GPU's experts get under a program's plans, and how well two orders of programs agree. No torch.

Shapes: C cells (a layer in an iteration of a window), G GPUs, S slots of a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from evaluators.contract import ContractError
from evaluators.placement.cost import Floats
from evaluators.placement.expert_replication.dispatch import sharded_layers
from evaluators.placement.expert_replication.scenario import Scenario
from evaluators.placement.expert_replication.serving import Served, dispatched_tokens

Counts = npt.NDArray[np.int64]

SLOWEST = 4  # GPUs of a cell that are timed for being the slowest by simulation
FULLEST = 2  # and for having the most tokens


@dataclass(frozen=True, slots=True)
class Cell:
    """A layer in an iteration of a scored window."""

    window: int
    iteration: int
    layer: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SlotLoads:
    """What a program's plans send to each slot, and the expert time that the cost model gives it."""

    counts_CGS: Counts
    simulated_us_CG: Floats

    def suspects(self, cell: int) -> list[int]:
        """The GPUs of a cell, one of which holds up the others: by simulation, or by its tokens."""
        simulated, tokens = self.simulated_us_CG[cell], self.counts_CGS[cell].sum(axis=1)
        slowest = np.argsort(-simulated, kind="stable")[:SLOWEST]
        fullest = np.argsort(-tokens, kind="stable")[:FULLEST]
        return sorted({int(gpu) for gpu in (*slowest, *fullest)})


def draw_cells(scenario: Scenario, count: int, rng: np.random.Generator) -> list[Cell]:
    """`count` different cells of a scenario, or all of them, in order."""
    windows, iterations = len(scenario.course.windows), scenario.workload.iterations_WILE.shape[1]
    total = windows * iterations * scenario.system.layers
    chosen = np.sort(rng.choice(total, min(count, total), replace=False))
    places = np.unravel_index(chosen, (windows, iterations, scenario.system.layers))
    return [Cell(int(w), int(i), int(layer)) for w, i, layer in zip(*places, strict=True)]


def slot_loads(scenario: Scenario, served: Sequence[Served], cells: Sequence[Cell]) -> SlotLoads:
    """The slots' tokens in these cells, rounded up to whole ones as the cost model does.

    Raises:
        ContractError: A layer is cut over all GPUs, so that it has no slots to count.
    """
    system, course = scenario.system, scenario.course
    rows, times = [], []
    for cell in cells:
        window = course.windows[cell.window]
        plan = served[cell.window].active
        if sharded_layers(plan)[cell.layer]:
            raise ContractError("its experts are cut over all GPUs, so that no slot has tokens of its own")
        tokens_ILP = dispatched_tokens(plan, course.loads(window), system, course.recent(window))[0]
        by_gpu = np.ceil(tokens_ILP[cell.iteration, cell.layer].reshape(system.network.gpus, -1) - 1e-6)
        rows.append(by_gpu.astype(np.int64))
        times.append(system.curve.time_us(by_gpu).sum(axis=1))
    return SlotLoads(counts_CGS=np.array(rows), simulated_us_CG=np.array(times))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One program on one scenario: expert time of the busiest GPU, mean over the cells."""

    scenario: str
    program: str
    simulated_us: float
    timed_us: float


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's: Pearson's correlation of the ranks, ties sharing theirs; None where one side is all ties."""
    ranks = np.array([rankdata(first), rankdata(second)])
    if len(first) < 2 or (ranks.std(axis=1) == 0).any():
        return None
    return float(np.corrcoef(ranks)[0, 1])


def overall(replayed: Sequence[Replayed]) -> Mapping[str, tuple[float, float]]:
    """By program: simulated and timed, each over the mean of all programs on the same scenario, mean over scenarios."""
    programs = dict.fromkeys(entry.program for entry in replayed)
    sums = {program: np.zeros(2) for program in programs}
    scenarios = dict.fromkeys(entry.scenario for entry in replayed)
    for scenario in scenarios:
        here = [entry for entry in replayed if entry.scenario == scenario]
        times = np.array([(entry.simulated_us, entry.timed_us) for entry in here])
        for entry, relative in zip(here, times / times.mean(axis=0), strict=True):
            sums[entry.program] += relative
    return {program: (float(s[0]) / len(scenarios), float(s[1]) / len(scenarios)) for program, s in sums.items()}


def report(replayed: Sequence[Replayed], left_out: Mapping[str, str]) -> str:
    """The programs from fast to slow by simulation, how well the orders agree, and who is missing."""
    found = overall(replayed)
    correlation = rank_correlation(*zip(*found.values(), strict=True)) if found else None
    lines = [f"{'program':32s} {'simulated':>10s} {'timed':>10s}   (over the mean of the programs)"]
    lines += [
        f"{name:32s} {simulated:10.4f} {timed:10.4f}"
        for name, (simulated, timed) in sorted(found.items(), key=lambda item: item[1])
    ]
    for scenario in dict.fromkeys(entry.scenario for entry in replayed):
        here = [entry for entry in replayed if entry.scenario == scenario]
        one = rank_correlation([e.simulated_us for e in here], [e.timed_us for e in here])
        lines.append(f"{scenario}: rank correlation {_shown(one)}")
    lines += [f"left out: {name}: {reason}" for name, reason in left_out.items()]
    lines.append(
        f"rank correlation (Spearman) of simulated and timed expert time, all scenarios: {_shown(correlation)}"
    )
    return "\n".join(lines)


def _shown(correlation: float | None) -> str:
    return "none (all alike)" if correlation is None else f"{correlation:.3f}"
