"""Placements replayed: programs plan in the sandbox, and what their GPUs would compute is timed. Knows no device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, Limits
from evaluators.kernels.replay_counts import Replayed, SlotLoads, draw_cells, overall, rank_correlation, slot_loads
from evaluators.kernels.timing import Launch, Timer
from evaluators.placement.expert_replication.scenario import Scenario
from evaluators.problem import ClockPolicy, PlannerClock
from evaluators.scoring import OpenCandidate

MakeLaunch = Callable[[Sequence[int]], Launch]  # the products of a GPU whose slots have so many rows
MakeExperts = Callable[[int, int], MakeLaunch]  # for so many slots, and at most so many rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Every program on every scenario, and the programs that could not be replayed with the reason."""

    replayed: tuple[Replayed, ...]
    left_out: Mapping[str, str]

    @property
    def correlation(self) -> float | None:
        """Of the orders by simulation and by time, over all scenarios."""
        found = overall(self.replayed)
        return rank_correlation(*zip(*found.values(), strict=True)) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What is replayed, and on what."""

    programs: Mapping[str, str]  # name to source
    scenarios: Sequence[Scenario]
    cells: int  # of each scenario
    timer: Timer
    make_experts: MakeExperts
    open_candidate: OpenCandidate
    limits: Limits
    seed: int = 0  # of the cells

    def run(self) -> Result:
        """Plan, count and time, scenario by scenario; a program that fails once is left out everywhere."""
        left_out: dict[str, str] = {}
        planned = [(scenario, self._plan(scenario, left_out)) for scenario in self.scenarios]
        found: list[Replayed] = []
        for scenario, loads in planned:
            kept = {name: load for name, load in loads.items() if name not in left_out}
            found += self._time(scenario, kept) if kept else []
        return Result(replayed=tuple(found), left_out=left_out)

    def _plan(self, scenario: Scenario, left_out: dict[str, str]) -> dict[str, SlotLoads]:
        cells = draw_cells(scenario, self.cells, np.random.default_rng(self.seed))
        clock = ClockPolicy(clock=PlannerClock.MODELLED)
        loads = {}
        for name, source in self.programs.items():
            if name in left_out:
                continue
            try:
                with self.open_candidate(source, self.limits) as candidate:
                    served, _ = scenario.serve(candidate, clock)
                loads[name] = slot_loads(scenario, served, cells)
            except CandidateFailure as failure:
                left_out[name] = f"{failure.outcome} on {scenario.name}: {failure.detail}"
            except ContractError as error:
                left_out[name] = str(error)
        return loads

    def _time(self, scenario: Scenario, loads: Mapping[str, SlotLoads]) -> list[Replayed]:
        most_rows = max(int(load.counts_CGS.sum(axis=2).max()) for load in loads.values())
        make = self.make_experts(scenario.system.slots_per_gpu, most_rows)
        num_cells = len(next(iter(loads.values())).counts_CGS)
        timed: dict[str, list[float]] = {name: [] for name in loads}
        for cell in range(num_cells):
            for name, us in self._busiest_us(make, loads, cell).items():
                timed[name].append(us)
        return [
            Replayed(
                scenario=scenario.name,
                program=name,
                simulated_us=float(load.simulated_us_CG.max(axis=1).mean()),
                timed_us=float(np.mean(timed[name])),
            )
            for name, load in loads.items()
        ]

    def _busiest_us(self, make: MakeLaunch, loads: Mapping[str, SlotLoads], cell: int) -> dict[str, float]:
        """The time of each program's busiest GPU in a cell, all of them timed in turns.

        The order of a GPU's slots is nothing to the model, so equal rows in any order are timed once: programs with
        equal plans then tie on both sides.
        """
        rows_of = {name: _different_rows(load, cell) for name, load in loads.items()}
        launches = {rows: make(rows) for some in rows_of.values() for rows in some}
        timings = self.timer.compare({str(rows): launch for rows, launch in launches.items()}).timings
        return {
            name: max((timings[str(rows)].median_us for rows in some), default=0.0) for name, some in rows_of.items()
        }


def _different_rows(loads: SlotLoads, cell: int) -> list[tuple[int, ...]]:
    """The rows of the suspected GPUs' slots, largest first; GPUs without any left out."""
    sorted_rows = (tuple(sorted(loads.counts_CGS[cell, gpu].tolist(), reverse=True)) for gpu in loads.suspects(cell))
    return list(dict.fromkeys(rows for rows in sorted_rows if rows[0]))
