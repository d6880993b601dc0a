"""What a scenario is made of: machines and jobs, as the engine knows them. Time is counted in ticks.

Letters: M machines, N jobs, T ticks, two resources (cpu in cores, memory in GB).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """The machines; speeds and slowdowns are hidden from programs."""

    capacity_M2: Floats  # cores and GB
    speed_M: Floats  # work per tick of each job on it, when nothing slows it down
    posted_M: Floats  # the speed that is told: the hidden one with an error
    price_M: Floats  # cost per tick while on or booting
    slow_TM: Floats  # factor of the speed in a tick, above 0, at most 1; 1 in later ticks
    boot: int  # ticks from switching on until jobs can be placed
    move: int  # ticks without progress each time a job is started again or elsewhere


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jobs:
    """The jobs by arrival; sizes are hidden from programs."""

    arrival_N: Ints  # tick in which each is first seen, sorted
    size_N: Floats  # work: ticks on a machine of speed 1
    weight_N: Floats  # cost of a tick in the system
    demand_N2: Floats  # cores and GB while it runs
    group_N: Ints  # what it is told to be alike to


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workload:
    """Machines and jobs, and the tick by which all jobs must be done."""

    fleet: Fleet
    jobs: Jobs

    @property
    def limit(self) -> int:
        """The tick by which the last job must be done.

        Four times the sum of the last arrival, the longest job on the slowest machine, and all work on all machines.
        """
        jobs, fleet = self.jobs, self.fleet
        longest = float(jobs.size_N.max() / (fleet.speed_M * fleet.slow_TM.min(axis=0)).min())
        all_work = float(((jobs.size_N @ jobs.demand_N2) / (fleet.speed_M @ fleet.capacity_M2)).max())
        return 4 * (int(jobs.arrival_N[-1]) + int(longest) + int(all_work) + fleet.boot + fleet.move) + 50
