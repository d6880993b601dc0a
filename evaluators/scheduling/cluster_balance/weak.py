"""The rule that scores 0: round robin over a fleet that is always on."""

from __future__ import annotations

import numpy as np

from evaluators.scheduling.cluster_balance.engine import NOWHERE, SLACK, Decide, Seen
from evaluators.scheduling.cluster_balance.workload import Bools, Ints, Workload


def round_robin(workload: Workload) -> Decide:
    """Each waiting job, in order of arrival, on the next machine in turn that has room; never moved."""
    capacity_M2, machines, turn = workload.fleet.capacity_M2 * (1 + SLACK / 2), workload.fleet.speed_M.size, 0

    def decide(seen: Seen) -> tuple[Ints, Bools]:
        nonlocal turn
        place, demand_J2 = seen.machine_J.copy(), workload.jobs.demand_N2[seen.job_J]
        free_M2 = capacity_M2.copy()
        runs = place != NOWHERE
        np.subtract.at(free_M2, place[runs], demand_J2[runs])
        for row in np.flatnonzero(~runs):
            order = (turn + np.arange(machines)) % machines
            fits = order[(free_M2[order] >= demand_J2[row]).all(axis=1)]
            if fits.size:
                place[row] = fits[0]
                free_M2[fits[0]] -= demand_J2[row]
                turn = int(fits[0]) + 1
        return place, np.ones(machines, dtype=bool)

    return decide
